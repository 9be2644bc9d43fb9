"""Addresses of machines: IPv4 and IPv6 (RFC 791, RFC 4291), MAC (IEEE 802)."""

import ipaddress
from collections.abc import Iterator
from typing import Final

from appliance.domain.privacy import Entity, Finding
from appliance.redaction.recognisers.recogniser import WEAK, Context, Rule, compiled, word

IP_ADDRESS: Final = Entity("IP_ADDRESS")
NOBODY: Final = {"0.0.0.0", "127.0.0.1", "255.255.255.255", "255.255.255.0", "255.255.0.0", "255.0.0.0", "::1", "::"}  # noqa: S104  # compared, never bound
VERSION: Final = (b"v", b"V", b"version ", b"Version ", b"release ", b"==", b">=", b"<=", b"~=", b"^", b"~")
OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"


class Ipv4:
    """Four octets. Not loopback, masks and the unspecified address; not what is written like a version."""

    entities = (IP_ADDRESS,)
    gate = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"

    def __init__(self) -> None:
        self._pattern = compiled(rf"\b{OCTET}(?:\.{OCTET}){{3}}\b")
        self._context = Context(
            r"ip|ips|ipv4|address|addr|host|server|client|from|dns|nameserver|gateway|subnet|route|peer|ping"
        )
        self._release = compiled(r"^[-+~][0-9A-Za-z]+(?:[^0-9A-Za-z.]|$)")

    def scan(self, plain: bytes) -> Iterator[Finding]:
        for match in self._pattern.finditer(plain):
            start, end = match.span()
            if (
                plain[start:end].decode() in NOBODY
                or self._dotted(plain, start, end)
                or self._version(plain, start, end)
            ):
                continue
            small = len(plain[start:end]) == 7  # four digits: far more often a version
            yield Finding(start, end, IP_ADDRESS, WEAK if small and not self._context.near(plain, start, end) else 0.8)

    @staticmethod
    def _dotted(plain: bytes, start: int, end: int) -> bool:
        """Whether more of a dotted number stands beside."""
        before = plain[start - 1 : start] == b"." and start > 1 and word(plain[start - 2])
        after = plain[end : end + 1] == b"." and plain[end + 1 : end + 2].isdigit()
        return before or after or (end < len(plain) and word(plain[end]))

    def _version(self, plain: bytes, start: int, end: int) -> bool:
        """Whether it is written like a version: `v1.2.3.4`, `name/1.2.3.4`, `1.2.3.4-2` (but `10.0.0.1-10.0.0.9`)."""
        if self._release.search(plain[end : end + 16]):
            return True
        head = plain[max(0, start - 8) : start]
        return head.endswith(VERSION) or (head.endswith(b"/") and head[-2:-1].isalpha())


class Ipv6:
    """What the standard library reads as an IPv6 address, and is no C++ name and no time of day."""

    entities = (IP_ADDRESS,)
    gate = r":[0-9A-Fa-f]{0,4}:"

    def __init__(self) -> None:
        self._pattern = compiled(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:\.[0-9]{1,3}){0,3}")

    def scan(self, plain: bytes) -> Iterator[Finding]:
        for match in self._pattern.finditer(plain):
            start, end = match.span()
            found = plain[start:end].rstrip(b":") if not plain[start:end].endswith(b"::") else plain[start:end]
            end = start + len(found)
            if self._outside(plain, start, end) or not self._address(found):
                continue
            yield Finding(start, end, IP_ADDRESS, 0.8)

    @staticmethod
    def _outside(plain: bytes, start: int, end: int) -> bool:
        before = start > 0 and (word(plain[start - 1]) or plain[start - 1] in b":.")
        after = end < len(plain) and (word(plain[end]) or plain[end : end + 2] == b"::")
        return before or after

    @staticmethod
    def _address(found: bytes) -> bool:
        text = found.decode()
        if not any(one.isdigit() for one in text) or text in NOBODY or len(text) < 4:
            return False
        try:
            ipaddress.IPv6Address(text)
        except ValueError:
            return False
        return True


def one_separator(text: bytes) -> bool:
    return len(set(text) & set(b":-")) <= 1


def whole_mac(plain: bytes, start: int, end: int) -> bool:
    """Not a piece of a longer dump or fingerprint, and one separator throughout."""
    if not one_separator(plain[start:end]):
        return False
    if start and (word(plain[start - 1]) or plain[start - 1] in b":-."):
        return False
    return end == len(plain) or not (word(plain[end]) or (plain[end] in b":-." and plain[end + 1 : end + 2].isalnum()))


RULES: Final = (
    Rule(
        entity=Entity("MAC_ADDRESS"),
        pattern=r"\b(?:[0-9A-Fa-f]{2}(?:[:\-][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})\b",
        gate=r"[0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]{2}[:\-]|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.",
        edges=whole_mac,
        score=0.8,
    ),
)
