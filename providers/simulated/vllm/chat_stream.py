"""The events of vLLM's streamed chat answers."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

import msgspec

from providers.simulated.compose import Plan
from providers.simulated.events import DONE, Event, Kind
from providers.simulated.generate import token_ids
from providers.simulated.vllm import shapes
from providers.simulated.vllm.shapes import Run

_json = msgspec.json.encode


class _Delta(NamedTuple):
    kind: Kind
    delta: dict[str, Any]
    piece: str = ""
    finish: str | None = None


def events(run: Run) -> Iterator[Event]:
    """Role chunks, tokens of all choices interleaved, finish chunks, the usage chunk if asked for, [DONE]."""
    writer = _Writer(run)
    for index in range(len(run.plans)):
        yield writer.role(index)
    for index in range(len(run.plans)):
        # A first token whose bytes are held back makes a chunk without text: the first chunk is not the first token.
        for _ in range(run.settings.empty_chunks):
            yield writer.token(index, _Delta(Kind.OTHER, {"content": ""}))
    rows = zip_longest(*(_deltas(run, plan, index) for index, plan in enumerate(run.plans)))
    for row in rows:
        for index, delta in enumerate(row):
            if delta is not None:
                yield writer.token(index, delta)
    if run.body.usage_wanted:
        yield writer.usage()
    yield DONE


class _Writer:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._generated = 0
        self._everywhere = run.body.usage_everywhere
        head = {"id": run.id, "object": "chat.completion.chunk", "created": run.created, "model": run.model}
        self._head = _json(head)[:-1] + b',"choices":['

    def role(self, index: int) -> Event:
        choice = b'{"index":%d,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]' % index
        usage = b',"usage":' + _json(self._run.usage(0)) if self._everywhere else b""
        # Only the role chunk has these two keys.
        prompt = b',"prompt_token_ids":%b,"prompt_text":null' % _json(self._run.prompt_ids)
        return Event(Kind.ROLE, self._head + choice + prompt + usage + b"}")

    def token(self, index: int, delta: _Delta) -> Event:
        run = self._run
        counted = delta.kind is Kind.TOKEN or bool(delta.piece)
        logprobs = b"null"
        if run.body.logprobs and (counted or delta.finish is not None):  # the end token has one too
            logprobs = _json({"content": [shapes.entry(run, delta.piece, self._generated)]})
        self._generated += counted
        data = b'%b{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":' % (
            self._head,
            index,
            _json(delta.delta),
            logprobs,
        )
        ids = _json(token_ids(delta.piece)) if run.body.return_token_ids else b"null"
        if delta.finish is None:
            data += b'null,"token_ids":%b}]' % ids
        else:
            stopped_by = _json(run.plans[index].stopped_by)
            data += b'"%b","stop_reason":%b,"token_ids":%b}]' % (delta.finish.encode(), stopped_by, ids)
            if not run.body.usage_wanted:
                # The fingerprint rides on the last chunk: this one, unless a usage chunk follows.
                data += b',"system_fingerprint":' + _json(run.fingerprint)
        if self._everywhere:
            data += b',"usage":' + _json(run.usage(self._generated))
        return Event(delta.kind, data + b"}")

    def usage(self) -> Event:
        tail = {"usage": self._run.usage(), "system_fingerprint": self._run.fingerprint}
        return Event(Kind.USAGE, self._head + b"]," + _json(tail)[1:])


def _deltas(run: Run, plan: Plan, index: int) -> Iterator[_Delta]:
    deltas = [*_written(run, plan), *_called(run, plan, index)]
    last = _Delta(Kind.TOKEN, _nothing(run))
    if plan.finish == "length" and deltas and not plan.calls:
        # Cut short, the last text travels with the finish reason; at a natural end the end token brings no text.
        last = deltas.pop()
    yield from deltas
    yield _Delta(Kind.FINISH, last.delta, last.piece, shapes.finish_reason(run, plan))


def _written(run: Run, plan: Plan) -> Iterator[_Delta]:
    shown = run.body.include_reasoning is not False
    for piece in plan.thought:
        yield _Delta(Kind.TOKEN, {"reasoning": piece} if shown else {"content": ""}, piece)
    for piece in plan.text:
        yield _Delta(Kind.TOKEN, {"content": piece}, piece)


def _called(run: Run, plan: Plan, index: int) -> Iterator[_Delta]:
    for at, call in enumerate(plan.calls):
        opened = {
            "id": shapes.call_id(run, index, at),
            "type": "function",
            "index": at,
            "function": {"name": call.name},
        }
        yield _Delta(Kind.OTHER, {"content": None, "tool_calls": [opened]})
        for piece in call.pieces:
            told = {"index": at, "function": {"arguments": piece}}
            yield _Delta(Kind.TOKEN, {"content": None, "tool_calls": [told]}, piece)


def _nothing(run: Run) -> dict[str, Any]:
    """The delta of a finish chunk without text; with tools on offer the parser leaves it empty."""
    return {} if run.body.tools and run.settings.tool_call_parser else {"content": ""}
