"""One HTTP/1.1 connection to an inference server, and the answer it is receiving.

| state | busy | head | done | bytes that come | close by the peer |
|-------|------|------|------|-----------------|-------------------|
| idle  | no   |  -   |  -   | abort           | gone              |
| asked | yes  | no   | no   | head            | failure, perhaps stale |
| body  | yes  | yes  | no   | pieces          | failure, or the end where nothing else frames the body |
| done  | yes  | yes  | yes  | never reused    | never reused      |

1. An answer that failed, was left early or has anything after it costs the connection.
2. Nothing that grows is unbounded: heads, trailers, chunk extensions and unread bodies all have a cap.
"""

import asyncio
import math
from typing import Protocol, cast

import httptools
import httpx

from appliance.egress.url import Origin

HEAD_BYTES = 64 * 1024
HEAD_FIELDS = 128
UNREAD_BYTES = 256 * 1024  # the peer is paused beyond
_FRAMING = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
PIECE_COST = 64  # what a piece weighs beside its bytes, so that one-byte chunks count too


class Owner(Protocol):
    """Whoever counts open connections."""

    def lost(self, connection: "Connection") -> None:
        """The descriptor is closed."""
        ...


class Connection(asyncio.Protocol):
    """Carries one request at a time. Errors are httpx's: ReadError (closed, reset), RemoteProtocolError (bad bytes)."""

    __slots__ = (
        "_deadline",
        "_head_bytes",
        "_loop",
        "_parser",
        "_paused",
        "_silent",
        "_timer",
        "_timer_at",
        "_transport",
        "_unread",
        "_waiter",
        "aborted",
        "busy",
        "choked",
        "closed",
        "done",
        "failure",
        "framed",
        "head",
        "headers",
        "heard",
        "idle_since",
        "keep",
        "late",
        "origin",
        "owner",
        "pieces",
        "served",
        "status",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: Origin) -> None:
        self.origin = origin
        self.owner: Owner | None = None
        self.idle_since = 0.0
        self.aborted = self.busy = self.choked = self.closed = self.served = False
        self._loop = loop
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._deadline = 0.0
        self._fresh()

    def _fresh(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.failure: httpx.TransportError | None = None
        self.head = self.done = self.framed = self.heard = self.late = False
        self.keep = True
        self._paused = False
        self._unread = self._head_bytes = self._silent = 0

    # What the transport asks for

    def send(self, message: bytes) -> None:
        """Begin an exchange."""
        self._fresh()
        self.busy = True
        if self._transport is None or self.closed:
            self._fail(httpx.ReadError(f"`{self.origin}` closed the connection"))
            return
        self._transport.write(message)

    def take(self) -> bytes:
        """The body bytes received so far, which must be some; lets a paused peer go on."""
        pieces = self.pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._unread = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def change(self, timeout: float | None) -> asyncio.Future[None]:
        """To be awaited until something changed, or `timeout` seconds have passed: then `late` is True.

        Not a coroutine: every event of a stream waits here, and a frame costs each of them.
        """
        self.late = False
        self._waiter = waiter = self._loop.create_future()
        if timeout is None:
            self._deadline = math.inf  # a timer of an earlier wait may still be running
        else:
            self._arm(timeout)
        return waiter

    @property
    def stale(self) -> bool:
        """A connection used before, which the peer closed before it said one byte of this answer."""
        return self.served and self.closed and not self.heard and not self.aborted

    @property
    def reusable(self) -> bool:
        """The answer is whole, nothing followed it, and both sides keep the connection."""
        if not self.done or not self.keep or self.closed or self._paused or self._transport is None:
            return False
        return self._transport.get_write_buffer_size() == 0 and not self._transport.is_closing()

    def rest(self, now: float) -> None:
        """Idle from now on."""
        self.busy = False
        self.served = True
        self.idle_since = now
        self.headers = []
        self.pieces = []
        self._disarm()

    def abort(self) -> None:
        """Close at once: the peer sees it, whatever it was sending."""
        if self.closed:
            return
        self.aborted = True
        self._disarm()
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close an idle connection politely."""
        self.aborted = True
        self._disarm()
        if self._transport is not None:
            self._transport.close()

    # Deadlines: one timer for a connection that moves itself, instead of one for every read

    def _arm(self, timeout: float) -> None:
        self._deadline = self._loop.time() + timeout
        if self._timer is not None:
            if self._timer_at <= self._deadline:
                return
            self._timer.cancel()
        self._set_timer()

    def _set_timer(self) -> None:
        self._timer_at = self._deadline
        self._timer = self._loop.call_at(self._deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done() or self._deadline == math.inf:
            return
        if self._loop.time() < self._deadline - 0.001:  # uvloop's clock has milliseconds
            self._set_timer()
            return
        self.late = True
        self._wake()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _fail(self, failure: httpx.TransportError) -> None:
        if self.failure is None and not self.done:
            self.failure = failure
        self.keep = False

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # create_connection gives nothing else

    def data_received(self, data: bytes) -> None:
        if not self.busy or self.done:  # nobody asked: whatever it is, it would be read as the next answer
            self.keep = False
            if not self.busy:
                self.abort()
            return
        self.heard = True
        self._silent += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(self._bad("switched protocols unasked"))
        except httptools.HttpParserError as error:
            self._fail(self._bad(str(error)))
        self._judge()

    def _judge(self) -> None:
        """After a feed: caps, back-pressure, and whoever waits."""
        if self._silent > HEAD_BYTES:
            self._fail(self._bad(f"sent more than {HEAD_BYTES} bytes of head, trailer or chunk extension"))
        if self.failure is not None:
            self.abort()
        elif self._unread > UNREAD_BYTES and not self._paused and not self.done and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        if self.head or self.failure is not None:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._disarm()
        if self.busy and not self.done:
            cut = exc is not None or self.aborted or self.failure is not None
            if self.head and not self.framed and not cut:
                self.done = True  # RFC 9112 §6.3 item 8: a body that nothing else frames ends here
                self.keep = False
            else:
                self._fail(httpx.ReadError(self._how_lost()))
        if self.owner is not None:
            self.owner.lost(self)
        self._wake()
        del self._parser  # it leads back here: each connection would wait for the collector
        self._transport = None

    def _how_lost(self) -> str:
        if not self.heard:
            return f"`{self.origin}` closed the connection without an answer"
        return f"`{self.origin}` closed the connection inside its answer"

    def pause_writing(self) -> None:
        self.choked = True

    def resume_writing(self) -> None:
        self.choked = False
        self._wake()

    # httptools

    def on_message_begin(self) -> None:
        if self.done:
            self.keep = False  # a second answer to one question

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.done:
            return
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES or len(self.headers) >= HEAD_FIELDS:
            self._fail(self._bad(f"sent more than {HEAD_FIELDS} header fields or {HEAD_BYTES} bytes of them"))
        elif not self.head:  # else a trailer: counted, and never taken for a header (RFC 9110 §6.5.1)
            name, value = name.lower(), value.strip()
            self.headers.append((name, value))
            if name in _FRAMING:
                self._frame(name, value)

    def _frame(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            self.framed = True
        elif name == b"transfer-encoding":
            if self.framed or value.lower() != b"chunked":
                self._fail(self._bad("framed its answer with something other than `chunked`"))
            self.framed = True
        elif value.lower() != b"identity":
            self._fail(self._bad("encoded its answer although only `identity` was accepted"))

    def on_headers_complete(self) -> None:
        if self.done:
            return
        self.status = status = self._parser.get_status_code()
        if not 100 <= status <= 599 or status == 101 or self._parser.get_http_version() not in {"1.1", "1.0"}:
            self._fail(self._bad(f"answered HTTP/{self._parser.get_http_version()} {status}"))
        elif status >= 200 and self.failure is None:
            self.head = True
            self._silent = 0

    def on_body(self, data: bytes) -> None:
        if self.head and not self.done:
            self.pieces.append(data)
            self._unread += len(data) + PIECE_COST
            self._silent = 0

    def on_message_complete(self) -> None:
        if self.done:
            return
        if self.head:
            self.done = True
            self.keep = self.keep and self._parser.should_keep_alive()
        else:  # 1xx, RFC 9110 §15.2: the answer is still to come; what it held counts towards the caps
            self.headers = []
            self.framed = False

    def _bad(self, what: str) -> httpx.RemoteProtocolError:
        return httpx.RemoteProtocolError(f"`{self.origin}` {what}")
