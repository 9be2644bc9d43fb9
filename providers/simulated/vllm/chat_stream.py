"""The events of vLLM's streamed chat answers."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

import msgspec

from providers.simulated.compose import Plan
from providers.simulated.events import DONE, Event, Kind
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
        return Event(Kind.ROLE, self._head + choice + b',"prompt_token_ids":null,"prompt_text":null' + usage + b"}")

    def token(self, index: int, delta: _Delta) -> Event:
        run = self._run
        counted = delta.kind is Kind.TOKEN or bool(delta.piece)
        logprobs = b"null"
        if run.body.logprobs and counted:
            logprobs = _json({"content": [shapes.entry(run, delta.piece, self._generated)]})
        self._generated += counted
        data = b'%b{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":' % (
            self._head,
            index,
            _json(delta.delta),
            logprobs,
        )
        if delta.finish is None:
            data += b'null,"token_ids":null}]'
        else:
            stopped_by = _json(run.plans[index].stopped_by)
            data += b'"%b","stop_reason":%b,"token_ids":null}]' % (delta.finish.encode(), stopped_by)
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
    finish = shapes.finish_reason(run, plan, streamed=True)
    shown = run.body.include_reasoning is not False
    # Cut short, the last text travels with the finish reason; at a natural end the end token brings no text.
    last = plan.text[-1] if plan.finish == "length" and plan.text else None
    for piece in plan.thought:
        yield _Delta(Kind.TOKEN, {"reasoning": piece} if shown else {"content": ""}, piece)
    for piece in plan.text[: len(plan.text) - (last is not None)]:
        yield _Delta(Kind.TOKEN, {"content": piece}, piece)
    for at, call in enumerate(plan.calls):
        opened = {
            "id": shapes.call_id(run, index, at),
            "type": "function",
            "index": at,
            "function": {"name": call.name},
        }
        yield _Delta(Kind.OTHER, {"content": None, "tool_calls": [opened]})
        for piece in call.pieces:
            yield _Delta(Kind.TOKEN, {"tool_calls": [{"index": at, "function": {"arguments": piece}}]}, piece)
    yield _Delta(Kind.FINISH, {"content": last or ""}, last or "", finish)
