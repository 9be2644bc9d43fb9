"""What the emulated model answers: thought, text or tool calls, and why it stopped. Pure."""

import json
from typing import Any

import msgspec

from providers.simulated.generate import pieces, prose, seed_of
from providers.simulated.schema import instance

OPENING = "Grüße, 漢字 🙂 und "  # put first when a fault needs a character of several bytes early on


class Tool(msgspec.Struct, frozen=True):
    """A function the model may call."""

    name: str
    parameters: Any


class Call(msgspec.Struct, frozen=True):
    """A function the model calls."""

    name: str
    arguments: str  # a JSON text
    pieces: tuple[str, ...]  # the same, token by token


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What decides an answer."""

    seed: int
    natural: int  # tokens of an answer that nothing cuts short
    limit: int  # tokens the answer must not exceed
    stop: tuple[str, ...] = ()
    calls: tuple[Tool, ...] = ()  # the tools to call now; empty: answer with text
    forced: str | None = None  # the text, where a schema or a choice decides it
    thinks: bool = False
    to_limit: bool = False  # ignore the natural end
    opening: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, token by token."""

    thought: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    finish: str  # stop | length | stop_string
    stopped_by: str | None = None
    tokens: int  # all that were generated, thought included

    @property
    def content(self) -> str:
        """The text as a whole."""
        return "".join(self.text)

    @property
    def reasoning(self) -> str:
        """The thought as a whole."""
        return "".join(self.thought)


def plan(ask: Ask) -> Plan:
    """Write an answer. Raises schema.BadSchema when a tool's parameters cannot be compiled."""
    thought: tuple[str, ...] = ()
    if ask.thinks:
        wanted = max(2, ask.natural // 2)
        thought = tuple(pieces(prose(ask.seed ^ 1, min(wanted, ask.limit))))
        if wanted >= ask.limit:
            return Plan(thought=thought, finish="length", tokens=len(thought))
    left = ask.limit - len(thought)
    if ask.calls:
        return _calling(ask, thought, left)
    return _writing(ask, thought, left)


def _writing(ask: Ask, thought: tuple[str, ...], left: int) -> Plan:
    if ask.forced is not None:
        raw = ask.forced.encode()
    else:
        raw = ask.opening.encode() + prose(ask.seed, left if ask.to_limit else ask.natural)
    found, stopped_by = _first_stop(raw, ask.stop)
    if stopped_by is not None:
        raw = raw[:found]
    text = pieces(raw)
    finish = "stop" if stopped_by is None else "stop_string"
    if len(text) > left or (ask.to_limit and stopped_by is None):
        text, finish, stopped_by = pieces(raw[: left * 4]), "length", None
    # A stop string costs the tokens it was written with, though it is not shown.
    hidden = 1 if stopped_by is not None else 0
    return Plan(
        thought=thought,
        text=tuple(text),
        finish=finish,
        stopped_by=stopped_by,
        tokens=len(thought) + min(left, len(text) + hidden),
    )


def _calling(ask: Ask, thought: tuple[str, ...], left: int) -> Plan:
    calls: list[Call] = []
    used = 0
    for index, tool in enumerate(ask.calls):
        arguments = json.dumps(
            instance(tool.parameters or {"type": "object"}, seed_of(ask.seed, index)), ensure_ascii=False
        )
        raw = arguments.encode()
        cut = raw[: (left - used) * 4]
        written = tuple(pieces(cut))
        used += len(written)
        calls.append(Call(tool.name, "".join(written), written))
        if len(cut) < len(raw):
            return Plan(thought=thought, calls=tuple(calls), finish="length", tokens=len(thought) + used)
    return Plan(thought=thought, calls=tuple(calls), finish="stop", tokens=len(thought) + used)


def _first_stop(raw: bytes, stops: tuple[str, ...]) -> tuple[int, str | None]:
    hits = [(at, stop) for stop in stops if stop and (at := raw.find(stop.encode())) >= 0]
    return min(hits) if hits else (-1, None)
