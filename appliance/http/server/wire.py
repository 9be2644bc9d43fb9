"""Words the server shares: ASGI's callables, and an error as bytes."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from appliance.domain.errors import GatewayError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
Header = tuple[bytes, bytes]
GONE = "redoubt.gone"
"""An extension of the scope (ASGI 3.0, "Extensions"): its `tell` is a `TellWhenGone`.

ASGI's own way to learn that a client has left is a task that waits in `receive`.
"""
TellWhenGone = Callable[[Callable[[], None]], None]
"""Calls its argument, once, if the client leaves before its answer is complete. To be used when the body is read."""


class Rendered(Protocol):
    """An error ready to be sent; `headers` hold its content-length."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Sequence[Header]: ...
    @property
    def body(self) -> bytes: ...


Render = Callable[[GatewayError], Rendered]
Refused = Callable[[str], None]
"""Told the `kind` of everything that is turned away before an app sees it."""


def last_answer(error: Rendered) -> bytes:
    """The whole HTTP/1.1 answer, after which the connection is closed (RFC 9112 §9.6)."""
    lines = [name + b": " + value + b"\r\n" for name, value in error.headers]
    return b"".join((STATUS_LINE[error.status], *lines, b"connection: close\r\n\r\n", error.body))
