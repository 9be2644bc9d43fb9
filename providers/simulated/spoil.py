"""Faults as pure rewriting: a stream's events, or a whole body, become steps the server then performs.

`Write` is one HTTP chunk (or one write of a whole body), so what the client's reads see is decided here, not by the
kernel's mood. Steps of a stream without faults are made by `playback.py` itself; nothing here is on that path.
"""

import gzip
from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto
from typing import NamedTuple

import msgspec

from providers.simulated.events import Event, Framing, Kind, error, respelled
from providers.simulated.faults import Fault, Hits

AFTER_TOKENS = 2  # faults "in the middle" come after this many tokens
FOREVER_S = 86_400.0
COMMENT_GAP_S = 0.02
DRIP_GAP_S = 0.002
CUT_GAP_S = 0.005  # long enough that two halves are two reads on an idle loopback; tests look at chunks instead
HUGE_BYTES = 1_200_000


class Write(NamedTuple):
    """Bytes to send as one chunk."""

    data: bytes


class Torn(NamedTuple):
    """A chunk whose announced size is the whole of `data`, of which half is sent. The connection must end after it."""

    data: bytes


class Wait(NamedTuple):
    """Seconds to let pass."""

    seconds: float


class End(Enum):
    """How the answer ends."""

    CLEANLY = auto()
    RESET = auto()  # RST
    HANG_UP = auto()  # FIN, without the end that HTTP asks for


class Token(NamedTuple):
    """Here the model is waited for."""


Step = Write | Torn | Wait | Token | End


def stream(events: Iterable[Event], framing: Framing, hits: Hits, failure: Callable[[], list[Event]]) -> Iterator[Step]:
    """The steps of a streamed answer. `failure()` gives what this server says when generation fails mid-stream."""
    written = respelled(framing, hits)
    if Fault.EMPTY_BODY in hits:
        return iter((End.CLEANLY,))
    steps = _cut(_steps(_semantic(events, hits, failure), written, hits), hits)
    if Fault.SLOW_DRIP in hits:
        steps = _dripped(steps, hits.seconds(Fault.SLOW_DRIP, DRIP_GAP_S))
    return steps


# --- what is said


def _semantic(events: Iterable[Event], hits: Hits, failure: Callable[[], list[Event]]) -> Iterator[Event]:
    if Fault.USAGE_ON_FINISH in hits:
        events = _usage_on_finish(list(events))
    dropped = {kind for fault, kind in _DROPS.items() if fault in hits}
    tokens = 0
    for event in events:
        if event.kind in {Kind.TOKEN, Kind.FINISH}:
            if tokens == AFTER_TOKENS or event.kind is Kind.FINISH:
                if hits.faults & _FAILURES:
                    yield from failure()
                    return
                odd = _ODD_EVENTS.get(next(iter(hits.faults & _ODD_EVENTS.keys()), Fault.OVERLOAD))
                if odd is not None and tokens <= AFTER_TOKENS:
                    yield Event(Kind.OTHER, odd)
                    tokens = AFTER_TOKENS
            tokens += 1
        if event.kind not in dropped:
            yield _without_usage(event) if Fault.MISSING_USAGE in hits else event
    if Fault.ERROR_AFTER_DONE in hits:
        yield error({"error": {"message": "late failure", "type": "InternalServerError", "param": None, "code": 500}})


_FAILURES = frozenset({Fault.ERROR_MID_STREAM, Fault.SILENT_STOP, Fault.GENERATION_FAILED, Fault.INCOMPLETE_GENERATION})
_DROPS = {
    Fault.NO_DONE: Kind.DONE,
    Fault.DONE_WITHOUT_FINISH: Kind.FINISH,
    Fault.EMPTY_ANSWER: Kind.TOKEN,
    Fault.MISSING_USAGE: Kind.USAGE,
}
_ODD_EVENTS = {Fault.INVALID_JSON: b'{"id":"chatcmpl-torn","object":', Fault.NOT_AN_OBJECT: b"[]"}
_COUNTS = ("usage", "prompt_eval_count", "eval_count")


def _usage_on_finish(events: list[Event]) -> list[Event]:
    usage = next((msgspec.json.decode(e.data, type=dict)["usage"] for e in events if e.kind is Kind.USAGE), None)
    if usage is None:
        usage = {"prompt_tokens": 7, "total_tokens": 9, "completion_tokens": 2}
    return [
        event._replace(data=msgspec.json.encode({**msgspec.json.decode(event.data, type=dict), "usage": usage}))
        if event.kind is Kind.FINISH
        else event
        for event in events
        if event.kind is not Kind.USAGE
    ]


def _without_usage(event: Event) -> Event:
    if event.kind is Kind.DONE:
        return event
    body = msgspec.json.decode(event.data)
    if not isinstance(body, dict) or not any(name in body for name in _COUNTS):
        return event
    return event._replace(data=msgspec.json.encode({k: v for k, v in body.items() if k not in _COUNTS}))


# --- how it is written, and when


def _steps(events: Iterable[Event], framing: Framing, hits: Hits) -> Iterator[Step]:
    if Fault.STALL_BEFORE_FIRST_TOKEN in hits:
        yield Wait(hits.seconds(Fault.STALL_BEFORE_FIRST_TOKEN, FOREVER_S))
    if Fault.KEEP_ALIVE_COMMENTS in hits:
        for _ in range(3):
            yield Wait(hits.seconds(Fault.KEEP_ALIVE_COMMENTS, COMMENT_GAP_S))
            yield Write(framing.comment())
    tokens = 0
    for event in events:
        middle = event.kind in {Kind.TOKEN, Kind.FINISH} and (tokens == AFTER_TOKENS or event.kind is Kind.FINISH)
        written = _enlarged(framing, event, hits) if middle and tokens <= AFTER_TOKENS else framing.write(event)
        if event.kind in {Kind.TOKEN, Kind.FINISH}:
            yield Token()
            if middle and tokens <= AFTER_TOKENS:
                tokens = AFTER_TOKENS
                ending = _broken_off(written, hits)
                yield from ending
                if ending and isinstance(ending[-1], End):
                    return
            tokens += 1
        yield Write(written)
    if Fault.BYTES_AFTER_DONE in hits:
        yield Write(b': trailing\n\ndata: {"id":"torn')
    yield End.CLEANLY


def _broken_off(written: bytes, hits: Hits) -> list[Step]:
    if Fault.STALL_MID_STREAM in hits:
        return [Wait(hits.seconds(Fault.STALL_MID_STREAM, FOREVER_S))]
    if Fault.SILENT_END in hits:
        return [End.CLEANLY]
    if Fault.TRUNCATED_BODY in hits:
        return [Write(written[: len(written) // 2]), End.CLEANLY]
    if Fault.RESET_MID_STREAM in hits:
        return [Torn(written), Wait(CUT_GAP_S), End.RESET]
    if Fault.CLOSE_MID_CHUNK in hits:
        return [Torn(written), End.HANG_UP]
    return []


def _enlarged(framing: Framing, event: Event, hits: Hits) -> bytes:
    if Fault.HUGE_LINE in hits:
        # An unknown member: whoever can hold the line must take the event as any other.
        padding = b',"padding":"' + b"x" * HUGE_BYTES + b'"}'
        return framing.write(event._replace(data=event.data[:-1] + padding))
    if Fault.INVALID_UTF8 in hits:
        return framing.write(event._replace(data=event.data[:-1] + b',"padding":"\xff\xfe\xc3("}'))
    return framing.write(event)


# --- how it is cut


def _cut(steps: Iterable[Step], hits: Hits) -> Iterator[Step]:
    if Fault.JOINED_EVENTS in hits:
        return _joined(steps)
    if Fault.SPLIT_CHARACTER in hits:
        return _split(steps, _inside_a_character)
    if Fault.SPLIT_LINE in hits:
        return _split(steps, _thirds)
    return iter(steps)


def _joined(steps: Iterable[Step]) -> Iterator[Step]:
    held = bytearray()
    for step in steps:
        if isinstance(step, Write):
            held += step.data
        elif isinstance(step, Torn | End):
            if held:
                yield Write(bytes(held))
            held.clear()
            yield step
        else:
            yield step


def _split(steps: Iterable[Step], cuts: Callable[[bytes], list[int]]) -> Iterator[Step]:
    for step in steps:
        if not isinstance(step, Write):
            yield step
            continue
        start = 0
        for cut in cuts(step.data):
            yield Write(step.data[start:cut])
            yield Wait(CUT_GAP_S)
            start = cut
        yield Write(step.data[start:])


def _inside_a_character(data: bytes) -> list[int]:
    return [at + 1 for at in range(len(data)) if data[at] >= 0xC0][:1]


def _thirds(data: bytes) -> list[int]:
    third = len(data) // 3
    return [third, 2 * third] if third else []


def _dripped(steps: Iterable[Step], gap_s: float) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, Write):
            for at in range(0, len(step.data), 16):
                yield Write(step.data[at : at + 16])
                yield Wait(gap_s)
        else:
            yield step


# --- whole bodies


class Whole(NamedTuple):
    """A whole answer: what its head says and what comes."""

    body: bytes
    content_type: str
    length: int
    encoding: str | None = None


def whole(body: bytes, content_type: str, hits: Hits) -> Whole:
    """The body as the faults leave it. Which bytes come, and when, is `body_steps`."""
    for fault, change in _BODY_CHANGES:
        if fault in hits:
            body = change(body)
    length = len(body)
    if Fault.SHORT_BODY in hits:
        length += 100
    if Fault.LONG_BODY in hits:
        length = max(0, length - 10)
    return Whole(body, content_type, length, "gzip" if Fault.GZIP in hits else None)


# In this order: what is compressed last is compressed whole.
_BODY_CHANGES: tuple[tuple[Fault, Callable[[bytes], bytes]], ...] = (
    (Fault.EMPTY_BODY, lambda _: b""),
    (Fault.NOT_AN_OBJECT, lambda _: b"[]"),
    (Fault.INVALID_JSON, lambda body: body[:-1] + b',,"torn"'),
    (Fault.INVALID_UTF8, lambda body: body[:-1] + b',"padding":"\xff\xfe\xc3("}'),
    (Fault.HUGE_LINE, lambda body: body[:-1] + b',"padding":"' + b"x" * HUGE_BYTES + b'"}'),
    (Fault.MISSING_USAGE, lambda body: _without_usage(Event(Kind.OTHER, body)).data),
    (Fault.TRUNCATED_BODY, lambda body: body[: len(body) // 2]),
    (Fault.GZIP, lambda body: gzip.compress(body, mtime=0)),
)


def body_steps(body: bytes, hits: Hits) -> Iterator[Step]:
    """How a whole body is sent."""
    half = len(body) // 2
    if Fault.STALL_MID_STREAM in hits:
        steps: list[Step] = [
            Write(body[:half]),
            Wait(hits.seconds(Fault.STALL_MID_STREAM, FOREVER_S)),
            Write(body[half:]),
            End.CLEANLY,
        ]
    elif Fault.RESET_MID_STREAM in hits:
        steps = [Write(body[:half]), Wait(CUT_GAP_S), End.RESET]
    elif hits.faults & {Fault.CLOSE_MID_CHUNK, Fault.SHORT_BODY}:
        steps = [Write(body if Fault.SHORT_BODY in hits else body[:half]), End.HANG_UP]
    else:
        steps = [Write(body), End.CLEANLY]
    if Fault.SPLIT_CHARACTER in hits:
        return _split(steps, _inside_a_character)
    if Fault.SPLIT_LINE in hits:
        return _split(steps, _thirds)
    if Fault.SLOW_DRIP in hits:
        return _dripped(steps, hits.seconds(Fault.SLOW_DRIP, DRIP_GAP_S))
    return iter(steps)
