"""`POST /v1/chat/completions`."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from providers.simulated.events import DONE, Event, Framing, Sse, error
from providers.simulated.exchange import Exchange
from providers.simulated.faults import Fault
from providers.simulated.vllm import chat_stream, shapes
from providers.simulated.vllm.checks import chat_body
from providers.simulated.vllm.engine import Engine, Sequence, Work
from providers.simulated.vllm.errors import Refused, bad_grammar, busy, dead
from providers.simulated.vllm.reading import chat_plans, chat_run

STREAM = Sse()


async def chat(engine: Engine, exchange: Exchange, created: int) -> None:
    """Answer a chat request. Raises Refused for what vLLM answers with an error status."""
    request = exchange.request
    body = chat_body(request.body, request.headers.get("content-type", ""))
    run = chat_run(engine, body, created, request.headers.get("x-request-id") or engine.new_id())
    engine.admit(1 if body.n is None else body.n)
    try:
        # What the engine refuses, a stream learns behind its 200; what the front end refused above, before it.
        late_refusals(exchange)
        run.plans = chat_plans(run, exchange.hits)
    except Refused as refused:
        if not body.stream:
            raise
        await refuse_in_stream(exchange, refused)
        return
    await serve(
        engine,
        exchange,
        Answer(
            work=Work(prompt_tokens=run.prompt_tokens, tokens=run.tokens, reasons=tuple(p.finish for p in run.plans)),
            longest=max(plan.tokens for plan in run.plans),
            streamed=bool(body.stream),
            events=lambda: chat_stream.events(run),
            whole=lambda: shapes.whole(run),
        ),
    )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to be given once the engine has a slot for it."""

    work: Work
    longest: int  # tokens of the longest choice: what the client waits for
    streamed: bool
    events: Callable[[], Iterable[Event]]
    whole: Callable[[], dict[str, Any]]


async def serve(engine: Engine, exchange: Exchange, answer: Answer) -> None:
    """Give the answer, streamed or whole, in the engine's turn."""
    if answer.streamed:
        exchange.open(STREAM)
        async with Sequence(engine, answer.work, exchange.comment):
            await exchange.play(answer.events(), engine.pace, stream_failure)
        return
    async with Sequence(engine, answer.work):
        await engine.pace.whole(answer.longest)
    await exchange.json(200, answer.whole(), load_report(engine, exchange.request.headers))


def late_refusals(exchange: Exchange) -> None:
    """What the engine itself refuses; there, a queue that filled up since `engine.admit`. Raises Refused."""
    if Fault.OVERLOAD_IN_STREAM in exchange.hits:
        raise busy()
    if Fault.GRAMMAR_ERROR in exchange.hits:
        raise bad_grammar("$: expected a schema")


async def refuse_in_stream(exchange: Exchange, refused: Refused, framing: Framing = STREAM) -> None:
    """200, the error as the first event, [DONE]."""
    exchange.open(framing)
    for event in (error(refused.body), DONE):
        await exchange.reply.chunk(framing.write(event))
    exchange.reply.finish()


def stream_failure() -> list[Event]:
    """What a stream says when generation fails in its middle."""
    return [error(dead().body), DONE]


def load_report(engine: Engine, headers: dict[str, str]) -> dict[str, str]:
    """The ORCA load report header, when asked for; whole answers only."""
    wanted = headers.get("endpoint-load-metrics-format", "").upper()
    waiting, usage = float(engine.slots.waiting), engine.kv_usage
    if wanted == "TEXT":
        text = f"named_metrics.num_requests_waiting={waiting}, named_metrics.kv_cache_usage_perc={usage}"
        return {"endpoint-load-metrics": f"TEXT {text}"}
    if wanted == "JSON":
        named = {"named_metrics": {"num_requests_waiting": waiting, "kv_cache_usage_perc": usage}}
        return {"endpoint-load-metrics": f"JSON {msgspec.json.encode(named).decode()}"}
    return {}
