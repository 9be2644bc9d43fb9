"""The outermost ASGI layer: a request that could mean two things is refused before any app sees it.

What bytes are one request is decided below, in `protocol.Connection` (framing, sizes, deadlines, request target). Here
is decided what a well-framed request may say of itself.
"""

from collections.abc import Awaitable

from appliance.domain.errors import (
    BadHost,
    BadRequest,
    BodyTooLarge,
    GatewayError,
    MethodNotAllowed,
    UnsupportedMediaType,
)
from appliance.http.server.hosts import Hosts
from appliance.http.server.wire import App, Header, Receive, Refused, Render, Scope, Send

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ALLOW = (b"allow", ", ".join(sorted(METHODS)).encode())
_HOST = b"host"
_VERSIONS = frozenset({"1.0", "1.1"})
_ONCE = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        _HOST,
        b"transfer-encoding",
        b"x-api-key",
    }
)
# Claims about who is asking. Nothing of ours reads them; dropped, so that nothing ever does by accident.
_CLAIMS = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"})
_CODINGS = frozenset({b"content-encoding", b"expect", b"transfer-encoding"})


class Guard:
    """Wraps an app. Exactly one `Host` of ours, known methods, plain bodies, no header that says a thing twice.

    Header names with `_` are dropped: some servers read `X_Api_Key` as `X-Api-Key`, others do not.
    `refused` is told the kind of each refusal. Everything but http (the lifespan) passes.
    """

    def __init__(self, app: App, *, hosts: Hosts, body_bytes: int, render: Render, refused: Refused) -> None:
        self._app = app
        self._hosts = hosts
        self._body_bytes = body_bytes
        self._render = render
        self._refused = refused

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Not a coroutine itself: a request that passes costs no frame here.
        if scope["type"] == "http" and (error := self._objection(scope)) is not None:
            return self._refuse(error, send)
        return self._app(scope, receive, send)

    def _objection(self, scope: Scope) -> GatewayError | None:
        headers: list[Header] = scope["headers"]
        found = dict(headers)
        if len(found) != len(headers) and (twice := _doubled(headers)) is not None:
            return twice
        if b"_" in b"".join(found) or not _CLAIMS.isdisjoint(found):
            scope["headers"] = [header for header in headers if b"_" not in header[0] and header[0] not in _CLAIMS]
        host = found.get(_HOST)
        if host is None:
            return BadHost("the `Host` header is missing; send the name and port of this gateway")
        if (error := self._hosts.objection(host)) is not None:
            return error
        if scope["method"] not in METHODS:
            return MethodNotAllowed("this method is not served here")
        if scope["http_version"] not in _VERSIONS:
            return BadRequest("only HTTP/1.1 and HTTP/1.0 are spoken here")
        return self._body_objection(scope, found)

    def _body_objection(self, scope: Scope, found: dict[bytes, bytes]) -> GatewayError | None:
        length = found.get(b"content-length")
        if length is not None and int(length) > self._body_bytes:
            return BodyTooLarge(f"the body is {int(length)} bytes long; at most {self._body_bytes} are read")
        if _CODINGS.isdisjoint(found):  # most requests
            return None
        if b"transfer-encoding" in found and not _plain_chunks(scope, found[b"transfer-encoding"]):
            return BadRequest("`Transfer-Encoding` must be `chunked` alone, over HTTP/1.1", param="transfer-encoding")
        if found.get(b"content-encoding", b"identity").lower() != b"identity":
            # A gzip bomb of 204 KB holds 200 MiB; no client SDK compresses its requests.
            return UnsupportedMediaType("compressed bodies are not read; send the body as it is, without encoding")
        if found.get(b"expect", b"100-continue").lower() != b"100-continue":
            return BadRequest("the only `Expect` met here is `100-continue`", param="expect")  # RFC 9110 §10.1.1
        return None

    async def _refuse(self, error: GatewayError, send: Send) -> None:
        self._refused(error.kind)
        answer = self._render(error)
        headers = [*answer.headers, _ALLOW] if isinstance(error, MethodNotAllowed) else list(answer.headers)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


def _plain_chunks(scope: Scope, coding: bytes) -> bool:
    """RFC 9112 §6.1: with HTTP/1.0 the framing is faulty; with `gzip, chunked` we would hand on a body still packed."""
    return coding.lower() == b"chunked" and scope["http_version"] == "1.1"


def _doubled(headers: list[Header]) -> GatewayError | None:
    """Fields that may come only once and came twice (RFC 9110 §5.3); others, such as `Accept`, may."""
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in seen and name == _HOST:
            return BadHost("there is more than one `Host` header; send one")
        if name in seen and name in _ONCE:
            return BadRequest(f"there is more than one `{name.decode()}` header; send one", param=name.decode())
        seen.add(name)
    return None
