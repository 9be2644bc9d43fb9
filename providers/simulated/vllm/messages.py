"""`POST /v1/messages` and `/count_tokens`: Anthropic's surface. Overload is a true 503, streamed or not."""

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
from providers.simulated.vllm.errors import Refused, decoded
from providers.simulated.vllm.reading import Wish, check_lengths, choices, limit_of

_json = msgspec.json.encode


class MessagesBody(msgspec.Struct, kw_only=True):
    """The fields that change an answer."""

    messages: list[dict[str, Any]]
    max_tokens: int | None = None
    model: str | None = None
    system: str | list[dict[str, Any]] | None = None
    stream: bool | None = False
    stop_sequences: list[str] | None = None


class _Run(msgspec.Struct, kw_only=True):
    id: str
    model: str
    prompt_tokens: int
    plan: Plan

    @property
    def stop_reason(self) -> str:
        reasons = {"length": "max_tokens", "stop_string": "stop_sequence"}
        return reasons.get(self.plan.finish, "end_turn")

    def usage(self, tokens: int) -> dict[str, int]:
        return {"input_tokens": self.prompt_tokens, "output_tokens": tokens}


def error_body(refused: Refused) -> dict[str, Any]:
    """The error object of this surface; the type stays vLLM's own."""
    return {"type": "error", "error": {"type": refused.kind, "message": refused.message}}


async def messages(engine: Engine, exchange: Exchange, created: int) -> None:  # noqa: ARG001  every route takes it
    """Answer one request. Raises Refused."""
    body = decoded(exchange.request.body, MessagesBody)
    text = _prompt(body)
    model = engine.check_model(body.model)
    check_lengths(engine.settings, count(text), body.max_tokens, "max_tokens")
    engine.admit()
    late_refusals(exchange)
    limit = limit_of(engine.settings, count(text), body.max_tokens)
    wish = Wish(limit=limit, stop=tuple(body.stop_sequences or ()))
    plan = choices(engine.settings, seed_of(model, text), 1, wish)[0]
    run = _Run(id=f"chatcmpl-{engine.new_id()}", model=model, prompt_tokens=count(text), plan=plan)
    answer = Answer(
        work=Work(prompt_tokens=run.prompt_tokens, tokens=plan.tokens, reasons=(plan.finish,)),
        longest=plan.tokens,
        streamed=bool(body.stream),
        events=lambda: _events(run),
        whole=lambda: _whole(run),
    )
    await serve(engine, exchange, answer)


async def count_tokens(engine: Engine, exchange: Exchange) -> None:
    """Count without generating. Raises Refused."""
    body = decoded(exchange.request.body, MessagesBody)
    engine.check_model(body.model)
    tokens = count(_prompt(body))
    await exchange.json(200, {"input_tokens": tokens, "context_management": {"original_input_tokens": tokens}})


def _prompt(body: MessagesBody) -> str:
    system = [{"role": "system", "content": body.system}] if body.system else []
    return render([*system, *body.messages]).text


def _message(run: _Run, content: list[dict[str, Any]], stop_reason: str | None, tokens: int) -> dict[str, Any]:
    return {
        "id": run.id,
        "type": "message",
        "role": "assistant",
        "content": content,
        "model": run.model,
        "stop_reason": stop_reason,
        "stop_sequence": run.plan.stopped_by if stop_reason else None,
        "usage": run.usage(tokens),
    }


def _whole(run: _Run) -> dict[str, Any]:
    message = _message(run, [{"type": "text", "text": run.plan.content}], run.stop_reason, run.plan.tokens)
    return {name: value for name, value in message.items() if name != "stop_sequence" or value is not None}


def _events(run: _Run) -> Iterator[Event]:
    """No `ping`, no [DONE]."""

    def event(kind: Kind, name: str, **fields: Any) -> Event:
        return Event(kind, _json({"type": name, **fields}), name.encode())

    yield event(Kind.ROLE, "message_start", message=_message(run, [], None, 0))
    yield event(Kind.OTHER, "content_block_start", index=0, content_block={"type": "text", "text": ""})
    for piece in run.plan.text:
        yield event(Kind.TOKEN, "content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    yield event(Kind.OTHER, "content_block_stop", index=0)
    stopped = {"stop_reason": run.stop_reason, "stop_sequence": run.plan.stopped_by}
    yield event(Kind.FINISH, "message_delta", delta=stopped, usage=run.usage(run.plan.tokens))
    yield event(Kind.OTHER, "message_stop")
