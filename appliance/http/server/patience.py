"""How long one connection is waited for, and how it ends: uvicorn's protocol with deadlines, as a state machine.

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
from collections.abc import Callable
from enum import Enum
from math import inf
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from appliance.domain.errors import GatewayError, RequestTimeout
from appliance.http.server.door import Door
from appliance.http.server.wire import GONE, last_answer

STALLED = "client_stalled"


class Phase(Enum):
    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    WORKING = "working"
    DRAIN = "drain"
    CLOSING = "closing"


class Patience(HttpToolsProtocol):
    """A connection but for what it reads. `peer` is the seat it gives back to the door when it goes."""

    def __init__(self, config: Config, door: Door, peer: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, door.state, {}, loop)
        self.door = door
        self.bounds = door.bounds
        self.peer = peer
        self.made = False  # `connection_made` has been called, so `connection_lost` will be
        self.phase = Phase.HEAD
        self.due = inf
        self.stall_due = inf
        self._now = loop.time
        self._first_look = min(self.bounds.body_grace_seconds, self.bounds.body_seconds)
        self._running: RequestResponseCycle | None = None
        self._on_gone: Callable[[], None] | None = None  # whom the request being answered has told us to tell
        self._deaf = False
        self._heard = False  # the client has sent something
        self._received = 0  # bytes of the body
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
            self._leave(running)
        self.pipeline.clear()
        super().connection_lost(exc)
        # The scope of a request leads back here by its extension: each connection would wait for the collector.
        self._running = None
        self.cycle = None  # type: ignore[assignment]  # as uvicorn has it before the first request
        self.scope = None  # type: ignore[assignment]  # the same
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

    # Answers

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        cycle.scope["extensions"] = {GONE: {"tell": self._tell_when_gone}}
        super()._start_asgi_task(cycle, app)

    def _tell_when_gone(self, tell: Callable[[], None]) -> None:
        """See `wire.TellWhenGone`."""
        running = self._busy
        if running is None or running.disconnected:
            self.loop.call_soon(tell)
            return
        self._on_gone = tell
        self.flow.resume_reading()  # a large body has paused it, and then nobody would see the end

    def _leave(self, running: RequestResponseCycle) -> None:
        """The client of `running` is gone, or is to be treated as if."""
        running.disconnected = True
        running.message_event.set()
        tell, self._on_gone = self._on_gone, None
        if tell is not None:
            tell()

    def on_response_complete(self) -> None:
        self._on_gone = None
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
        elif self.phase is Phase.WORKING:
            self._rest()
        elif self.phase is Phase.BODY:
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
        self._leave(running)
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

    def _set_deadline(self) -> None:
        """For the phase that the read at hand ended in: most requests come in one read and need no clock."""
        if self.phase is Phase.WORKING:
            self.due = inf
        elif self.phase is Phase.HEAD:
            self.due = self._now() + self.bounds.header_seconds
        elif self.phase is Phase.BODY:
            self._since = self._judged = now = self._now()
            self.due = now + self._first_look

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
        elif self.phase is Phase.BODY:
            self._judge_body(now)
        elif self.phase is Phase.HEAD and self._heard:
            self._refuse(RequestTimeout(f"the header did not arrive within {self.bounds.header_seconds:g} seconds"))
        elif self.phase is not Phase.WORKING:
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
