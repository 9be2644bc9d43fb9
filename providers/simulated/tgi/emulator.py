"""TGI's routes."""

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from providers.simulated.admission import Busy, Slots
from providers.simulated.compose import OPENING
from providers.simulated.dialogue import render
from providers.simulated.events import Event, Sse
from providers.simulated.exchange import Exchange, Pace
from providers.simulated.faults import Fault, FaultSwitch, Hits
from providers.simulated.generate import text_of, token_ids
from providers.simulated.server import Request
from providers.simulated.service import Refusal
from providers.simulated.settings import TgiSettings
from providers.simulated.stats import Stats
from providers.simulated.tgi import chat, metrics, native
from providers.simulated.tgi.errors import Refused, Undecodable, failed, incomplete, invalid, overloaded, unhealthy
from providers.simulated.tgi.reading import (
    ChatBody,
    CompletionBody,
    Generation,
    NativeBody,
    Parameters,
    chat_parameters,
    chat_prompt,
    check_grammar_shape,
    check_images,
    decoded,
    generation,
    too_long,
)

Route = Callable[[Exchange], Awaitable[None]]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: what is to be made, and how this route writes it and its errors."""

    streamed: bool
    make: Callable[[], list[Generation]]
    events: Callable[[list[Generation]], Iterable[Event]]
    whole: Callable[[list[Generation]], Any]
    error: Callable[[Refused], list[Event]]


class TgiEmulator:
    """One emulated `text-generation-launcher`."""

    name = "tgi"
    server_header = None

    def __init__(self, settings: TgiSettings, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.faults = FaultSwitch(without=_NOT_HERE)
        self.slots = Slots(settings.max_concurrent_requests, 0)
        self.tally = metrics.Tally()
        self._now = now
        self._stats = Stats()
        self._framing = Sse(content_type="text/event-stream", space=settings.data_space, comment=b"")
        self._work: dict[str, Route] = {
            "/": self._compat,
            "/generate": self._generate,
            "/generate_stream": self._generate_stream,
            "/v1/chat/completions": self._chat,
            "/v1/completions": self._completions,
            "/invocations": self._compat,
            "/vertex": self._compat,
        }
        self._asked: dict[tuple[str, str], Route] = {
            ("GET", "/info"): self._info,
            ("GET", "/health"): self._health,
            ("GET", "/ping"): self._health,
            ("GET", "/metrics"): self._metrics,
            ("GET", "/v1/models"): self._models,
            ("POST", "/tokenize"): self._tokenize,
            ("POST", "/chat_tokenize"): self._chat_tokenize,
        }

    def attach(self, stats: Stats) -> None:
        self._stats = stats

    def generates(self, request: Request) -> bool:
        return request.method == "POST" and request.path in self._work

    def refusal(self, fault: Fault, request: Request) -> Refusal | None:  # noqa: ARG002  it says the same to all
        return _REFUSALS.get(fault)

    async def answer(self, exchange: Exchange) -> None:
        request = exchange.request
        keys = [key.lower() for key in self.settings.api_keys]
        # Only what is POSTed is guarded; keys are compared without regard to case.
        if keys and request.method == "POST" and (request.bearer or "").lower() not in keys:
            await exchange.whole(401, b"", "")
            return
        route = self._work.get(request.path) if request.method == "POST" else None
        route = route or self._asked.get((request.method, request.path))
        if route is None:
            known = request.path in self._work or any(path == request.path for _, path in self._asked)
            await exchange.whole(405 if known else 404, b"", "")
            return
        try:
            await route(exchange)
        except Refused as refused:
            self.tally.failed[refused.error_type] += 1
            await _send(exchange, refused.refusal())
        except Undecodable as undecodable:
            await _send(exchange, undecodable.refusal)

    # -- generation

    async def _serve(self, exchange: Exchange, job: Job) -> None:
        """Give an answer. Whatever is refused from here on is an event where a stream was asked for."""
        self.tally.requests += 1
        began = time.monotonic()
        try:
            _late_faults(exchange.hits, self.settings, streamed=job.streamed)
            made = job.make()
            await self.slots.acquire()
        except Busy:
            await self._refuse(exchange, job, overloaded())
            return
        except Refused as refused:
            await self._refuse(exchange, job, refused)
            return
        try:
            await self._give(exchange, job, made)
        finally:
            self.slots.release()
        for each in made:
            self._stats.prompt_tokens += each.tokens
            self._stats.generated_tokens += each.plan.tokens
            self.tally.observe(prompt_tokens=each.tokens, tokens=each.plan.tokens, seconds=time.monotonic() - began)

    async def _give(self, exchange: Exchange, job: Job, made: list[Generation]) -> None:
        pace = Pace(self.settings.first_token_s, self.settings.interval_s)
        if job.streamed:
            exchange.open(self._framing, native.STREAM_HEADERS, beat_s=self.settings.keep_alive_comment_s)
            broken = incomplete() if Fault.INCOMPLETE_GENERATION in exchange.hits else failed()
            await exchange.play(job.events(made), pace, lambda: job.error(broken))
            return
        began = time.monotonic()
        longest = max(made, key=lambda each: each.plan.tokens)
        await pace.whole(longest.plan.tokens)
        took_ms = int((time.monotonic() - began) * 1000)
        head = native.headers(longest.plan, made[0].tokens, made[0].text, took_ms=took_ms)
        await exchange.json(200, job.whole(made), head)

    async def _refuse(self, exchange: Exchange, job: Job, refused: Refused) -> None:
        if not job.streamed:
            raise refused
        self.tally.failed[refused.error_type] += 1
        exchange.open(self._framing, native.STREAM_HEADERS)
        for event in job.error(refused):
            await exchange.reply.chunk(self._framing.write(event))
        exchange.reply.finish()

    async def _chat(self, exchange: Exchange) -> None:
        body: ChatBody = _body(exchange, ChatBody)
        check_grammar_shape(body.response_format)
        prompt, calls = chat_prompt(body)
        wanted = bool((body.stream_options or {}).get("include_usage"))

        def make() -> list[Generation]:
            check_images(self.settings, prompt)
            parameters = chat_parameters(body)
            return [generation(self.settings, prompt.text, parameters, calls, _opening(exchange.hits))]

        def run(made: list[Generation]) -> chat.Run:
            return self._run(made[0], body.model, usage=wanted, logprobs=bool(body.logprobs))

        await self._serve(
            exchange,
            Job(
                streamed=body.stream,
                make=make,
                events=lambda made: chat.events(run(made)),
                whole=lambda made: chat.whole(run(made)),
                error=Refused.chat_events,
            ),
        )

    async def _completions(self, exchange: Exchange) -> None:
        body: CompletionBody = _body(exchange, CompletionBody)
        if body.suffix is not None:
            raise invalid("Suffix is not supported and can be achieved by preprocessing the prompt.")
        prompts = [body.prompt] if isinstance(body.prompt, str) else body.prompt
        if not prompts:
            raise invalid("`inputs` cannot be empty")
        parameters = Parameters(
            max_new_tokens=body.max_tokens,
            stop=body.stop or [],
            seed=body.seed,
            top_p=body.top_p,
            temperature=None if body.temperature == 0 else body.temperature,
        )

        def runs(made: list[Generation]) -> list[chat.Run]:
            return [self._run(each, body.model, usage=False) for each in made]

        await self._serve(
            exchange,
            Job(
                streamed=body.stream,
                make=lambda: [
                    generation(self.settings, text, parameters, opening=_opening(exchange.hits)) for text in prompts
                ],
                events=lambda made: chat.completion_events(runs(made)),
                whole=lambda made: chat.completion_whole(runs(made)),
                error=Refused.chat_events,
            ),
        )

    async def _generate(self, exchange: Exchange) -> None:
        await self._native(exchange, _body(exchange, NativeBody), streamed=False)

    async def _generate_stream(self, exchange: Exchange) -> None:
        await self._native(exchange, _body(exchange, NativeBody), streamed=True)

    async def _compat(self, exchange: Exchange) -> None:
        body: NativeBody = _body(exchange, NativeBody)
        await self._native(exchange, body, streamed=body.stream, listed=True)

    async def _native(self, exchange: Exchange, body: NativeBody, *, streamed: bool, listed: bool = False) -> None:
        check_grammar_shape(body.parameters.grammar)

        def whole(made: list[Generation]) -> Any:
            answer = native.whole(body, made[0])
            return [answer] if listed else answer

        await self._serve(
            exchange,
            Job(
                streamed=streamed,
                make=lambda: [generation(self.settings, body.inputs, body.parameters, opening=_opening(exchange.hits))],
                events=lambda made: native.events(body, made[0]),
                whole=whole,
                error=Refused.native_event,
            ),
        )

    def _run(self, made: Generation, model: str | None, *, usage: bool, logprobs: bool = False) -> chat.Run:
        created = self.settings.created if self.settings.created is not None else int(self._now())
        return chat.Run(
            model=model or self.settings.models[0],
            created=created,
            fingerprint=f"{self.settings.version}-native",
            made=made,
            usage_wanted=usage,
            logprobs=logprobs,
        )

    # -- discovery

    async def _info(self, exchange: Exchange) -> None:
        settings = self.settings
        info = {
            "model_id": settings.models[0],
            "model_sha": "5d1f0e8c2b7a4963a0c1d2e3f4a5b6c7d8e9f0a1",
            "model_pipeline_tag": "text-generation",
            "max_concurrent_requests": settings.max_concurrent_requests,
            "max_best_of": 2,
            "max_stop_sequences": settings.max_stop_sequences,
            "max_input_tokens": settings.max_input_tokens or settings.context_length - 1,
            "max_total_tokens": settings.context_length,
            "validation_workers": 2,
            "max_client_batch_size": 4,
            "router": "text-generation-router",
            "version": settings.version,
            "sha": "db931fc0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6",
            "docker_label": None,
        }
        await exchange.json(200, info)

    async def _health(self, exchange: Exchange) -> None:
        if self.faults.on(Fault.ENGINE_DEAD):
            await _send(exchange, unhealthy().refusal())
        else:
            await exchange.whole(200, b"", "")

    async def _metrics(self, exchange: Exchange) -> None:
        text = metrics.text(self.tally, running=self.slots.running, queued=0)
        await exchange.whole(200, text.encode(), metrics.CONTENT_TYPE)

    async def _models(self, exchange: Exchange) -> None:
        name = self.settings.models[0]
        card = {"id": name, "object": "model", "created": 0, "owned_by": name}
        await exchange.json(200, {"object": "list", "data": [card]})

    async def _tokenize(self, exchange: Exchange) -> None:
        await exchange.json(200, _tokens(_body(exchange, NativeBody).inputs))

    async def _chat_tokenize(self, exchange: Exchange) -> None:
        text = render(_body(exchange, ChatBody).messages).text
        await exchange.json(200, {"tokenize_response": _tokens(text), "templated_text": text})


_NOT_HERE = frozenset(
    {
        Fault.MODEL_NOT_FOUND,
        Fault.FORBIDDEN,
        Fault.SILENT_STOP,
        Fault.CONTEXT_OVERFLOW_RUNNER,
        Fault.CONTEXT_OVERFLOW_EMBED,
        Fault.LOADING,
    }
)
_REFUSALS = {
    Fault.OVERLOAD: overloaded().refusal(),
    Fault.UNAUTHORIZED: Refusal(status=401, body=b"", content_type=""),
    Fault.BAD_REQUEST: invalid("`top_p` must be > 0.0 and < 1.0").refusal(),
    Fault.INTERNAL_ERROR: incomplete().refusal(),
    Fault.ENGINE_DEAD: Refusal(status=500, body=b'{"error":"channel closed","error_type":"generation"}'),
}


def _late_faults(hits: Hits, settings: TgiSettings, *, streamed: bool) -> None:
    """Faults that are refusals of the inference, behind a 200 where a stream was asked for."""
    if Fault.OVERLOAD_IN_STREAM in hits:
        raise overloaded()
    if Fault.GRAMMAR_ERROR in hits:
        raise invalid("grammar is not valid: $: expected a schema")
    if Fault.CONTEXT_OVERFLOW in hits:
        raise too_long(settings)
    if streamed:
        return
    if Fault.GENERATION_FAILED in hits:
        raise failed()
    if Fault.INCOMPLETE_GENERATION in hits:
        raise incomplete()


def _opening(hits: Hits) -> str:
    return OPENING if Fault.SPLIT_CHARACTER in hits else ""


def _body(exchange: Exchange, kind: type[Any]) -> Any:
    return decoded(exchange.request.body, exchange.request.headers.get("content-type", ""), kind)


def _tokens(text: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = []
    at = 0
    for token in token_ids(text):
        piece = text_of([token])
        listed.append({"id": token, "text": piece, "start": at, "stop": at + len(piece)})
        at += len(piece)
    return listed


async def _send(exchange: Exchange, refusal: Refusal) -> None:
    await exchange.whole(refusal.status, refusal.body, refusal.content_type, refusal.headers)
