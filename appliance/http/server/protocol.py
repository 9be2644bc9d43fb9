"""What is one request: httptools' answer, made stricter, and bounded while it is still being read."""

import asyncio
import logging

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from appliance.domain.errors import BadRequest, BodyTooLarge, GatewayError, HeadersTooLarge
from appliance.http.server.cycle import Cycle
from appliance.http.server.door import Door
from appliance.http.server.patience import Patience, Phase
from appliance.http.server.upgrade import without_upgrade

log = logging.getLogger(__name__)

_HEAD = Phase.HEAD  # read for every request: one look-up instead of two
_BODY = Phase.BODY
_WORKING = Phase.WORKING


class _Refusal(Exception):
    """Carries an error out of a parser callback; httptools wraps it, so the error itself waits in `_error`."""


class Connection(Patience):
    """Made for each accepted socket."""

    def __init__(self, config: Config, door: Door, peer: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, door, peer, loop)
        # uvicorn asks for leniency here, and would answer what comes after `Connection: close`.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)
        self._most_headers = self.bounds.headers
        self._error: GatewayError | None = None
        self._upgrading = False
        self._moved = False  # the phase has been entered anew, so a new deadline must be set
        self._untold = 0  # bytes of earlier reads from which the parser has told nothing yet
        self._read = 0  # bytes of the read at hand

    # Bytes in

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        received = self._received
        self._read = len(data)
        self._heard = True
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as problem:
            self._refuse(self._fault(problem))
        else:
            if self._moved:
                self._moved = False
                self._set_deadline()
            elif received != self._received:
                self._untold = 0
            elif self.phase is not _WORKING:
                # The parser keeps an unfinished field or trailer and skips chunk extensions, telling nobody.
                self._untold += self._read
                if self._untold > self.bounds.header_bytes:
                    self._refuse(self._too_much_header())

    def _read_on_without_upgrade(self, rest: bytes) -> None:
        """Read the request again as if it had not asked for another protocol (RFC 9110 §7.8 lets us ignore that).

        httptools takes such a request to have no body: the body's bytes would be read as the next request.
        """
        while True:
            data = without_upgrade(self.parser, self.url, self.headers) + rest
            self.parser = httptools.HttpRequestParser(self)
            self._upgrading = False
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                rest = data[upgrade.args[0] :]
            except httptools.HttpParserError as problem:
                self._refuse(self._fault(problem))
                return
            else:
                self._moved = False
                self._set_deadline()
                return

    def _fault(self, problem: httptools.HttpParserError) -> GatewayError:
        """What the client is told of a parser's error: our own refusal, if that is what stopped it."""
        if self._error is not None:
            return self._error
        if isinstance(problem, httptools.HttpParserCallbackError):
            log.error("a request could not be taken in", exc_info=problem)  # a fault of ours, not of the client
        return BadRequest("this is not a well-formed HTTP/1.1 request")

    # What the parser finds

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.phase = _HEAD
        self._moved = True
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
        self._begin()
        # Trailers come the same way: uvicorn would add them to the header that has been checked (RFC 9110 §6.5.1).
        self.headers = []
        self.phase = _BODY
        self._moved = True
        self._untold = self._received = 0

    def _begin(self) -> None:
        """As uvicorn's, without what is switched off here: a root path, websockets, its own limit of requests."""
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"], scope["raw_path"], scope["query_string"] = self.door.targets.split(self.url)
        self.cycle = cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if self._busy is None:
            self._start_asgi_task(cycle, self.app)
        else:
            # uvicorn stops reading here, and would not see the client go. What may wait is bounded: `pipelined`
            # requests of 64 KiB.
            self.pipeline.appendleft((cycle, self.app))

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

    def _refusal(self, error: GatewayError) -> _Refusal:
        self._error = error
        return _Refusal()

    def _too_much_header(self) -> GatewayError:
        bounds = self.bounds
        return HeadersTooLarge(
            f"the header is too large; at most {bounds.headers} fields and {bounds.header_bytes} bytes are read"
        )
