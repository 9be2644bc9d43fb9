"""`POST /v1/completions`: prompts as text or token ids, one or many; choices are numbered over prompts."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import msgspec

from providers.simulated.compose import OPENING, Plan
from providers.simulated.dialogue import stop_texts
from providers.simulated.events import DONE, Event, Kind
from providers.simulated.exchange import Exchange
from providers.simulated.faults import Fault
from providers.simulated.generate import count, logprob, pieces, seed_of
from providers.simulated.vectors import inputs_of
from providers.simulated.vllm.chat import Answer, late_refusals, refuse_in_stream, serve
from providers.simulated.vllm.checks import check_response_format, check_stream_options
from providers.simulated.vllm.engine import Engine, Work
from providers.simulated.vllm.errors import Refused, decoded, invalid
from providers.simulated.vllm.reading import Wish, check_lengths, choices, forced_text, limit_of
from providers.simulated.vllm.shapes import FINGERPRINT

DEFAULT_LIMIT = 16
_json = msgspec.json.encode


class CompletionBody(msgspec.Struct, kw_only=True):
    """The fields that change an answer."""

    prompt: Any  # a text, texts, token ids or lists of them
    model: str | None = None
    stream: bool | None = False
    stream_options: dict[str, Any] | None = None
    max_tokens: int | None = DEFAULT_LIMIT
    seed: int | None = None
    n: int | None = 1
    stop: str | list[str] | None = None
    suffix: str | None = None
    echo: bool | None = False
    logprobs: int | None = None
    cache_salt: str | None = None
    ignore_eos: bool = False
    response_format: dict[str, Any] | None = None
    structured_outputs: dict[str, Any] | None = None


class Run(msgspec.Struct, kw_only=True):
    """A request under way."""

    id: str
    model: str
    created: int
    fingerprint: str
    body: CompletionBody
    prompts: tuple[str, ...]
    plans: tuple[tuple[str, Plan], ...]  # prompt and answer, by index of the choice
    cached_tokens: int | None  # None: details are not reported

    @property
    def prompt_tokens(self) -> int:
        return sum(count(prompt) for prompt in self.prompts)

    def usage(self, *, nulls: bool) -> dict[str, Any]:
        """The usage object."""
        tokens = sum(plan.tokens for _, plan in self.plans)
        details = None if self.cached_tokens is None else {"cached_tokens": self.cached_tokens}
        usage: dict[str, Any] = {
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + tokens,
            "completion_tokens": tokens,
        }
        if nulls or details is not None:
            usage["prompt_tokens_details"] = details
        if nulls:
            usage["completion_tokens_details"] = None
        return usage


async def completions(engine: Engine, exchange: Exchange, created: int) -> None:
    """Answer a completion request. Raises Refused for what vLLM answers with an error status."""
    body = _body(exchange.request.body)
    model = engine.check_model(body.model)
    try:
        texts = tuple(inputs_of(body.prompt))
    except ValueError as error:
        raise invalid("value_error", "body.prompt", f"Value error, {error}") from error
    for text in texts:
        check_lengths(engine.settings, count(text), body.max_tokens, "max_tokens")
    adapter = model if model in engine.loras else ""
    cached = sum(engine.prefix.cached_tokens(text, adapter=adapter, salt=body.cache_salt) for text in texts)
    run = Run(
        id=f"cmpl-{exchange.request.headers.get('x-request-id') or engine.new_id()}",
        model=model,
        created=created,
        fingerprint=FINGERPRINT.format(version=engine.settings.version),
        body=body,
        prompts=texts,
        plans=(),
        cached_tokens=cached if engine.settings.prompt_tokens_details else None,
    )
    engine.admit(len(texts) * (1 if body.n is None else body.n))
    try:
        late_refusals(exchange)
        run.plans = tuple(_plans(engine, run, opening=OPENING if Fault.SPLIT_CHARACTER in exchange.hits else ""))
    except Refused as refused:
        if not body.stream:
            raise
        await refuse_in_stream(exchange, refused)
        return
    plans = [plan for _, plan in run.plans]
    work = Work(
        prompt_tokens=run.prompt_tokens,
        tokens=sum(plan.tokens for plan in plans),
        reasons=tuple(plan.finish for plan in plans),
    )
    answer = Answer(
        work=work,
        longest=max(plan.tokens for plan in plans),
        streamed=bool(body.stream),
        events=lambda: _events(run),
        whole=lambda: _whole(run),
    )
    await serve(engine, exchange, answer)


def _body(raw: bytes) -> CompletionBody:
    body = decoded(raw, CompletionBody)
    if body.suffix is not None:
        raise Refused(400, "suffix is only supported for models with FIM completion rendering", param="suffix")
    check_stream_options(body)
    check_response_format(body.response_format)
    return body


def _plans(engine: Engine, run: Run, opening: str) -> Iterator[tuple[str, Plan]]:
    body, settings = run.body, engine.settings
    asked = DEFAULT_LIMIT if body.max_tokens is None else body.max_tokens
    for prompt in run.prompts:
        wish = Wish(
            limit=limit_of(settings, count(prompt), asked),
            stop=stop_texts(body.stop),
            forced=lambda seed: forced_text(body.response_format, body.structured_outputs, seed),
            to_limit=body.ignore_eos,
            opening=opening,
        )
        for plan in choices(settings, seed_of(run.model, prompt, body.seed), 1 if body.n is None else body.n, wish):
            yield prompt, plan


def _reason(plan: Plan) -> str:
    return "length" if plan.finish == "length" else "stop"


def _logprobs(run: Run, parts: list[str]) -> dict[str, Any] | None:
    if run.body.logprobs is None:
        return None
    offsets: list[int] = []
    at = 0
    for part in parts:
        offsets.append(at)
        at += len(part)
    values = [logprob(seed_of(run.model, part), index) for index, part in enumerate(parts)]
    return {
        "text_offset": offsets,
        "token_logprobs": values,
        "tokens": parts,
        "top_logprobs": [{part: value} for part, value in zip(parts, values, strict=True)],
    }


def _whole(run: Run) -> dict[str, Any]:
    listed: list[dict[str, Any]] = []
    for index, (prompt, plan) in enumerate(run.plans):
        echoed = pieces(prompt.encode()) if run.body.echo else []
        listed.append(
            {
                "index": index,
                "text": (prompt if run.body.echo else "") + plan.content,
                "logprobs": _logprobs(run, [*echoed, *plan.text]),
                "finish_reason": _reason(plan),
                "stop_reason": plan.stopped_by,
                "token_ids": None,
                "prompt_logprobs": None,
                "prompt_token_ids": None,
                "routed_experts": None,
            }
        )
    return {
        "id": run.id,
        "object": "text_completion",
        "created": run.created,
        "model": run.model,
        "choices": listed,
        "service_tier": None,
        "system_fingerprint": run.fingerprint,
        "usage": run.usage(nulls=True),
        "kv_transfer_params": None,
        "ec_transfer_params": None,
        "metrics": None,
    }


def _events(run: Run) -> Iterator[Event]:
    head = {"id": run.id, "object": "text_completion", "created": run.created, "model": run.model}
    usage_wanted = bool((run.body.stream_options or {}).get("include_usage"))
    columns = [list(_texts(run, prompt, plan)) for prompt, plan in run.plans]
    for row in zip_longest(*columns):
        for index, cell in enumerate(row):
            if cell is None:
                continue
            text, last = cell
            plan = run.plans[index][1]
            chunk: dict[str, Any] = {
                **head,
                "choices": [
                    {
                        "index": index,
                        "text": text,
                        "logprobs": _logprobs(run, [text]),
                        "finish_reason": _reason(plan) if last else None,
                        "stop_reason": plan.stopped_by if last else None,
                        "prompt_token_ids": None,
                        "token_ids": None,
                    }
                ],
            }
            if last and not usage_wanted:
                chunk["system_fingerprint"] = run.fingerprint
            yield Event(Kind.FINISH if last else Kind.TOKEN, _json(chunk))
    if usage_wanted:
        usage = {**head, "choices": [], "usage": run.usage(nulls=False), "system_fingerprint": run.fingerprint}
        yield Event(Kind.USAGE, _json(usage))
    yield DONE


def _texts(run: Run, prompt: str, plan: Plan) -> Iterator[tuple[str, bool]]:
    """Texts of the chunks and whether it is the last one; the echo travels with the first token."""
    texts = list(plan.text) or [""]
    if run.body.echo:
        texts[0] = prompt + texts[0]
    if plan.finish != "length":
        texts.append("")
    for at, text in enumerate(texts):
        yield text, at == len(texts) - 1
