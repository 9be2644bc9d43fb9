r"""The one form in which an endpoint's URL is accepted: no two parsers can read it differently. Pure.

Stricter than RFC 3986 on purpose. `http://127.0.0.1\@other/` is host `other` to one parser and `127.0.0.1` to
another; a URL with any such character is refused when it is registered, not judged when it is dialled.
"""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

PORTS = {"http": 80, "https": 443}
LONGEST = 2048
_WHOLE = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<rest>[?#].*)?")
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_HOST = re.compile(r"(?=.{1,253}$)(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
_LAST = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?")  # WHATWG URL §3.5: such a host is an IPv4 number
_PORT = re.compile(r"[0-9]{1,5}")


class Origin(NamedTuple):
    """Who is dialled. `host` is lower-case, without brackets."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def check_url(url: str) -> list[str]:
    """Problems of an endpoint's base URL, in words for the operator. Empty: none."""
    problems = _characters(url)
    if problems:
        return problems
    match = _WHOLE.fullmatch(url)
    if match is None:
        return ["the url is not of the form `http://host:port`"]
    if match["scheme"].lower() not in PORTS:
        problems.append(f"the scheme is `{match['scheme']}`; only http and https are spoken")
    if match["rest"] is not None:
        problems.append("the url has a query or a fragment; give only scheme, host, port and path")
    return problems + _authority(match["authority"]) + _path(match["path"] or "")


def origin(url: str) -> Origin:
    """Who a checked URL means. Raises ValueError with every problem of one that is not."""
    if problems := check_url(url):
        raise ValueError("; ".join(problems))
    match = _WHOLE.fullmatch(url)
    assert match is not None  # noqa: S101  check_url said so
    host, port = _split(match["authority"])
    scheme = match["scheme"].lower()
    return Origin(scheme, host.strip("[]").lower(), int(port) if port else PORTS[scheme])


def _characters(url: str) -> list[str]:
    problems = []
    if not url or len(url) > LONGEST:
        problems.append(f"the url is empty or longer than {LONGEST} characters")
    if not url.isascii():
        problems.append("the url has characters outside ASCII; write international names in their `xn--` form")
    if any(character <= " " or character == "\x7f" for character in url):
        problems.append("the url has a space or a control character")
    if "\\" in url:
        problems.append("the url has a backslash, which parsers read differently")
    return problems


def _authority(authority: str) -> list[str]:
    if "@" in authority:
        return ["the url has a user or password in it; give the credential as a reference to a secret"]
    if "%" in authority:
        return ["the host has percent-encoding or a zone; write it plainly"]
    host, port = _split(authority)
    problems = _host(host)
    if port is not None and not (_PORT.fullmatch(port) and 0 < int(port) < 65536):
        problems.append(f"the port is `{port}`; it must be from 1 to 65535")
    return problems


def _split(authority: str) -> tuple[str, str | None]:
    """Host (with its brackets) and port as written; None when there is no colon after the host."""
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        return host + bracket, rest[1:] if rest.startswith(":") else (rest or None)
    host, colon, port = authority.partition(":")
    return host, port if colon else None


def _host(host: str) -> list[str]:
    if not host:
        return ["the url has no host"]
    if host.startswith("["):
        return [] if _is(IPv6Address, host[1:-1]) and host.endswith("]") else [f"`{host}` is not an IPv6 address"]
    if _LAST.fullmatch(host):
        return [] if _is(IPv4Address, host) else [f"`{host}` is not an IPv4 address of four decimal numbers"]
    return [] if _HOST.fullmatch(host) else [f"`{host}` is not a host name"]


def _is(kind: type[IPv4Address] | type[IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _path(path: str) -> list[str]:
    if not _PATH.fullmatch(path):
        return ["the path has a character that must be percent-encoded"]
    if re.search(r"%(?:2[eEfF]|5[cC]|00)", path) or {".", ".."} & set(path.split("/")):
        return ["the path has dot segments or encoded separators; write where it leads"]
    return []
