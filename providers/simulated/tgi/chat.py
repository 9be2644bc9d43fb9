"""The JSON of TGI's `/v1` answers."""

from collections.abc import Iterator
from typing import Any

import msgspec

from providers.simulated.compose import Plan
from providers.simulated.events import DONE, Event, Kind
from providers.simulated.generate import logprob, seed_of
from providers.simulated.tgi.reading import Generation

_json = msgspec.json.encode


class Run(msgspec.Struct, kw_only=True):
    """A request under way."""

    model: str
    created: int
    fingerprint: str
    made: Generation
    usage_wanted: bool
    logprobs: bool = False

    def head(self, kind: str) -> dict[str, Any]:
        """What every body begins with; the id is always empty."""
        return {
            "object": kind,
            "id": "",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }

    def usage(self) -> dict[str, int]:
        """The usage object."""
        done = self.made.plan.tokens
        return {"prompt_tokens": self.made.tokens, "completion_tokens": done, "total_tokens": self.made.tokens + done}


def reason(plan: Plan) -> str:
    """`stop_sequence` is no word of OpenAI's; `tool_calls` is never said."""
    return {"stop_string": "stop_sequence"}.get(plan.finish, plan.finish)


def whole(run: Run) -> dict[str, Any]:
    """The answer to a chat that is not streamed."""
    plan = run.made.plan
    message: dict[str, Any] = {"role": "assistant", "content": plan.content}
    if plan.calls:
        call = plan.calls[0]
        function = {"description": None, "name": call.name, "arguments": call.arguments}
        message = {"role": "assistant", "tool_calls": [{"id": "0", "type": "function", "function": function}]}
    logprobs = {"content": [_entry(piece, at) for at, piece in enumerate(plan.text)]} if run.logprobs else None
    choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": reason(plan)}
    return {**run.head("chat.completion"), "choices": [choice], "usage": run.usage()}


def events(run: Run) -> Iterator[Event]:
    """The role is on every delta, `usage` on every chunk (null); real usage follows the finish in its own chunk."""
    head = run.head("chat.completion.chunk")

    def chunk(kind: Kind, delta: dict[str, Any], finish: str | None, logprobs: Any = None) -> Event:
        choice = {"index": 0, "delta": {"role": "assistant", **delta}, "logprobs": logprobs, "finish_reason": finish}
        return Event(kind, _json({**head, "choices": [choice], "usage": None}))

    deltas = list(_deltas(run.made.plan))
    for at, delta in enumerate(deltas):
        last = at == len(deltas) - 1
        piece = str(delta.get("content") or "")
        logprobs = {"content": [_entry(piece, at)]} if run.logprobs and piece else None
        yield chunk(Kind.FINISH if last else Kind.TOKEN, delta, reason(run.made.plan) if last else None, logprobs)
    if run.usage_wanted:
        yield Event(Kind.USAGE, _json({**head, "choices": [], "usage": run.usage()}))
    yield DONE


def _deltas(plan: Plan) -> Iterator[dict[str, Any]]:
    name: str | None = plan.calls[0].name if plan.calls else None
    for piece in plan.calls[0].pieces if plan.calls else ():
        call = {"index": 0, "id": "0", "type": "function", "function": {"name": name, "arguments": piece}}
        yield {"content": None, "tool_calls": [call]}
        name = None
    for piece in plan.text:
        yield {"content": piece}
    if plan.finish == "stop":
        yield {"content": ""}  # the end token is special: it has no text


def _entry(piece: str, at: int) -> dict[str, Any]:
    return {"token": piece, "logprob": logprob(seed_of(piece), at), "top_logprobs": []}


def completion_whole(runs: list[Run]) -> dict[str, Any]:
    """The answer to `/v1/completions`; choices are numbered over prompts."""
    choices = [
        {"index": index, "text": run.made.plan.content, "logprobs": None, "finish_reason": reason(run.made.plan)}
        for index, run in enumerate(runs)
    ]
    usages = [run.usage() for run in runs]
    usage = {name: sum(each[name] for each in usages) for name in usages[0]}
    return {**runs[0].head("text_completion"), "choices": choices, "usage": usage}


def completion_events(runs: list[Run]) -> Iterator[Event]:
    """Streamed completions, prompt after prompt."""
    head = runs[0].head("text_completion")
    for index, run in enumerate(runs):
        texts = list(run.made.plan.text) + ([""] if run.made.plan.finish == "stop" else [])
        for at, text in enumerate(texts):
            last = at == len(texts) - 1
            finish = reason(run.made.plan) if last else ""
            choice = {"index": index, "text": text, "logprobs": None, "finish_reason": finish}
            yield Event(Kind.FINISH if last else Kind.TOKEN, _json({**head, "choices": [choice]}))
    yield DONE
