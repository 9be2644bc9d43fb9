"""What the smaller OpenAI-shaped servers share; a dialect says the rest."""

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import msgspec

from providers.simulated.compose import OPENING, Ask, Plan, plan
from providers.simulated.dialogue import ChatBody, Prompt, called, render, tools_of
from providers.simulated.events import Event, Framing
from providers.simulated.exchange import Exchange, Pace
from providers.simulated.faults import Fault, FaultSwitch
from providers.simulated.generate import count, seed_of
from providers.simulated.schema import BadSchema, instance
from providers.simulated.server import Request
from providers.simulated.service import Refusal
from providers.simulated.settings import Settings
from providers.simulated.stats import Stats
from providers.simulated.vectors import embedding, inputs_of

Route = Callable[[Exchange], Awaitable[None]]


class Refused(Exception):
    """A request answered with an error status."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


class Run(msgspec.Struct, kw_only=True):
    """A request under way."""

    id: str
    model: str
    created: int
    prompt_tokens: int
    plan: Plan
    usage_wanted: bool = False
    texts: bool = False  # `/v1/completions` instead of chat

    def usage(self) -> dict[str, int]:
        """The usage object."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.plan.tokens,
            "total_tokens": self.prompt_tokens + self.plan.tokens,
        }

    @property
    def finish(self) -> str:
        """OpenAI's word for why it stopped."""
        if self.plan.finish == "length":
            return "length"
        return "tool_calls" if self.plan.calls else "stop"


class Dialect(Protocol):
    """What differs."""

    name: str
    framing: Framing
    without: frozenset[Fault]
    completes: bool
    """Has it `/v1/completions` and `/v1/embeddings`?"""

    def check(self, settings: Settings, raw: dict[str, Any]) -> None:
        """Look at the body before it is read. Raises Refused."""

    def overflow(self, settings: Settings, tokens: int, asked: int | None) -> Refused | None:
        """What it says of a prompt too long; None when it does not care."""

    def model(self, settings: Settings, asked: str | None) -> str:
        """The model named in the answer."""

    def events(self, run: Run) -> Iterable[Event]:
        """A streamed answer."""

    def whole(self, run: Run) -> dict[str, Any]:
        """An answer that is not streamed."""

    def models(self, settings: Settings, created: int) -> dict[str, Any]:
        """`GET /v1/models`."""

    def health(self) -> dict[str, Any] | None:
        """`GET /health`, where there is one."""

    def failure(self) -> list[Event]:
        """What a stream says when generation fails in its middle."""

    def refusal(self, fault: Fault) -> Refused | None:
        """What it says for a fault that is an error status."""


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
        self._work: dict[str, Route] = {"/v1/chat/completions": self._chat}
        if dialect.completes:
            self._work |= {"/v1/completions": self._complete, "/v1/embeddings": self._embed}

    def attach(self, stats: Stats) -> None:
        self._stats = stats

    def generates(self, request: Request) -> bool:
        return request.method == "POST" and request.path in self._work

    def refusal(self, fault: Fault, request: Request) -> Refusal | None:  # noqa: ARG002  it says the same to all
        if fault is Fault.CONTEXT_OVERFLOW:
            window = self.settings.context_length
            refused = self.dialect.overflow(self.settings, window + 1, None)
        else:
            refused = self.dialect.refusal(fault)
        return None if refused is None else Refusal(status=refused.status, body=msgspec.json.encode(refused.body))

    async def answer(self, exchange: Exchange) -> None:
        request = exchange.request
        health = self.dialect.health()
        if self.settings.api_keys and request.bearer not in self.settings.api_keys:
            await exchange.json(401, {"detail": "Invalid API key"})
        elif self.generates(request):
            try:
                await self._work[request.path](exchange)
            except Refused as refused:
                await exchange.json(refused.status, refused.body)
        elif request.method == "GET" and request.path == "/v1/models":
            await exchange.json(200, self.dialect.models(self.settings, self._created()))
        elif request.method == "GET" and request.path == "/health" and health is not None:
            await exchange.json(200, health)
        else:
            known = request.path in self._work or request.path == "/v1/models"
            detail = "Method Not Allowed" if known else "Not Found"
            await exchange.json(405 if known else 404, {"detail": detail})

    async def _chat(self, exchange: Exchange) -> None:
        raw = self._raw(exchange)
        try:
            body = msgspec.convert(raw, type=ChatBody)
        except msgspec.ValidationError as error:
            raise Refused(422, {"detail": [{"type": "value_error", "loc": ["body"], "msg": str(error)}]}) from error
        prompt = render(body.messages, body.tools)
        calls = called(tools_of(body.tools), prompt, body.tool_choice, parallel=body.parallel_tool_calls is not False)
        ask = Ask(
            seed=seed_of(prompt.text, body.seed),
            natural=self.settings.tokens,
            limit=self._limit(prompt.tokens, body.limit),
            stop=body.stops,
            calls=calls,
            forced=None if calls else _forced(body, prompt),
            opening=OPENING if Fault.SPLIT_CHARACTER in exchange.hits else "",
        )
        run = self._run("chatcmpl", body.model, prompt.tokens, plan(ask))
        run.usage_wanted = body.usage_wanted
        await self._give(exchange, run, streamed=bool(body.stream))

    async def _complete(self, exchange: Exchange) -> None:
        raw = self._raw(exchange)
        prompt = raw.get("prompt", "")
        text = prompt if isinstance(prompt, str) else "".join(map(str, prompt))
        asked = raw.get("max_tokens", 16)
        stop = raw.get("stop") or []
        ask = Ask(
            seed=seed_of(text, raw.get("seed")),
            natural=self.settings.tokens,
            limit=self._limit(count(text), asked),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            opening=OPENING if Fault.SPLIT_CHARACTER in exchange.hits else "",
        )
        run = self._run("cmpl", raw.get("model"), count(text), plan(ask))
        run.texts = True
        await self._give(exchange, run, streamed=bool(raw.get("stream")))

    async def _embed(self, exchange: Exchange) -> None:
        raw = self._raw(exchange)
        try:
            texts = inputs_of(raw.get("input"))
        except ValueError as error:
            raise Refused(
                422, {"detail": [{"type": "value_error", "loc": ["body", "input"], "msg": str(error)}]}
            ) from error
        encoding = str(raw.get("encoding_format") or "float")
        data = [
            {"object": "embedding", "embedding": embedding(text, self.settings.dimensions, encoding), "index": index}
            for index, text in enumerate(texts)
        ]
        tokens = sum(count(text) for text in texts)
        self._stats.prompt_tokens += tokens
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        model = self.dialect.model(self.settings, raw.get("model"))
        await exchange.json(200, {"object": "list", "data": data, "model": model, "usage": usage}, self._headers())

    async def _give(self, exchange: Exchange, run: Run, *, streamed: bool) -> None:
        pace = Pace(self.settings.first_token_s, self.settings.interval_s)
        self._stats.prompt_tokens += run.prompt_tokens
        if streamed:
            exchange.open(self.dialect.framing, self._headers())
            await exchange.play(self.dialect.events(run), pace, self.dialect.failure)
        else:
            await pace.whole(run.plan.tokens)
            await exchange.json(200, self.dialect.whole(run), self._headers())
        self._stats.generated_tokens += run.plan.tokens

    def _raw(self, exchange: Exchange) -> dict[str, Any]:
        try:
            raw = msgspec.json.decode(exchange.request.body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            detail = [{"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}}]
            raise Refused(422, {"detail": detail}) from error
        self.dialect.check(self.settings, raw)
        return raw

    def _run(self, prefix: str, model: str | None, tokens: int, made: Plan) -> Run:
        self._numbers += 1
        number = f"{seed_of('id', self._numbers):016x}"
        name = self.dialect.model(self.settings, model)
        return Run(id=f"{prefix}-{number}", model=name, created=self._created(), prompt_tokens=tokens, plan=made)

    def _limit(self, tokens: int, asked: int | None) -> int:
        window = self.settings.context_length
        if tokens + (asked or 0) > window:
            refused = self.dialect.overflow(self.settings, tokens, asked)
            if refused is not None:
                raise refused
        return max(1, min(asked if asked is not None else window, max(1, window - tokens)))

    def _created(self) -> int:
        return self.settings.created if self.settings.created is not None else int(self._now())

    def _headers(self) -> dict[str, str]:
        self._numbers += 1
        return {"x-request-id": f"{seed_of('request', self._numbers):016x}"}


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
