"""What an IP address really points at: unmapping, and addresses no list can open. Pure."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291 §2.5.5.2: the kernel dials the IPv4 address itself
ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214 §6.1: upper half of the interface identifier

NEVER: tuple[tuple[Network, str], ...] = (
    (ip_network("0.0.0.0/8"), "an unspecified address"),
    (ip_network("::/128"), "the unspecified address"),
    (ip_network("224.0.0.0/4"), "a multicast address"),
    (ip_network("ff00::/8"), "a multicast address"),
    (ip_network("240.0.0.0/4"), "a reserved or broadcast address"),
    (ip_network("169.254.0.0/16"), "a link-local address, where clouds keep their metadata"),
    (ip_network("fe80::/10"), "a link-local address"),
    (ip_network("fec0::/10"), "a site-local address, abolished by RFC 3879"),
    (ip_network("fd00:ec2::/32"), "a cloud metadata address"),
    (ip_network("fd20:ce::/32"), "a cloud metadata address"),
    (ip_network("100.100.100.200/32"), "a cloud metadata address"),
    (ip_network("168.63.129.16/32"), "a cloud metadata address"),
    (ip_network("192.0.0.0/24"), "an address of protocol assignments, cloud metadata among them"),
    (ip_network("64:ff9b:1::/48"), "a local NAT64 address (RFC 8215): the site chooses where the IPv4 part stands"),
)
"""Refused even inside a listed network, with the reason an operator reads."""


def parse(text: str) -> Address:
    """An address as written. Raises ValueError, also for one with a zone (`fe80::1%eth0`)."""
    if "%" in text:
        raise ValueError(f"`{text}` names a zone, and a scoped address is never dialled")
    return ip_address(text)


def numeric(host: str) -> bool:
    """True for an address in plain writing: looking it up asks nobody."""
    try:
        parse(host)
    except ValueError:
        return False
    return True


def faces(address: Address) -> tuple[Address, ...]:
    """Every address that dialling this one may reach; all must be allowed.

    A v4-mapped address is its IPv4 address and nothing else. A tunnel or translation address stands for itself (the
    relay that gets the packet) and for the IPv4 address within: a listed `127.0.0.0/8` must not open
    `64:ff9b::7f00:1`, which leaves the machine.
    """
    if not isinstance(address, IPv6Address):
        return (address,)
    if address in MAPPED:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return (address, *dict.fromkeys(_embedded(address)))


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    value = int(address)
    low = value & 0xFFFFFFFF
    if value >> 32 == 0 and value > 1:  # v4-compatible, RFC 4291 §2.5.5.1
        yield IPv4Address(low)
    if value >> 32 == 0xFFFF_0000:  # v4-translated `::ffff:0:a.b.c.d`, RFC 2765 §2.1
        yield IPv4Address(low)
    if value >> 32 == 0x0064_FF9B << 64:  # NAT64, RFC 6052 §2.1
        yield IPv4Address(low)
    if value >> 112 == 0x2002:  # 6to4, RFC 3056 §2
        yield IPv4Address(value >> 80 & 0xFFFFFFFF)
    if value >> 96 == 0x2001_0000:  # Teredo, RFC 4380 §4: server, and client with its bits turned
        yield IPv4Address(value >> 64 & 0xFFFFFFFF)
        yield IPv4Address(low ^ 0xFFFFFFFF)
    if value >> 32 & 0xFFFFFFFF in ISATAP:
        yield IPv4Address(low)


def forbidden(address: Address) -> str | None:
    """Why an address is never dialled, whatever the list says."""
    for network, reason in NEVER:
        if address.version == network.version and address in network:
            return reason
    return None
