"""Every way an emulated server can be told to misbehave, and the switch that turns them on.

A fault applies to requests that generate or embed, never to discovery, health or metrics: a gateway's background probe
must not use up a fault meant for the request under test. `ENGINE_DEAD` alone reaches health too.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Fault(StrEnum):
    """One misbehaviour. The value is its name over HTTP (`x-simulated-fault: reset-mid-stream`)."""

    # -- answered with an error status before anything is generated, in the server's own words
    OVERLOAD = "overload"  # vLLM, Ollama 503; TGI 429; on a streamed request too (a true status)
    OVERLOAD_IN_STREAM = "overload-in-stream"  # 200, then overload as the first event (TGI says 422 inside)
    GRAMMAR_ERROR = "grammar-error"  # the schema cannot be compiled: 400 or 422; streamed: 200 and an error event
    UNAUTHORIZED = "unauthorized"  # 401 in the server's shape, whatever key was sent
    EMPTY_UNAUTHORIZED = "empty-unauthorized"  # 401 without any body, as TGI does
    FORBIDDEN = "forbidden"  # 403, as Ollama refuses a cloud model or a foreign Host
    MODEL_NOT_FOUND = "model-not-found"  # 404 naming the model
    CONTEXT_OVERFLOW = "context-overflow"  # the server's own words for a prompt that does not fit
    CONTEXT_OVERFLOW_RUNNER = "context-overflow-runner"  # llama.cpp's `exceed_context_size_error`, as Ollama wraps it
    CONTEXT_OVERFLOW_EMBED = "context-overflow-embed"  # the texts Ollama keeps for inputs to embed
    RATE_LIMITED = "rate-limited"  # 429 with `retry-after: 7`, as a proxy before the server may say
    BAD_REQUEST = "bad-request"  # 400 (TGI 422) about a parameter
    GENERATION_FAILED = "generation-failed"  # TGI 424 (others 500); streamed: an error event after some tokens
    INCOMPLETE_GENERATION = "incomplete-generation"  # TGI 500 `incomplete_generation`
    INTERNAL_ERROR = "internal-error"  # 500 in the server's shape
    ENGINE_DEAD = "engine-dead"  # 500 for every generation, and health says 503
    LOADING = "loading"  # 503 `Loading model`, as llama.cpp while it starts
    HTML_ERROR = "html-error"  # 502 with an HTML page, from a proxy in between
    LEAKY_ERROR = "leaky-error"  # 500 whose message names a host, a path and a key
    REDIRECT = "redirect"  # 307 to another address

    # -- the connection, before any answer
    RESET_BEFORE_HEADERS = "reset-before-headers"  # RST once the request was read
    CLOSE_BEFORE_HEADERS = "close-before-headers"  # FIN once the request was read
    CLOSE_IDLE = "close-idle"  # an idle kept connection is closed the moment it is used again
    GARBAGE = "garbage"  # bytes that are not HTTP

    # -- time
    STALL_BEFORE_HEADERS = "stall-before-headers"  # the request is read, nothing comes
    # headers come, no event does
    STALL_BEFORE_FIRST_TOKEN = "stall-before-first-token"  # noqa: S105  a fault's name, no secret
    STALL_MID_STREAM = "stall-mid-stream"  # two tokens come, then silence (whole answers: half the body)
    SLOW_DRIP = "slow-drip"  # the body arrives a few bytes at a time
    COLD_LOAD = "cold-load"  # no byte for the load time, then a normal answer

    # -- how a stream ends
    SILENT_END = "silent-end"  # clean end of stream after two tokens, no finish, no [DONE]
    RESET_MID_STREAM = "reset-mid-stream"  # RST in the middle of an HTTP chunk
    CLOSE_MID_CHUNK = "close-mid-chunk"  # FIN in the middle of an HTTP chunk (IncompleteRead)
    ERROR_MID_STREAM = "error-mid-stream"  # an error event or line after two tokens
    SILENT_STOP = "silent-stop"  # Ollama /v1: the error line becomes an empty chunk, then the end
    NO_DONE = "no-done"  # finish, but no [DONE]
    DONE_WITHOUT_FINISH = "done-without-finish"  # [DONE], but nothing finished
    ERROR_AFTER_DONE = "error-after-done"  # an error event behind [DONE]
    BYTES_AFTER_DONE = "bytes-after-done"  # a comment and a torn line behind [DONE]
    EMPTY_ANSWER = "empty-answer"  # finished without a single token

    # -- usage
    MISSING_USAGE = "missing-usage"  # no usage, asked for or not
    USAGE_ON_FINISH = "usage-on-finish"  # usage rides on the finish chunk

    # -- framing of events
    KEEP_ALIVE_COMMENTS = "keep-alive-comments"  # three comments before the first data
    CRLF = "crlf"  # lines end with CR LF
    BARE_CR = "bare-cr"  # lines end with CR alone, which the SSE specification allows
    BOM = "bom"  # the stream opens with a byte order mark
    MULTI_LINE_DATA = "multi-line-data"  # one event in several `data:` lines
    NO_SPACE = "no-space"  # `data:{` without the optional space
    EVENT_FIELDS = "event-fields"  # `event:`, `id:` and `retry:` beside the data
    HUGE_LINE = "huge-line"  # one event longer than 1 MiB
    INVALID_JSON = "invalid-json"  # one event that is not JSON
    INVALID_UTF8 = "invalid-utf8"  # one event with bytes that are not UTF-8

    # -- how bytes are cut into reads
    SPLIT_CHARACTER = "split-character"  # half a UTF-8 character in one chunk, the rest in the next
    SPLIT_LINE = "split-line"  # each line over several chunks
    JOINED_EVENTS = "joined-events"  # all events in one chunk

    # -- a whole body, or its description
    WRONG_CONTENT_TYPE = "wrong-content-type"  # text/html around a good body
    EMPTY_BODY = "empty-body"  # 200 and nothing
    NOT_AN_OBJECT = "not-an-object"  # 200 and the JSON text `[]`
    TRUNCATED_BODY = "truncated-body"  # half the JSON, with a content-length that fits the half
    SHORT_BODY = "short-body"  # content-length promises more than comes
    LONG_BODY = "long-body"  # more comes than content-length promised
    GZIP = "gzip"  # content-encoding: gzip although identity was asked for
    CLOSE_DELIMITED = "close-delimited"  # neither length nor chunks: the end is the close
    BOTH_LENGTHS = "both-lengths"  # content-length and transfer-encoding together
    EARLY_HINTS = "early-hints"  # an interim 103 before the answer
    HUGE_HEADERS = "huge-headers"  # 256 KiB of response headers


class Order(msgspec.Struct, kw_only=True):
    """A fault that is on. `times` counts requests still to be hit; None is until cleared."""

    fault: Fault
    times: int | None = None
    path: str | None = None  # only requests for this path
    seconds: float | None = None  # how long stalls, loads and drips take; None: the fault's own


class Unsupported(ValueError):
    """The emulator cannot show such a fault: a test using it could not fail."""


class FaultSwitch:
    """What is on, for one emulator. Not thread-safe: use it from the emulator's event loop."""

    def __init__(self, *, without: frozenset[Fault] = frozenset()) -> None:
        self._without = without
        self._orders: dict[Fault, Order] = {}

    @property
    def known(self) -> frozenset[Fault]:
        """The faults this emulator can show."""
        return frozenset(Fault) - self._without

    @property
    def orders(self) -> tuple[Order, ...]:
        """What is on now."""
        return tuple(self._orders.values())

    def set(
        self, fault: Fault, *, times: int | None = None, path: str | None = None, seconds: float | None = None
    ) -> None:
        """Turn a fault on for the next `times` requests (None: until cleared). Several may be on together.

        Raises Unsupported when this emulator cannot show it.
        """
        self.check(fault)
        self._orders[fault] = Order(fault=fault, times=times, path=path, seconds=seconds)

    def check(self, fault: Fault) -> None:
        """Raise Unsupported unless this emulator can show the fault."""
        if fault in self._without:
            raise Unsupported(f"this emulator cannot show the fault `{fault}`")

    def clear(self, fault: Fault | None = None) -> None:
        """Turn one fault off, or all of them."""
        if fault is None:
            self._orders.clear()
        else:
            self._orders.pop(fault, None)

    def on(self, fault: Fault) -> bool:
        """Is it on? Uses up nothing."""
        return fault in self._orders

    def take(self, path: str, *, generates: bool) -> "Hits":
        """The faults that hit this request; each loses one of its `times`."""
        if not self._orders:
            return NO_HITS
        hit = [
            order
            for order in self._orders.values()
            if order.fault is not Fault.CLOSE_IDLE and (order.path == path if order.path is not None else generates)
        ]
        for order in hit:
            self.take_one(order.fault)
        return Hits(hit)

    def take_one(self, fault: Fault) -> None:
        """Use up one of a fault's `times`."""
        order = self._orders.get(fault)
        if order is not None and order.times is not None:
            order.times -= 1
            if order.times <= 0:
                del self._orders[fault]


class Hits:
    """The faults one request is to meet."""

    __slots__ = ("_seconds", "faults")

    def __init__(self, orders: Iterable[Order] = ()) -> None:
        self._seconds = {order.fault: order.seconds for order in orders}
        self.faults = frozenset(self._seconds)

    def __contains__(self, fault: Fault) -> bool:
        return fault in self.faults

    def __bool__(self) -> bool:
        return bool(self.faults)

    def seconds(self, fault: Fault, default: float) -> float:
        """How long this fault lasts here."""
        given = self._seconds.get(fault)
        return default if given is None else given

    def plus(self, faults: Iterable[Fault]) -> "Hits":
        """These and more, as a request's own header may ask."""
        orders = [Order(fault=fault, seconds=seconds) for fault, seconds in self._seconds.items()]
        return Hits([*orders, *(Order(fault=fault) for fault in faults if fault not in self.faults)])


NO_HITS = Hits()
