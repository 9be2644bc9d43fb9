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
from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple

import httpx

from appliance.domain.upstream import Header
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
_HEAD = re.compile(rb"[A-Z]+ /[!-~]* HTTP/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00-\x08\x0a-\x1f\x7f]*\r\n)+")
_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")


class Waits(NamedTuple):
    """How long each step may take, in seconds; None: for ever. `head`: until status and headers are here."""

    connect: float | None = None
    pool: float | None = None
    write: float | None = None
    head: float | None = None
    read: float | None = None


class Answer(httpx.AsyncByteStream):
    """One answer. Holds its connection until the body was read whole or `release` is called."""

    __slots__ = ("_between", "_connection", "_loop", "_pool", "headers", "status")

    def __init__(self, connection: Connection, pool: Pool, between: float | None) -> None:
        self.status = connection.status
        self.headers = connection.headers
        self._connection: Connection | None = connection
        self._pool = pool
        self._between = between
        self._loop = asyncio.get_running_loop()

    async def next(self) -> bytes:
        """Bytes as they came, `b""` at a clean end. Raises httpx.ReadError, ReadTimeout, RemoteProtocolError."""
        connection = self._connection
        if connection is None:
            return b""
        while not connection.pieces:
            if connection.done:
                self.release()
                return b""
            if connection.failure is not None:
                self.release()
                raise self.told(connection.failure)
            try:
                await connection.change(self._between)
            except BaseException:  # cancelled: nobody will read the rest
                self.release()
                raise
            if connection.late:
                self.release()
                raise self.told(httpx.ReadTimeout(f"`{connection.origin}` sent nothing for {self._between} s"))
        return connection.take()

    @property
    def ended(self) -> bool:
        """Nothing more will come, and nothing waits to be read."""
        connection = self._connection
        return connection is None or (connection.done and not connection.pieces)

    def told(self, error: httpx.TransportError) -> Exception:
        """What is raised for an error of the transport; another dialogue has its own words."""
        return error

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
        route = route_of(request.method, request.url, request.extensions.get("ca_file"))
        head = opening(request.method, request.url, request.headers.raw)
        body = await request.aread()
        if body or request.method != "GET":
            head += field(b"content-length", b"%d" % len(body))
        told: dict[str, float | None] = request.extensions.get("timeout") or {}
        read = told.get("read")
        waits = Waits(told.get("connect"), told.get("pool"), told.get("write"), told.get("head", read), read)
        answer = Answer(await self.send(route, head + b"\r\n" + body, waits), self.pool, read)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=answer, extensions={"http_version": b"HTTP/1.1"}
        )

    async def send(self, route: Route, message: bytes, waits: Waits) -> Connection:
        """A connection that has the head of the answer to one message (an `opening`, its last fields, the body).

        It belongs in an `Answer`, which gives it back. The data path comes in here: `httpx.Request` and `Response`
        cost it more than the pool does. Raises as `handle_async_request` does.
        """
        connection = self.pool.reuse(route, asyncio.get_running_loop().time())
        if connection is None:
            connection = await self.pool.fresh(route, waits.connect, waits.pool)
        try:
            await _ask(connection, message, waits)
        except httpx.ReadError:
            if not connection.stale:
                raise
            connection = await self.pool.fresh(route, waits.connect, waits.pool)
            await _ask(connection, message, waits)
        return connection

    async def aclose(self) -> None:
        self.pool.close()


async def _ask(connection: Connection, message: bytes, waits: Waits) -> None:
    try:
        connection.send(message)
        if connection.choked:
            await _written(connection, waits.write)
        while not connection.head and connection.failure is None:
            await connection.change(waits.head)
            if connection.late:
                break
    except BaseException:  # cancelled: an answer may still come, and nobody would read it
        connection.abort()
        raise
    if connection.late:
        connection.abort()
        raise httpx.ReadTimeout(f"`{connection.origin}` sent no answer in time")
    if not connection.head and connection.failure is not None:
        raise connection.failure


async def _written(connection: Connection, timeout: float | None) -> None:
    """Wait until the peer took the request, or answered early, or failed. Raises httpx.WriteTimeout."""
    while connection.choked and not connection.head and connection.failure is None:
        await connection.change(timeout)
        if connection.late:
            raise httpx.WriteTimeout(f"`{connection.origin}` took the request too slowly")


def route_of(method: str, url: httpx.URL, ca_file: str | None) -> Route:
    """Raises httpx.UnsupportedProtocol for what is not spoken."""
    scheme = url.scheme
    if scheme not in PORTS:
        raise httpx.UnsupportedProtocol(f"only http and https are spoken, not `{scheme}`")
    if method not in METHODS:
        raise httpx.UnsupportedProtocol(f"`{method}` is not spoken")
    if not url.host or url.userinfo:
        raise httpx.UnsupportedProtocol("the url has no host, or a user before it")
    return Route(Origin(scheme, url.host, url.port or PORTS[scheme]), ca_file)


def opening(method: str, url: httpx.URL, fields: Iterable[Header]) -> bytes:
    """Request line and fields, without what frames the body. Raises httpx.LocalProtocolError if it would not be one."""
    lines = [b"%b: %b\r\n" % field for field in fields if field[0].lower() not in _OURS]
    line = b"%b %b HTTP/1.1\r\n" % (method.encode("ascii"), url.raw_path)
    head = b"%b%baccept-encoding: identity\r\n" % (line, b"".join(lines))
    # The count too: a value `a\r\nb: c` makes two well-formed lines of one field.
    if head.count(b"\n") != len(lines) + 2 or not _HEAD.fullmatch(head):
        raise httpx.LocalProtocolError("the request has a header or path that cannot be sent")
    return head


def field(name: bytes, value: bytes) -> bytes:
    """One field more, of a name of ours. Raises httpx.LocalProtocolError for a value that would be more than one."""
    if not _VALUE.fullmatch(value):
        raise httpx.LocalProtocolError(f"the `{name.decode()}` field cannot be sent")
    return b"%b: %b\r\n" % (name, value)
