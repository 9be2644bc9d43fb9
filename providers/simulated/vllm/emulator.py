"""vLLM's routes."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from providers.simulated.exchange import Exchange
from providers.simulated.faults import Fault, FaultSwitch
from providers.simulated.server import Request
from providers.simulated.service import Refusal
from providers.simulated.settings import VllmSettings
from providers.simulated.stats import Stats
from providers.simulated.vllm import discovery, lora, metrics
from providers.simulated.vllm.chat import chat
from providers.simulated.vllm.completions import completions
from providers.simulated.vllm.embeddings import embeddings
from providers.simulated.vllm.engine import Engine
from providers.simulated.vllm.errors import (
    NOT_FOUND,
    UNAUTHORIZED,
    Refused,
    busy,
    dead,
    no_model,
    not_allowed,
    too_long,
)
from providers.simulated.vllm.messages import count_tokens, error_body, messages
from providers.simulated.vllm.responses import responses

_GUARDED = ("/v1", "/v2", "/inference", "/cohere")
Route = Callable[[Exchange], Awaitable[None]]


class VllmEmulator:
    """One emulated `vllm serve`."""

    name = "vllm"
    server_header = "uvicorn"

    def __init__(self, settings: VllmSettings, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.engine = Engine(settings)
        self.faults = FaultSwitch(without=_NOT_HERE)
        self._now = now
        self._work = self._routes_of_task()
        self._asked: dict[str, dict[str, Route]] = {
            "/v1/models": {"GET": self._models},
            "/version": {"GET": self._version},
            "/load": {"GET": self._load},
            "/health": {"GET": self._health},
            "/ping": {"GET": self._health, "POST": self._health},
            "/metrics": {"GET": self._metrics},
            "/openapi.json": {"GET": self._openapi},
            "/tokenize": {"POST": self._tokenize},
            "/detokenize": {"POST": self._detokenize},
        }
        if settings.task == "generate":
            self._asked["/v1/messages/count_tokens"] = {"POST": self._count_tokens}
        if settings.lora_updating:
            self._asked["/v1/load_lora_adapter"] = {"POST": lambda exchange: lora.load(self.engine, exchange)}
            self._asked["/v1/unload_lora_adapter"] = {"POST": lambda exchange: lora.unload(self.engine, exchange)}

    def attach(self, stats: Stats) -> None:
        self.engine.stats = stats

    def generates(self, request: Request) -> bool:
        return request.method == "POST" and request.path in self._work

    def refusal(self, fault: Fault, request: Request) -> Refusal | None:
        if fault is Fault.UNAUTHORIZED:
            return UNAUTHORIZED
        if fault is Fault.MODEL_NOT_FOUND:
            refused: Refused | None = no_model(_model(request), self.engine.served)
        elif fault is Fault.CONTEXT_OVERFLOW:
            refused = too_long(self.settings.context_length)
        else:
            refused = _refused(fault)
        if refused is None:
            return None
        return Refusal(status=refused.status, body=msgspec.json.encode(_said(request, refused)))

    async def answer(self, exchange: Exchange) -> None:
        request = exchange.request
        if self.settings.request_id_headers:
            exchange.reply.add_header("x-request-id", request.headers.get("x-request-id") or self.engine.new_id())
        if not self._admitted(request):
            await _send(exchange, UNAUTHORIZED)
            return
        routes = {"POST": self._work[request.path]} if request.path in self._work else self._asked.get(request.path)
        if routes is None:
            await _send(exchange, NOT_FOUND)
        elif request.method not in routes:
            await _send(exchange, not_allowed(tuple(routes)))
        else:
            try:
                await routes[request.method](exchange)
            except Refused as refused:
                await exchange.json(refused.status, _said(request, refused))

    def _admitted(self, request: Request) -> bool:
        # Only these prefixes are guarded: `/invocations` generates for anybody.
        if not self.settings.api_keys or not request.path.startswith(_GUARDED):
            return True
        return request.bearer in self.settings.api_keys

    def _created(self) -> int:
        return self.settings.created if self.settings.created is not None else int(self._now())

    def _routes_of_task(self) -> dict[str, Route]:
        def route(work: Callable[[Engine, Exchange, int], Awaitable[None]]) -> Route:
            return lambda exchange: work(self.engine, exchange, self._created())

        # A server has the routes of its one task; the others do not exist for it.
        if self.settings.task == "embed":
            return {"/v1/embeddings": route(embeddings), "/invocations": route(embeddings)}
        return {
            "/v1/chat/completions": route(chat),
            "/v1/completions": route(completions),
            "/v1/messages": route(messages),
            "/v1/responses": route(responses),
            "/invocations": route(_invoke),
        }

    # -- routes

    async def _count_tokens(self, exchange: Exchange) -> None:
        await count_tokens(self.engine, exchange)

    async def _models(self, exchange: Exchange) -> None:
        await exchange.json(200, discovery.models(self.engine, self._created()))

    async def _version(self, exchange: Exchange) -> None:
        await exchange.json(200, {"version": self.settings.version})

    async def _load(self, exchange: Exchange) -> None:
        # Without the flag it stays at zero, however busy the server is.
        live = self.engine.slots.running + self.engine.slots.waiting
        await exchange.json(200, {"server_load": live if self.settings.server_load_tracking else 0})

    async def _health(self, exchange: Exchange) -> None:
        await exchange.whole(503 if self.faults.on(Fault.ENGINE_DEAD) else 200, b"", "")

    async def _metrics(self, exchange: Exchange) -> None:
        await exchange.whole(200, metrics.text(self.engine).encode(), metrics.CONTENT_TYPE)

    async def _openapi(self, exchange: Exchange) -> None:
        asked = {path: tuple(methods) for path, methods in self._asked.items() if path != "/openapi.json"}
        await exchange.json(200, discovery.openapi({**asked, **dict.fromkeys(self._work, ("POST",))}))

    async def _tokenize(self, exchange: Exchange) -> None:
        await exchange.json(200, discovery.tokenize(self.engine, exchange.request.body))

    async def _detokenize(self, exchange: Exchange) -> None:
        await exchange.json(200, discovery.detokenize(self.engine, exchange.request.body))


def _refused(fault: Fault) -> Refused | None:
    match fault:
        case Fault.OVERLOAD:
            return busy()
        case Fault.BAD_REQUEST:
            return Refused(400, "temperature must be non-negative, got -1.0.", param="temperature")
        case Fault.INTERNAL_ERROR | Fault.ENGINE_DEAD:
            return dead()
        case _:
            return None


def _said(request: Request, refused: Refused) -> dict[str, Any]:
    """The error object, in the envelope of the surface asked."""
    return error_body(refused) if request.path.startswith("/v1/messages") else refused.body


_NOT_HERE = frozenset(
    {
        Fault.SILENT_STOP,
        Fault.FORBIDDEN,
        Fault.GENERATION_FAILED,
        Fault.INCOMPLETE_GENERATION,
        Fault.CONTEXT_OVERFLOW_RUNNER,
        Fault.CONTEXT_OVERFLOW_EMBED,
        Fault.LOADING,
    }
)


def _model(request: Request) -> str:
    try:
        return msgspec.json.decode(request.body, type=_Named).model or ""
    except msgspec.DecodeError:
        return ""


class _Named(msgspec.Struct):
    model: str | None = None


async def _invoke(engine: Engine, exchange: Exchange, created: int) -> None:
    """Any body: a chat if it has messages, else a completion."""
    await (chat if b'"messages"' in exchange.request.body else completions)(engine, exchange, created)


async def _send(exchange: Exchange, refusal: Refusal) -> None:
    await exchange.whole(refusal.status, refusal.body, refusal.content_type, refusal.headers)
