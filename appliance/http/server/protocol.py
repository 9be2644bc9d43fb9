"""One HTTP/1.1 connection: uvicorn's, with deadlines, sizes, and a strict idea of where a request begins and ends.

`phase` says what the parser waits for; the answer in progress is told apart by `_running`.

| phase   | waits for                                  | until (`due`)                     | then             |
|---------|--------------------------------------------|-----------------------------------|------------------|
| IDLE    | the first byte of a request                | idle_seconds                      | closed           |
| HEAD    | the end of the header                      | header_seconds                    | 408, closed      |
| BODY    | the end of the body                        | body_seconds, or below the rate   | 408, closed      |
| WORKING | nothing: the app has the whole request     | no limit of ours                  |                  |
| DRAIN   | the rest of a body already answered        | drain_seconds                     | closed           |
| CLOSING | the client to read our last bytes          | linger_seconds or stall_seconds   | aborted          |

Two rules. Bytes never prolong a deadline: only a change of phase sets one. Whatever is refused is the last thing read
from its connection (`_deaf`), while answers to earlier, sound requests are still finished.
"""

import asyncio
from collections import deque
from enum import Enum
from math import inf
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from appliance.domain.errors import (
    BadRequest,
    BodyTooLarge,
    GatewayError,
    HeadersTooLarge,
    RequestTimeout,
)
from appliance.http.server.door import Door
from appliance.http.server.upgrade import without_upgrade
from appliance.http.server.wire import last_answer

STALLED = "client_stalled"


class Phase(Enum):
    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    WORKING = "working"
    DRAIN = "drain"
    CLOSING = "closing"


_HEAD = Phase.HEAD  # read for every request: one look-up instead of two
_BODY = Phase.BODY
_WORKING = Phase.WORKING


class _Refusal(Exception):
    """Carries an error out of a parser callback; httptools wraps it, so the error itself waits in `_error`."""


class Connection(HttpToolsProtocol):
    """Made for each accepted socket. `peer` is the seat it gives back to the door when it goes."""

    def __init__(self, config: Config, door: Door, peer: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, door.state, {}, loop)
        # uvicorn asks for leniency here, and would answer what comes after `Connection: close`.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)
        self.door = door
        self.bounds = door.bounds
        self.peer = peer
        self.made = False  # `connection_made` has been called, so `connection_lost` will be
        self.phase = _HEAD
        self.due = inf
        self.stall_due = inf
        self._now = loop.time
        self._most_headers = self.bounds.headers
        self._first_look = min(self.bounds.body_grace_seconds, self.bounds.body_seconds)
        self._running: RequestResponseCycle | None = None
        self._error: GatewayError | None = None
        self._deaf = False
        self._upgrading = False
        self._moved = False  # the phase has been entered anew, so a new deadline must be set
        self._begun = False  # a request has begun on this connection
        self._untold = 0  # bytes of earlier reads from which the parser has told nothing yet
        self._read = 0  # bytes of the read at hand
        self._received = 0  # bytes of body
        self._since = 0.0  # when the body began; moved on while it is us who do not read
        self._judged = 0.0

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it the same way
        self.made = True
        self.door.guests.add(self)
        self.due = self._now() + self.bounds.header_seconds
        if self.door.closing:
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self.door.guests.discard(self)
        # uvicorn tells the latest request only, which may be one that waits: tell the one being answered.
        running = self._running
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)
        self.door.leave(self.peer)

    def pause_writing(self) -> None:
        self.stall_due = self._now() + self.bounds.stall_seconds
        super().pause_writing()

    def resume_writing(self) -> None:
        self.stall_due = inf
        super().resume_writing()

    def shutdown(self) -> None:
        """Close, after the answer in progress if there is one. Requests waiting behind it are dropped unanswered."""
        running = self._busy
        if running is None:
            self._close()
        else:
            running.keep_alive = False

    def abort(self) -> None:
        self.transport.abort()

    @property
    def closing(self) -> bool:
        return self.transport.is_closing()

    # Bytes in

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        received = self._received
        self._read = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._error or BadRequest("this is not a well-formed HTTP/1.1 request"))
        else:
            if self._moved:
                self._set_deadline()
            elif received != self._received:
                self._untold = 0
            elif self.phase is not _WORKING:
                # The parser keeps an unfinished field or trailer and skips chunk extensions, telling nobody.
                self._untold += self._read
                if self._untold > self.bounds.header_bytes:
                    self._refuse(self._too_much_header())

    def _set_deadline(self) -> None:
        """For the phase that the read at hand ended in: most requests come in one read and need no clock."""
        self._moved = False
        if self.phase is _WORKING:
            self.due = inf
        elif self.phase is _HEAD:
            self.due = self._now() + self.bounds.header_seconds
        elif self.phase is _BODY:
            self._since = self._judged = now = self._now()
            self.due = now + self._first_look

    def _read_on_without_upgrade(self, rest: bytes) -> None:
        """Read the request again as if it had not asked for another protocol (RFC 9110 §7.8 lets us ignore that).

        httptools takes such a request to have no body: the body's bytes would be read as the next request.
        """
        while not self._deaf:
            head = without_upgrade(self.parser, self.url, self.headers)
            self.parser = httptools.HttpRequestParser(self)
            self._upgrading = False
            data = head + rest
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                rest = data[upgrade.args[0] :]
            except httptools.HttpParserError:
                self._refuse(self._error or BadRequest("this is not a well-formed HTTP/1.1 request"))
            else:
                return

    # What the parser finds

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.phase = _HEAD
        self._moved = self._begun = True
        self._untold = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers = self.headers
        headers.append((name, value))
        if len(headers) > self._most_headers:
            raise self._refusal(self._too_much_header())

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            self._consider_upgrade()
            return
        if (error := self._head_objection()) is not None:
            raise self._refusal(error)
        super().on_headers_complete()
        # Trailers come the same way: uvicorn would add them to the header that has been checked (RFC 9110 §6.5.1).
        self.headers = []
        self.phase = _BODY
        self._moved = True
        self._untold = self._received = 0

    def on_body(self, body: bytes) -> None:
        self._received += len(body)
        if self._received > self.bounds.body_bytes:
            raise self._refusal(
                BodyTooLarge(f"the body is longer than the {self.bounds.body_bytes} bytes that are read")
            )
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            if cycle is not self._running:
                # The app at work keeps reading on to see its client go, so a waiting body would grow without end.
                raise self._refusal(BadRequest("a request waiting behind another may not have a large body"))
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._upgrading:
            return
        cycle = self.cycle
        if self.phase is Phase.DRAIN:
            self._rest()
            return
        self.phase = _WORKING
        self._moved = True
        cycle.more_body = False
        cycle.message_event.set()

    def _head_objection(self) -> GatewayError | None:
        """What is wrong with a whole header that only the connection can see."""
        if (problem := self.door.targets.objection(self.url)) is not None:
            return BadRequest(problem)
        if self._untold + self._read > self.bounds.header_bytes and self._head_bytes() > self.bounds.header_bytes:
            return self._too_much_header()
        if len(self.pipeline) >= self.bounds.pipelined:
            return BadRequest("too many requests wait on this connection; wait for answers, or open another")
        return None

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _consider_upgrade(self) -> None:
        """`Upgrade: h2c` is ignored, as Java's and curl's clients expect. A tunnel or a websocket cannot be."""
        if self.parser.get_method() == b"CONNECT":
            raise self._refusal(BadRequest("this is no proxy: `CONNECT` is not served"))
        if any(name == b"upgrade" and b"websocket" in value.lower() for name, value in self.headers):
            raise self._refusal(BadRequest("websockets are not served here; use HTTP, with `stream` for streaming"))
        self._upgrading = True

    # Answers

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._watch_close()
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._deaf:
            self._close()
        elif self.phase is _WORKING:
            self._rest()
        elif self.phase is _BODY:
            self.phase = Phase.DRAIN
            self.due = self._now() + self.bounds.drain_seconds

    @property
    def _busy(self) -> RequestResponseCycle | None:
        """The request being answered, if one is."""
        running = self._running
        return None if running is None or running.response_complete else running

    def _rest(self) -> None:
        self.phase = Phase.IDLE
        self.due = self._now() + self.bounds.idle_seconds

    # Refusing

    def _refusal(self, error: GatewayError) -> _Refusal:
        self._error = error
        return _Refusal()

    def _too_much_header(self) -> GatewayError:
        bounds = self.bounds
        return HeadersTooLarge(
            f"the header is too large; at most {bounds.headers} fields and {bounds.header_bytes} bytes are read"
        )

    def _refuse(self, error: GatewayError) -> None:
        """Read no more. Answer the request at fault if nothing is being answered; else close after what is sound."""
        self._deaf = True
        if self.phase is Phase.DRAIN:
            self._close()  # it has its answer
            return
        self.door.refused(error.kind)
        running = self._busy
        if running is None:
            self._answer(error)
        elif running is not self.cycle:
            if self.cycle.more_body:
                self.pipeline = deque(waiting for waiting in self.pipeline if waiting[0] is not self.cycle)
        elif running.more_body:
            self._break_off(running, error)
        if self.phase is not Phase.CLOSING:
            self.due = inf

    def _break_off(self, running: RequestResponseCycle, error: GatewayError) -> None:
        """The body being read is at fault. Its app is told that the client has gone: nothing it sends will be read."""
        running.disconnected = True
        running.message_event.set()
        if running.response_started:
            self.abort()
        else:
            self._answer(error)

    def _answer(self, error: GatewayError) -> None:
        """Say it, then leave the socket half open a while: closing on unread bytes resets it and loses the answer."""
        self.transport.write(last_answer(self.door.render(error)))
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.phase = Phase.CLOSING
            self.due = self._now() + self.bounds.linger_seconds
        else:
            self._close()

    def _close(self) -> None:
        self.transport.close()
        self._watch_close()

    def _watch_close(self) -> None:
        """A transport flushes before it closes, and so waits for a client that does not read."""
        self.phase = Phase.CLOSING
        self.due = self._now() + self.bounds.stall_seconds

    # Time

    def expire(self, now: float) -> None:
        if self.phase is Phase.CLOSING:
            if self.due <= now:
                self.abort()
        elif self.closing:
            self._watch_close()  # uvicorn closed it because the app failed
        elif self.stall_due <= now:
            self.door.refused(STALLED)
            self.abort()
        elif self.due > now:
            pass
        elif self.phase is _BODY:
            self._judge_body(now)
        elif self.phase is _HEAD and (self._begun or self._untold):
            self._refuse(RequestTimeout(f"the header did not arrive within {self.bounds.header_seconds:g} seconds"))
        else:
            self._close()

    def _judge_body(self, now: float) -> None:
        bounds = self.bounds
        if self.flow.read_paused:
            self._since += now - self._judged  # the app is not taking it: no fault of the client
        self._judged = now
        self.due = now + bounds.tick
        taken = now - self._since
        if taken > bounds.body_seconds:
            self._refuse(RequestTimeout(f"the body did not arrive within {bounds.body_seconds:g} seconds"))
        elif self._received < bounds.body_min_rate * (taken - bounds.body_grace_seconds):
            self._refuse(RequestTimeout(f"the body came slower than {bounds.body_min_rate} bytes a second"))
