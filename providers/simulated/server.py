"""The HTTP/1.1 machine of the emulators: every byte and every close is decided by us, so faults can be exact.

It does what uvicorn does where a client can tell: one request at a time per connection, `100 Continue`, idle
connections closed after `keep_alive_s`, work cancelled at once when the client leaves.
"""

import asyncio
import socket
import struct
from collections import deque
from http import HTTPStatus
from typing import Protocol, cast

import httptools
import msgspec

MAX_BODY_BYTES = 256 * 1024 * 1024

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
# l_onoff = 1, l_linger = 0: the kernel answers close() with RST instead of FIN.
_LINGER = struct.pack("ii", 1, 0)


class Request(msgspec.Struct, kw_only=True):
    """A request, read to its end."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    alive: bool  # may the connection be kept?

    @property
    def bearer(self) -> str | None:
        """The bearer token, if one was sent."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None


class Service(Protocol):
    """Who answers."""

    keep_alive_s: float

    async def serve(self, request: Request, reply: "Reply") -> None:
        """Answer one request; cancelled when its client leaves."""

    def signature(self) -> bytes:
        """Header lines every answer carries (the date, perhaps the server's name), each ended by CR LF."""

    def opened(self, connection: "Connection") -> None:
        """A client has connected."""

    def closed(self, connection: "Connection") -> None:
        """A connection has ended, by whichever side."""

    def crashed(self, error: BaseException) -> None:
        """The service raised: a bug of the emulator."""

    def closes_idle(self) -> bool:
        """Is a kept connection to be closed as its next request arrives?"""


class Reply:
    """One answer on its way out. Either `whole`, or `begin`, `chunk`..., `end`."""

    __slots__ = ("_connection", "_head", "chunked", "over", "request", "started")

    def __init__(self, connection: "Connection", request: Request) -> None:
        self._connection = connection
        self._head = b""
        self.request = request
        self.chunked = False
        self.started = False
        self.over = False

    def add_header(self, name: str, value: str) -> None:
        """A header this answer carries besides its own."""
        self._head += f"{name}: {value}\r\n".encode("latin-1")

    def whole(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """The usual answer, head and body in one write."""
        self.head(status, content_type, length=len(body))
        self._connection.write(body if self.request.method != "HEAD" else b"")
        self.finish()

    def head(
        self, status: int, content_type: str, *, length: int | None, lines: bytes = b"", close: bool = False
    ) -> None:
        """The head of an answer; `length` None means chunks follow. It is sent with the first bytes after it."""
        keep = self.request.alive and not close
        self.request.alive = keep
        self.chunked = length is None and not close
        framing = b""
        if length is not None:
            framing = b"content-length: %d\r\n" % length
        elif self.chunked:
            framing = b"transfer-encoding: chunked\r\n"
        if not keep:
            framing += b"connection: close\r\n"
        kind = f"content-type: {content_type}\r\n".encode() if content_type else b""
        self.started = True
        self._connection.hold(
            b"HTTP/1.1 %d %b\r\n%b%b%b%b%b\r\n"
            % (status, _REASONS.get(status, b""), self._connection.signature(), framing, kind, self._head, lines)
        )

    def flush(self) -> None:
        """Send the head although no body byte is there yet."""
        self._connection.write(b"")

    async def chunk(self, data: bytes) -> None:
        """Send bytes as one chunk; waits while the client reads too slowly."""
        self._connection.write(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)
        if self._connection.paused:
            await self._connection.drained()

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._connection.write(data)

    def finish(self) -> None:
        """The answer is complete; the connection may carry the next one."""
        if self.chunked:
            self._connection.write(b"0\r\n\r\n")
        self.over = True

    def hang_up(self) -> None:
        """Close with FIN after what was written."""
        self.over = True
        self.request.alive = False
        self._connection.hang_up()

    def reset(self) -> None:
        """Close with RST; what the kernel has not yet delivered is lost."""
        self.over = True
        self.request.alive = False
        self._connection.reset()


class Connection(asyncio.Protocol):
    """One client connection."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        self._service = service
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._drain: asyncio.Event = asyncio.Event()
        self._held = b""
        self._served = 0
        self.paused = False
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0

    # -- asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._service.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio names it
        self._service.closed(self)
        self._unset_idle()
        self._drain.set()
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self.paused = True
        self._drain.clear()

    def resume_writing(self) -> None:
        self.paused = False
        self._drain.set()

    def data_received(self, data: bytes) -> None:
        if self._served and self._task is None and self._service.closes_idle():
            # The race a pool of connections must survive: the close and the next request cross on the wire.
            self.reset()
            return
        self._unset_idle()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(400, b"upgrades are not served")
        except httptools.HttpParserError:
            self._refuse(400, b"Invalid HTTP request received.")

    # -- httptools

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = {}
        self._body = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue" and self._task is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            self._refuse(413, b"body too large")
            return
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self._transport.is_closing():
            return
        path, _, query = self._url.decode("latin-1").partition("?")
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=path,
            query=query,
            headers=self._headers,
            body=b"".join(self._body),
            alive=self._parser.should_keep_alive(),
        )
        if self._task is None:
            self._start(request)
        else:
            self._waiting.append(request)

    # -- answering

    def _start(self, request: Request) -> None:
        self._task = self._loop.create_task(self._service.serve(request, reply := Reply(self, request)))
        self._task.add_done_callback(lambda task: self._answered(task, reply))

    def _answered(self, task: asyncio.Task[None], reply: Reply) -> None:
        self._task = None
        self._served += 1
        if task.cancelled():
            self._transport.abort()
            return
        error = task.exception()
        if error is not None:
            self._service.crashed(error)
            if reply.started:
                self._transport.abort()
                return
            reply.whole(500, b"Internal Server Error", "text/plain; charset=utf-8")
        if self._transport.is_closing():
            return
        if not reply.request.alive or not reply.over:
            self._transport.close()
        elif self._waiting:
            self._start(self._waiting.popleft())
        else:
            self._idle = self._loop.call_later(self._service.keep_alive_s, self._transport.close)

    def _unset_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _refuse(self, status: int, message: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(
                b"HTTP/1.1 %d %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n%b" % (status, _REASONS[status], len(message), message)
            )
            self._transport.close()

    # -- used by Reply

    def signature(self) -> bytes:
        """The header lines every answer has."""
        return self._service.signature()

    def hold(self, head: bytes) -> None:
        """Keep a head until the first bytes after it."""
        self._held += head

    def write(self, data: bytes) -> None:
        """Send bytes, behind a held head."""
        if self._held:
            data, self._held = self._held + data, b""
        # A send that failed closes the transport at once; our task learns of it by its cancellation a turn later.
        if data and not self._transport.is_closing():
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait until the client has read enough."""
        await self._drain.wait()

    def hang_up(self) -> None:
        """FIN, after what was written."""
        self.write(b"")
        self._transport.close()

    def reset(self) -> None:
        """RST."""
        self.write(b"")
        raw: socket.socket | None = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        self._transport.abort()

    def abort(self) -> None:
        """Close at once, because the emulator stops."""
        self._transport.abort()

    @property
    def task(self) -> "asyncio.Task[None] | None":
        """The request being answered, if any."""
        return self._task
