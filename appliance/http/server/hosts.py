"""Which `Host` we answer to (RFC 9110 §7.2). Never used to build a URL: only to refuse."""

import re
from collections.abc import Iterable

from appliance.domain.errors import BadHost, GatewayError, MisdirectedRequest

# RFC 3986 §3.2.2 without the forms nobody serves: a registered name or IPv4 address, or an IPv6 literal; then a port.
_HOST = re.compile(rb"([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::([0-9]{1,5}))?").fullmatch
_REMEMBERED = 256


class Hosts:
    """An allow-list. A name alone allows every port (a port may be mapped on its way to us); `name:port` only that one.

    Compared byte for byte after ASCII lower case. An IPv6 address is written as clients send it, `[::1]`, or bare.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(_entry(name) for name in names)
        self._seen: set[bytes] = set()  # header values found good, so that the next request costs one look-up

    def objection(self, host: bytes) -> GatewayError | None:
        """Why a `Host` value is refused: BadHost or MisdirectedRequest; None when it is ours."""
        if host in self._seen:
            return None
        lower = host.lower()
        parts = _HOST(lower)
        if parts is None or int(parts[2] or 0) > 65535:
            return BadHost("the `Host` header is malformed; send the name and port of this gateway")
        if parts[1] not in self._names and lower not in self._names:
            return MisdirectedRequest(
                "this gateway does not answer to that `Host`; your operator can add it to the listener's `hosts`"
            )
        if len(self._seen) < _REMEMBERED:
            self._seen.add(host)
        return None


def _entry(name: str) -> bytes:
    bare_v6 = name.count(":") > 1 and not name.startswith("[")
    return (f"[{name}]" if bare_v6 else name).lower().encode("ascii")
