"""The allow-list, and the look-up that is checked before anything is dialled. Deny by default.

A name is looked up once, every answer is checked, and what was checked is what gets dialled: a second look-up, which
a rebinding name server would answer differently, never happens.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv6Network, ip_network

from appliance.egress.address import MAPPED, Address, Network, faces, forbidden, parse
from appliance.egress.refusals import OnRefusal, Refusal

LOOPBACK = ("127.0.0.0/8", "::1/128", "localhost")
_NAME = re.compile(r"(?=.{1,253}$)(?:\*\.)?(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")

Resolve = Callable[[str, int], Awaitable[Iterable[str]]]
"""Addresses of a name, as text. Raises OSError when there are none."""


class EgressRefused(OSError):
    """Something here wanted to connect where the configuration does not let it."""


class AllowList:
    """Networks that may be dialled and names that may be looked up. Immutable.

    A listed name may be asked of the resolver; its addresses must still lie in listed networks. `*.site.example`
    lists every name below `site.example`.
    """

    __slots__ = ("_names", "_networks", "_suffixes", "entries")

    def __init__(self, entries: Iterable[str] = LOOPBACK) -> None:
        """Takes CIDRs, addresses and names. Raises ValueError naming the entry that is none of them."""
        self.entries = tuple(entries)
        networks: list[Network] = []
        names: set[str] = set()
        for entry in self.entries:
            if (network := _network(entry)) is not None:
                networks.append(network)
            else:
                names.add(_name(entry))
        self._networks = tuple(networks)
        self._names = frozenset(name for name in names if not name.startswith("*."))
        self._suffixes = tuple(name[1:] for name in names if name.startswith("*."))

    def refusal(self, address: Address) -> str | None:
        """Why an address may not be dialled; None when it may."""
        for face in faces(address):
            within = "" if face == address else f" (`{face}` is inside it)"
            if (reason := forbidden(face)) is not None:
                return f"`{address}` is {reason}{within}"
            if not any(face.version == network.version and face in network for network in self._networks):
                return f"`{address}` is in no network of the egress allow-list{within}"
        return None

    def permits(self, address: str) -> bool:
        """True for the text of an address that may be dialled. Never raises."""
        try:
            return self.refusal(parse(address)) is None
        except ValueError:
            return False

    def host_refusal(self, host: str) -> str | None:
        """Why a host, an address or a name, may not be dialled: for a name, as far as can be told without a look-up."""
        try:
            return self.refusal(parse(host))
        except ValueError:
            return None if self.names(host) else f"the name `{host}` is not in the egress allow-list"

    def names(self, host: str) -> bool:
        """True for a name that may be looked up."""
        name = host.lower().removesuffix(".")
        return name in self._names or name.endswith(self._suffixes)


def _network(entry: str) -> Network | None:
    if "%" in entry:
        raise ValueError(f"egress allow-list: `{entry}` names a zone, and a scoped address is never dialled")
    try:
        network = ip_network(entry)
    except ValueError as error:
        if "/" in entry or ":" in entry or _NUMERIC.fullmatch(entry.lower()):
            raise ValueError(f"egress allow-list: `{entry}` is not a network ({error})") from None
        return None
    if isinstance(network, IPv6Network) and network.overlaps(MAPPED) and network.prefixlen >= MAPPED.prefixlen:
        raise ValueError(f"egress allow-list: write `{entry}` as the IPv4 network it maps")
    return network


def _name(entry: str) -> str:
    name = entry.lower().removesuffix(".")
    if not _NAME.fullmatch(name):
        raise ValueError(f"egress allow-list: `{entry}` is neither a network, an address nor a host name")
    return name


async def system_lookup(host: str, port: int) -> list[str]:
    """The resolver of the operating system, asked once."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


class Guard:
    """Turns a host into the addresses that may be dialled for it."""

    def __init__(
        self,
        allow: AllowList,
        *,
        resolve: Resolve = system_lookup,
        on_refusal: OnRefusal | None = None,
        layer: str = "dial",
    ) -> None:
        self.allow = allow
        self._resolve = resolve
        self._on_refusal = on_refusal
        self._layer = layer

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Where `host` may be dialled, in the resolver's order; at least one.

        Raises EgressRefused unless the name is listed and every one of its addresses is allowed, and OSError when the
        look-up fails.
        """
        try:
            found: tuple[Address, ...] = (parse(host),)
        except ValueError:
            found = await self._lookup(host, port)
        for address in found:
            if (reason := self.allow.refusal(address)) is not None:
                raise self._refused("connect", f"{host}:{port}", reason)
        return tuple(str(faces(address)[0]) for address in dict.fromkeys(found))

    async def _lookup(self, host: str, port: int) -> tuple[Address, ...]:
        if _NUMERIC.fullmatch(
            host.lower().removesuffix(".")
        ):  # `127.1`, `0x7f000001`: resolvers read them as addresses
            raise self._refused(
                "lookup", f"{host}:{port}", "an address is written as four decimal numbers or in brackets"
            )
        if (reason := self.allow.host_refusal(host)) is not None:
            raise self._refused("lookup", f"{host}:{port}", reason)
        try:
            found = tuple(parse(text) for text in await self._resolve(host, port))
        except (ValueError, UnicodeError) as error:
            raise self._refused("lookup", f"{host}:{port}", f"`{host}` has no usable address ({error})") from None
        if not found:
            raise OSError(f"`{host}` has no address")
        return found

    def _refused(self, what: str, to: str, why: str) -> EgressRefused:
        if self._on_refusal is not None:
            self._on_refusal(Refusal(layer=self._layer, what=what, to=to, why=why))
        return EgressRefused(f"egress guard: {why}")
