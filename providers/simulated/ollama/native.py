"""The lines of `/api/chat` and `/api/generate`. A final line carries the counts and times; what is zero is left out."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from providers.simulated.compose import Call, Plan
from providers.simulated.events import Event, Kind
from providers.simulated.generate import logprob, seed_of, token_ids

PREFILL_NS = 1_000_000  # per prompt token
DECODE_NS = 2_000_000  # per generated token, without a pace
_json = msgspec.json.encode


class Run(msgspec.Struct, kw_only=True):
    """A request under way."""

    model: str
    created_at: str
    plan: Plan
    prompt_tokens: int
    load_ns: int = 0
    interval_ns: int = 0
    call_ids: bool = True
    logprobs: bool = False
    top_logprobs: int = 0
    context: str | None = None  # `/api/generate` returns the tokens of this text

    @property
    def done_reason(self) -> str:
        """There is none for tool calls."""
        return "length" if self.plan.finish == "length" else "stop"

    def metrics(self) -> dict[str, int]:
        """Counts and nanoseconds; zeros are left out."""
        prefill = self.prompt_tokens * PREFILL_NS
        decode = self.plan.tokens * max(DECODE_NS, self.interval_ns)
        values = {
            "total_duration": self.load_ns + prefill + decode,
            "load_duration": self.load_ns,
            "prompt_eval_count": self.prompt_tokens,
            "prompt_eval_duration": prefill,
            "eval_count": self.plan.tokens,
            "eval_duration": decode,
        }
        return {name: value for name, value in values.items() if value}


def timestamp(seconds: float) -> str:
    """RFC 3339 with nanoseconds."""
    whole = int(seconds)
    nanos = int((seconds - whole) * 1e9)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"


def tool_call(run: Run, call: Call, at: int) -> dict[str, Any]:
    """One call, whole, its arguments an object."""
    function = {"index": at, "name": call.name, "arguments": _object(call.arguments)}
    identity = {"id": f"call_{seed_of(run.created_at, call.name, at) & 0xFFFFFFFF:08x}"} if run.call_ids else {}
    return {**identity, "function": function}


def chat_events(run: Run) -> Iterator[Event]:
    """Lines of a streamed chat."""
    head = {"model": run.model, "created_at": run.created_at}

    def line(kind: Kind, message: dict[str, Any], **rest: Any) -> Event:
        full = {"role": "assistant", "content": "", **message}
        return Event(kind, _json({**head, "message": full, "done": False, **rest}))

    for piece in run.plan.thought:
        yield line(Kind.TOKEN, {"thinking": piece})
    for at, piece in enumerate(run.plan.text):
        if piece:
            yield line(Kind.TOKEN, {"content": piece}, **_logprobs(run, piece, at))
    for at, call in enumerate(run.plan.calls):
        yield line(Kind.TOKEN, {"tool_calls": [tool_call(run, call, at)]})
    yield line(Kind.FINISH, {}, done=True, done_reason=run.done_reason, **run.metrics())


def chat_whole(run: Run) -> dict[str, Any]:
    """The answer to a chat that is not streamed."""
    message: dict[str, Any] = {"role": "assistant", "content": run.plan.content}
    if run.plan.thought:
        message["thinking"] = run.plan.reasoning
    if run.plan.calls:
        message["tool_calls"] = [tool_call(run, call, at) for at, call in enumerate(run.plan.calls)]
    return {
        "model": run.model,
        "created_at": run.created_at,
        "message": message,
        "done": True,
        "done_reason": run.done_reason,
        **_all_logprobs(run),
        **run.metrics(),
    }


def generate_events(run: Run) -> Iterator[Event]:
    """Lines of a streamed generation."""
    head = {"model": run.model, "created_at": run.created_at}
    for piece in run.plan.thought:
        yield Event(Kind.TOKEN, _json({**head, "response": "", "thinking": piece, "done": False}))
    for at, piece in enumerate(run.plan.text):
        if piece:
            yield Event(Kind.TOKEN, _json({**head, "response": piece, "done": False, **_logprobs(run, piece, at)}))
    yield Event(Kind.FINISH, _json({**head, "response": "", **_ending(run)}))


def generate_whole(run: Run) -> dict[str, Any]:
    """The answer to a generation that is not streamed."""
    thought = {"thinking": run.plan.reasoning} if run.plan.thought else {}
    head = {"model": run.model, "created_at": run.created_at}
    return {**head, "response": run.plan.content, **thought, **_ending(run), **_all_logprobs(run)}


def _ending(run: Run) -> dict[str, Any]:
    context = {} if run.context is None else {"context": token_ids(run.context + run.plan.content)}
    return {"done": True, "done_reason": run.done_reason, **context, **run.metrics()}


def _logprobs(run: Run, piece: str, at: int) -> dict[str, Any]:
    if not run.logprobs:
        return {}
    seed = seed_of(run.model, piece)
    entry: dict[str, Any] = {"token": piece, "logprob": logprob(seed, at), "bytes": list(piece.encode())}
    if run.top_logprobs:
        others = [{"token": f"{piece}{rank}", "logprob": logprob(seed, at) - rank} for rank in range(run.top_logprobs)]
        others[0]["token"] = piece
        entry["top_logprobs"] = others
    return {"logprobs": [entry]}


def _all_logprobs(run: Run) -> dict[str, Any]:
    """A whole answer carries those of all its pieces."""
    entries = [
        entry
        for at, piece in enumerate(run.plan.text)
        if piece
        for entry in _logprobs(run, piece, at).get("logprobs", ())
    ]
    return {"logprobs": entries} if entries else {}


def _object(arguments: str) -> Any:
    try:
        return msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return {}  # cut short by the token limit: there is no half an object in this format
