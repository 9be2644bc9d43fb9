"""`POST /v1/responses`: OpenAI's newer surface. Overload is a true 503, streamed or not; no [DONE] at the end."""

from collections.abc import Iterator
from typing import Any

import msgspec

from providers.simulated.compose import Plan
from providers.simulated.dialogue import render
from providers.simulated.events import Event, Kind
from providers.simulated.exchange import Exchange
from providers.simulated.generate import count, seed_of
from providers.simulated.vllm.chat import Answer, late_refusals, serve
from providers.simulated.vllm.engine import Engine, Work
from providers.simulated.vllm.errors import decoded
from providers.simulated.vllm.reading import Wish, check_lengths, choices, limit_of

_json = msgspec.json.encode


class ResponsesBody(msgspec.Struct, kw_only=True):
    """The fields that change an answer."""

    input: str | list[dict[str, Any]]
    model: str | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stream: bool | None = False


class _Run(msgspec.Struct, kw_only=True):
    id: str
    body: ResponsesBody
    limit: int
    model: str
    created: int
    prompt_tokens: int
    plan: Plan

    @property
    def item_id(self) -> str:
        return f"msg_{seed_of(self.id):016x}"

    @property
    def status(self) -> str:
        return "incomplete" if self.plan.finish == "length" else "completed"


async def responses(engine: Engine, exchange: Exchange, created: int) -> None:
    """Answer one request. Raises Refused."""
    body = decoded(exchange.request.body, ResponsesBody)
    model = engine.check_model(body.model)
    turns = [{"role": "user", "content": body.input}] if isinstance(body.input, str) else body.input
    system = [{"role": "system", "content": body.instructions}] if body.instructions else []
    text = render([*system, *turns]).text
    check_lengths(engine.settings, count(text), body.max_output_tokens, "max_output_tokens")
    engine.admit()
    late_refusals(exchange)
    limit = limit_of(engine.settings, count(text), body.max_output_tokens)
    plan = choices(engine.settings, seed_of(model, text), 1, Wish(limit=limit))[0]
    run = _Run(
        id=f"resp_{engine.new_id()}",
        body=body,
        limit=limit,
        model=model,
        created=created,
        prompt_tokens=count(text),
        plan=plan,
    )
    answer = Answer(
        work=Work(prompt_tokens=run.prompt_tokens, tokens=plan.tokens, reasons=(plan.finish,)),
        longest=plan.tokens,
        streamed=bool(body.stream),
        events=lambda: _events(run),
        whole=lambda: _response(run, run.status, [_item(run)]),
    )
    await serve(engine, exchange, answer)


def _part(text: str, logprobs: list[Any] | None = None) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def _item(run: _Run) -> dict[str, Any]:
    return {
        "id": run.item_id,
        "type": "message",
        "role": "assistant",
        "status": run.status,
        "phase": None,
        "content": [_part(run.plan.content)],
    }


def _response(run: _Run, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    body = run.body
    return {
        "id": run.id,
        "object": "response",
        "created_at": run.created,
        "model": run.model,
        "status": status,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": body.instructions,
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "background": False,
        "service_tier": "auto",
        "truncation": "disabled",
        "max_output_tokens": run.limit,
        "temperature": 1.0 if body.temperature is None else body.temperature,
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        **dict.fromkeys(_UNSET),
        "usage": _usage(run) if status != "in_progress" else None,
    }


_UNSET = (
    "metadata", "max_tool_calls", "previous_response_id", "prompt", "reasoning", "text", "top_logprobs", "user",
    "input_messages", "output_messages", "kv_transfer_params", "ec_transfer_params",
)  # fmt: skip


def _usage(run: _Run) -> dict[str, Any]:
    """The lists per turn belong to runs of tools inside the server; there are none here."""
    return {
        "input_tokens": run.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": 0,
            "cache_write_tokens": 0,
            "input_tokens_per_turn": [],
            "cached_tokens_per_turn": [],
        },
        "output_tokens": run.plan.tokens,
        "output_tokens_details": {
            "reasoning_tokens": 0,
            "tool_output_tokens": 0,
            "output_tokens_per_turn": [],
            "tool_output_tokens_per_turn": [],
        },
        "total_tokens": run.prompt_tokens + run.plan.tokens,
    }


def _events(run: _Run) -> Iterator[Event]:
    number = 0

    def event(kind: Kind, name: str, **fields: Any) -> Event:
        nonlocal number
        written = Event(kind, _json({"type": name, "sequence_number": number, **fields}), name.encode())
        number += 1
        return written

    place = {"item_id": run.item_id, "output_index": 0, "content_index": 0}
    opened = {**_item(run), "status": "in_progress", "content": []}
    yield event(Kind.ROLE, "response.created", response=_response(run, "in_progress", []))
    yield event(Kind.OTHER, "response.in_progress", response=_response(run, "in_progress", []))
    yield event(Kind.OTHER, "response.output_item.added", output_index=0, item=opened)
    yield event(Kind.OTHER, "response.content_part.added", **place, part=_part("", []))
    for piece in run.plan.text:
        yield event(Kind.TOKEN, "response.output_text.delta", **place, delta=piece, logprobs=[])
    yield event(Kind.OTHER, "response.output_text.done", **place, text=run.plan.content, logprobs=[])
    yield event(Kind.OTHER, "response.content_part.done", **place, part=_part(run.plan.content))
    yield event(Kind.OTHER, "response.output_item.done", output_index=0, item=_item(run))
    # The last event is called `completed` even when the status inside is `incomplete`.
    yield event(Kind.FINISH, "response.completed", response=_response(run, run.status, [_item(run)]))
