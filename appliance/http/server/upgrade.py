"""A request head as it would have been without its wish for another protocol."""

from collections.abc import Iterable

import httptools

from appliance.http.server.wire import Header

_WISHES = frozenset({b"upgrade", b"http2-settings"})


def without_upgrade(parser: httptools.HttpRequestParser, target: bytes, headers: Iterable[Header]) -> bytes:
    """The head that `parser` has just read, to be parsed anew. RFC 9110 §7.8: a server may ignore `Upgrade`."""
    version = parser.get_http_version().encode()
    lines = [parser.get_method() + b" " + target + b" HTTP/" + version]
    for name, value in headers:
        if name == b"connection":
            tokens = [token for token in value.split(b",") if token.strip().lower() not in _WISHES]
            lines.append(b"connection:" + b",".join(tokens))
        elif name not in _WISHES:
            lines.append(name + b": " + value)
    return b"\r\n".join((*lines, b"", b""))
