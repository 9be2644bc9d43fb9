"""What the smaller OpenAI-shaped servers share; a dialect says the rest."""

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import msgspec

from providers.simulated.compose import OPENING, Ask, plan
from providers.simulated.dialogue import ChatBody, Prompt, TextBody, called, render, stop_texts, tools_of
from providers.simulated.events import DONE, Event
from providers.simulated.exchange import AT_ONCE, Exchange, Pace
from providers.simulated.faults import Fault, FaultSwitch
from providers.simulated.generate import count, seed_of
from providers.simulated.generic.dialect import (
    CHAT,
    CRASHED,
    EMBEDDINGS,
    RESPONSES,
    TEXTS,
    Dialect,
    Refused,
    Run,
    SilentStream,
    new_id,
)
from providers.simulated.generic.responses import events as response_events
from providers.simulated.schema import BadSchema, instance
from providers.simulated.server import Request
from providers.simulated.service import Refusal
from providers.simulated.settings import LlamaCppSettings, Settings
from providers.simulated.stats import Stats
from providers.simulated.vectors import embedding

_MODELS = "/v1/models"

Body = TypeVar("Body", ChatBody, TextBody)


class _BrokenOff(Exception):
    """A newer request took the server."""


class GenericEmulator:
    """An emulated server of one dialect."""

    def __init__(self, settings: Settings, dialect: Dialect, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.dialect = dialect
        self.name = dialect.name
        self.server_header = "uvicorn"
        self.faults = FaultSwitch(without=dialect.without)
        self._now = now
        self._stats = Stats()
        self._numbers = 0
        self._newest = ""  # the request that came last
        work: dict[str, Callable[[Exchange, str], Awaitable[None]]] = {
            CHAT: self._chat,
            TEXTS: self._complete,
            EMBEDDINGS: self._embed,
            RESPONSES: self._respond,
        }
        self._work = {path: route for path, route in work.items() if path in dialect.routes}

    def attach(self, stats: Stats) -> None:
        self._stats = stats

    def generates(self, request: Request) -> bool:
        return request.method == "POST" and request.path in self._work

    def refusal(self, fault: Fault, request: Request) -> Refusal | None:
        refused = self.dialect.refusal(self.settings, fault, request.path)
        return None if refused is None else Refusal(status=refused.status, body=msgspec.json.encode(refused.body))

    async def answer(self, exchange: Exchange) -> None:
        """Every answer carries a request id, but for those of a handler that crashed."""
        self._numbers += 1
        number = exchange.request.headers.get("x-request-id") or new_id(self._numbers)
        try:
            await self._answer(exchange, number)
        except Refused as refused:
            if refused.body == CRASHED:
                await exchange.whole(refused.status, CRASHED.encode(), "text/plain; charset=utf-8")
            else:
                await exchange.json(refused.status, refused.body, {"x-request-id": number})

    async def _answer(self, exchange: Exchange, number: str) -> None:
        request = exchange.request
        health = self.dialect.health()
        headers = {"x-request-id": number}
        if self.settings.api_keys and request.bearer not in self.settings.api_keys:
            raise Refused(401, {"detail": "Invalid API key"})
        if self.generates(request):
            await self._work[request.path](exchange, number)
        elif request.method == "GET" and request.path == _MODELS:
            models = self.dialect.models(self.settings, self._created())
            await exchange.json(200, models, headers | dict(self.dialect.answer_headers))
        elif request.method == "GET" and request.path == "/health" and health is not None:
            await exchange.json(200, health, headers)
        elif request.path in self._work or request.path == _MODELS:
            allowed = "GET" if request.path == _MODELS else "POST"
            await exchange.json(405, {"detail": "Method Not Allowed"}, headers | {"allow": allowed})
        else:
            raise Refused(404, {"detail": "Not Found"})

    async def _chat(self, exchange: Exchange, number: str) -> None:
        raw = self._raw(exchange)
        body = self._typed(CHAT, raw, ChatBody)
        prompt = render(body.messages, body.tools)
        choice = self.dialect.choice(body)
        calls = called(tools_of(body.tools), prompt, choice, parallel=body.parallel_tool_calls is not False)
        try:
            limit = self.dialect.limit(self.settings, CHAT, prompt.tokens, raw)
        except SilentStream:
            await self._say_nothing(exchange, number)
            return
        ask = Ask(
            seed=seed_of(prompt.text, body.seed),
            natural=self.settings.tokens,
            limit=limit,
            stop=body.stops,
            calls=calls,
            forced=None if calls else _forced(body, prompt),
            thinks=self.settings.reasoning,
            opening=OPENING if Fault.SPLIT_CHARACTER in exchange.hits else "",
        )
        run = self._run(number, body.model, prompt.tokens, ask)
        run.top_logprobs = (body.top_logprobs or 0) if body.logprobs else None
        run.named = isinstance(body.tool_choice, dict)
        await self._give(exchange, run, streamed=bool(body.stream))

    async def _complete(self, exchange: Exchange, number: str) -> None:
        raw = self._raw(exchange)
        body = self._typed(TEXTS, raw, TextBody)
        text = str(raw.get("prompt", ""))
        try:
            limit = self.dialect.limit(self.settings, TEXTS, count(text), {"max_tokens": 16, **raw})
        except SilentStream:
            await self._say_nothing(exchange, number)
            return
        ask = Ask(
            seed=seed_of(text, body.seed),
            natural=self.settings.tokens,
            limit=limit,
            stop=stop_texts(body.stop),
            opening=OPENING if Fault.SPLIT_CHARACTER in exchange.hits else "",
        )
        run = self._run(number, body.model, count(text), ask)
        run.texts = True
        run.top_logprobs = body.logprobs
        await self._give(exchange, run, streamed=bool(body.stream))

    async def _respond(self, exchange: Exchange, number: str) -> None:
        raw = self._raw(exchange)
        given = raw.get("input", "")
        prompt = render([{"role": "user", "content": given}] if isinstance(given, str) else given)
        limit = raw.get("max_output_tokens") or self.settings.context_length
        run = self._run(
            number,
            raw.get("model"),
            prompt.tokens,
            Ask(seed=seed_of(prompt.text), natural=self.settings.tokens, limit=limit),
        )
        exchange.open(self.dialect.framing, {"x-request-id": number})
        await exchange.play(response_events(run), self._pace(), self.dialect.failure)

    async def _embed(self, exchange: Exchange, number: str) -> None:
        raw = self._raw(exchange)
        texts = self.dialect.embeddings(self.settings, raw)
        data = [
            {"object": "embedding", "embedding": embedding(text, self.settings.dimensions, "float"), "index": index}
            for index, text in enumerate(texts)
        ]
        tokens = sum(count(text) for text in texts)
        self._stats.prompt_tokens += tokens
        body = {
            "object": "list",
            "data": data,
            "model": self.dialect.model(self.settings, raw.get("model")),
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
        await exchange.json(200, body, {"x-request-id": number, **self.dialect.answer_headers})

    async def _give(self, exchange: Exchange, run: Run, *, streamed: bool) -> None:
        pace = self._pace()
        headers = {"x-request-id": run.id, **self.dialect.answer_headers}
        self._stats.prompt_tokens += run.prompt_tokens
        if streamed:
            exchange.open(self.dialect.framing, {**headers, **self.dialect.stream_headers})
            try:
                await exchange.play(self._until_the_next(run), pace, self.dialect.failure)
            except _BrokenOff:
                exchange.cut_off = True
                exchange.reply.hang_up()
        else:
            await pace.whole(run.plan.tokens)
            await exchange.json(200, self.dialect.whole(run), headers)
        self._stats.generated_tokens += run.plan.tokens

    def _until_the_next(self, run: Run) -> Iterator[Event]:
        """The stream of `run`; where a newer request may end it, [DONE] comes and then nothing, not even an end.

        Raises _BrokenOff then.
        """
        interruptible = isinstance(self.settings, LlamaCppSettings) and self.settings.interrupt_requests
        for event in self.dialect.events(run):
            if interruptible and self._newest != run.id:
                yield DONE
                raise _BrokenOff
            yield event

    async def _say_nothing(self, exchange: Exchange, number: str) -> None:
        headers = {"x-request-id": number, **self.dialect.answer_headers, **self.dialect.stream_headers}
        exchange.open(self.dialect.framing, headers)
        await exchange.play([], AT_ONCE)

    def _raw(self, exchange: Exchange) -> dict[str, Any]:
        request = exchange.request
        raw = self.dialect.body(request.body, request.headers.get("content-type", ""), request.path)
        self.dialect.check(self.settings, request.path, raw)
        return raw

    def _typed(self, path: str, raw: dict[str, Any], body: type[Body]) -> Body:
        try:
            return msgspec.convert(raw, type=body)
        except msgspec.ValidationError as error:
            raise self.dialect.malformed(path, str(error)) from error

    def _run(self, number: str, model: str | None, tokens: int, ask: Ask) -> Run:
        self._newest = number
        name = self.dialect.model(self.settings, model)
        return Run(id=number, model=name, created=self._created(), prompt_tokens=tokens, plan=plan(ask))

    def _pace(self) -> Pace:
        return Pace(self.settings.first_token_s, self.settings.interval_s)

    def _created(self) -> int:
        return self.settings.created if self.settings.created is not None else int(self._now())


def _forced(body: ChatBody, prompt: Prompt) -> str | None:
    form = body.response_format or {}
    if form.get("type") not in {"json_object", "json_schema"}:
        return None
    plain = {"type": "object", "properties": {"answer": {"type": "string"}}}
    schema = form.get("schema") or (form.get("json_schema") or {}).get("schema") or plain
    try:
        return msgspec.json.encode(instance(schema, seed_of(prompt.text))).decode()
    except BadSchema as error:
        message = f"Failed to parse grammar: {error}"
        raise Refused(400, {"error": {"message": message, "type": "invalid_request_error", "code": None}}) from error
