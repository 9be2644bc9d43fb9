"""The data path: an httpx transport of our own.

httpx's own pool scans every connection for each request, which was 80 % of the gateway's time at 64 connections.

Why a POST may be sent twice. A server closes an idle connection (uvicorn after 5 s) at the moment we write to it. RFC
9112 §9.3.1 lets a client repeat a request by itself on a closed connection only when the method is idempotent (RFC
9110 §9.2.2) or it knows that the request was not processed. A generation is not idempotent by its method, but it
changes nothing except the time a GPU spends: so a request is repeated exactly once, on a fresh connection, and only
when the connection had been used before, the peer itself closed it, and not one byte of an answer had come. A fresh
connection that dies, a deadline, or one byte received: no repetition here, the pipeline decides.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx

from appliance.egress.dial import Dialler
from appliance.egress.guard import Guard
from appliance.egress.pool import Pool, PoolLimits, Route
from appliance.egress.tls import TlsContexts
from appliance.egress.url import PORTS, Origin
from appliance.egress.wire import Connection

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})  # HEAD and CONNECT frame their answers otherwise
_OURS = frozenset(
    {b"content-length", b"transfer-encoding", b"accept-encoding", b"connection", b"keep-alive", b"expect"}
)
# A field that smuggles a line break would smuggle a request: the whole head is matched before it is written.
_HEAD = re.compile(rb"[A-Z]+ /[!-~]* HTTP/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00-\x08\x0a-\x1f\x7f]*\r\n)+\r\n")


class Payload(httpx.AsyncByteStream):
    """A request body that is all here."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.data


class Answer(httpx.AsyncByteStream):
    """The body of one answer. Holds its connection until the body was read whole or `release` is called."""

    __slots__ = ("_between", "_connection", "_loop", "_pool")

    def __init__(self, connection: Connection, pool: Pool, between: float | None) -> None:
        self._connection: Connection | None = connection
        self._pool = pool
        self._between = between
        self._loop = asyncio.get_running_loop()

    async def next(self) -> bytes:
        """Bytes as they came, `b""` at a clean end. Raises httpx.ReadError, ReadTimeout, RemoteProtocolError."""
        connection = self._connection
        if connection is None:
            return b""
        while True:
            if connection.pieces:
                return connection.take()
            if connection.done:
                self.release()
                return b""
            if connection.failure is not None:
                self.release()
                raise connection.failure
            try:
                await connection.pause(self._between)
            except TimeoutError:
                self.release()
                raise httpx.ReadTimeout(f"`{connection.origin}` sent nothing for {self._between} s") from None
            except BaseException:  # cancelled: nobody will read the rest
                self.release()
                raise

    def release(self) -> None:
        """Give the connection back, or abort it when the answer is not whole. Idempotent, never blocks."""
        connection = self._connection
        if connection is not None:
            self._connection = None
            self._pool.give_back(connection, self._loop.time())

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self.next():
            yield data

    async def aclose(self) -> None:
        self.release()

    def __del__(self) -> None:
        # An answer forgotten by a bug must not hold a descriptor and a GPU for ever.
        if getattr(self, "_connection", None) is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.release)


class PooledTransport(httpx.AsyncBaseTransport):
    """Sends requests over pooled HTTP/1.1 connections of one event loop. Follows nothing, decodes nothing, no proxies.

    `request.extensions`: `timeout` with httpx's `connect`, `read`, `write`, `pool` (seconds or None) and, beyond
    httpx, `head` (until status and headers; default: `read`); `ca_file`, the PEM an https origin is checked against.
    Raises httpx's errors: ConnectError, ConnectTimeout, PoolTimeout, WriteTimeout, ReadTimeout, ReadError,
    RemoteProtocolError, LocalProtocolError, UnsupportedProtocol. Cancelling any wait aborts the connection.
    """

    def __init__(self, guard: Guard, *, limits: PoolLimits | None = None, tls: TlsContexts | None = None) -> None:
        self.pool = Pool(Dialler(guard, tls or TlsContexts()).dial, limits or PoolLimits())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        route = _route(request)
        stream = request.stream
        message = _message(request, stream.data if isinstance(stream, Payload) else await request.aread())
        timeouts: dict[str, float | None] = request.extensions.get("timeout") or {}
        connection = await self._head(route, message, timeouts)
        return httpx.Response(
            connection.status,
            headers=connection.headers,
            stream=Answer(connection, self.pool, timeouts.get("read")),
            extensions={"http_version": b"HTTP/1.1"},
        )

    async def aclose(self) -> None:
        self.pool.close()

    async def _head(self, route: Route, message: bytes, timeouts: dict[str, float | None]) -> Connection:
        """A connection that has received the head of its answer."""
        connection = self.pool.reuse(route, asyncio.get_running_loop().time())
        if connection is None:
            connection = await self.pool.fresh(route, timeouts.get("connect"), timeouts.get("pool"))
        try:
            await self._ask(connection, message, timeouts)
        except httpx.ReadError:
            if not connection.stale:
                raise
            connection = await self.pool.fresh(route, timeouts.get("connect"), timeouts.get("pool"))
            await self._ask(connection, message, timeouts)
        return connection

    async def _ask(self, connection: Connection, message: bytes, timeouts: dict[str, float | None]) -> None:
        try:
            connection.send(message)
            await connection.written(timeouts.get("write"))
            await connection.answered(timeouts.get("head", timeouts.get("read")))
        except BaseException:  # late or cancelled: an answer may still come, and nobody would read it
            connection.abort()
            raise
        if not connection.head and connection.failure is not None:
            raise connection.failure


def _route(request: httpx.Request) -> Route:
    url = request.url
    scheme = url.scheme
    if scheme not in PORTS:
        raise httpx.UnsupportedProtocol(f"only http and https are spoken, not `{scheme}`")
    if request.method not in METHODS:
        raise httpx.UnsupportedProtocol(f"`{request.method}` is not spoken")
    if not url.host or url.userinfo:
        raise httpx.UnsupportedProtocol("the url has no host, or a user before it")
    ca_file: str | None = request.extensions.get("ca_file")
    return Route(Origin(scheme, url.host, url.port or PORTS[scheme]), ca_file)


def _message(request: httpx.Request, body: bytes) -> bytes:
    """The request as it goes over the wire. Raises httpx.LocalProtocolError for a head that is not one."""
    fields: list[Any] = [b"%b: %b\r\n" % field for field in request.headers.raw if field[0].lower() not in _OURS]
    method = request.method
    if body or method != "GET":
        fields.append(b"content-length: %d\r\n" % len(body))
    head = b"%b %b HTTP/1.1\r\n%baccept-encoding: identity\r\n\r\n" % (
        method.encode("ascii"),
        request.url.raw_path,
        b"".join(fields),
    )
    # The count too: a value `a\r\nb: c` makes two well-formed lines of one field.
    if head.count(b"\n") != len(fields) + 3 or not _HEAD.fullmatch(head):
        raise httpx.LocalProtocolError("the request has a header or path that cannot be sent")
    return head + body
