"""Ollama's routes. It knows no keys: any is ignored."""

import ipaddress
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from providers.simulated.exchange import Exchange
from providers.simulated.faults import Fault, FaultSwitch
from providers.simulated.ollama import discovery, embed, shim, work
from providers.simulated.ollama.errors import (
    BUSY,
    CLOUD_DISABLED,
    INPUT_TOO_LONG,
    JSON,
    RUNNER_DIED,
    TOO_LONG,
    Refused,
    no_model,
    runner_overflow,
)
from providers.simulated.ollama.library import Library
from providers.simulated.server import Request
from providers.simulated.service import Refusal
from providers.simulated.settings import OllamaSettings
from providers.simulated.stats import Stats

Route = Callable[[Exchange], Awaitable[None]]


class OllamaEmulator:
    """One emulated `ollama serve`."""

    name = "ollama"
    server_header = None

    def __init__(self, settings: OllamaSettings, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.faults = FaultSwitch(without=_NOT_HERE)
        fixed = settings.created
        clock = now if fixed is None else lambda: float(fixed)
        self.library = Library(settings, clock)
        self._server = work.Server(settings=settings, library=self.library, now=clock, stats=Stats())
        self._numbers = 0
        self._work: dict[str, Route] = {
            "/api/chat": lambda exchange: work.chat(self._server, exchange),
            "/api/generate": lambda exchange: work.generate(self._server, exchange),
            "/api/embed": lambda exchange: embed.embed(self._server, exchange),
            "/api/embeddings": lambda exchange: embed.embed_one(self._server, exchange),
            "/v1/chat/completions": lambda exchange: shim.chat(self._server, exchange, self._number()),
            "/v1/completions": lambda exchange: shim.completions(self._server, exchange, self._number()),
            "/v1/embeddings": lambda exchange: shim.embeddings(self._server, exchange, self._number()),
        }
        self._asked: dict[str, Callable[[], Any]] = {
            "/api/version": lambda: {"version": settings.version},
            "/api/status": lambda: {"cloud": {"disabled": settings.cloud_disabled, "source": "env"}},
            "/api/tags": lambda: discovery.tags(self._server),
            "/api/ps": lambda: discovery.running(self._server),
            "/v1/models": lambda: discovery.openai_models(self._server),
        }

    def attach(self, stats: Stats) -> None:
        self._server.stats = stats

    def generates(self, request: Request) -> bool:
        return request.method == "POST" and request.path in self._work

    def refusal(self, fault: Fault, request: Request) -> Refusal | None:
        if fault is Fault.MODEL_NOT_FOUND:
            refused: Refused | None = no_model(_model(request))
        elif fault is Fault.CONTEXT_OVERFLOW_RUNNER:
            window = self.settings.context_length
            refused = runner_overflow(window + 1, window)
        else:
            refused = _refusals(fault)
        return None if refused is None else _said(request, refused)

    async def answer(self, exchange: Exchange) -> None:
        request = exchange.request
        if not _local(request.headers.get("host", "")):
            await exchange.whole(403, b"", "")
            return
        try:
            await self._routed(exchange, request)
        except Refused as refused:
            refusal = _said(request, refused)
            await exchange.whole(refusal.status, refusal.body, refusal.content_type)

    async def _routed(self, exchange: Exchange, request: Request) -> None:
        path = request.path
        if self.generates(request):
            await self._work[path](exchange)
        elif request.method == "GET" and path in self._asked:
            await exchange.whole(200, msgspec.json.encode(self._asked[path]()), JSON)
        elif request.method == "POST" and path == "/api/show":
            await exchange.whole(200, msgspec.json.encode(discovery.show(self._server, request.body)), JSON)
        elif request.method == "GET" and path.startswith("/v1/models/"):
            name = path.removeprefix("/v1/models/")
            self.library.find(name)
            await exchange.json(200, discovery.openai_model(name))
        elif request.method in {"GET", "HEAD"} and path == "/":
            await exchange.whole(200, b"Ollama is running", "text/plain; charset=utf-8")
        else:
            await exchange.whole(404, b"404 page not found", "text/plain")

    def _number(self) -> int:
        self._numbers += 1
        return shim.next_number(self._numbers)


_NOT_HERE = frozenset(
    {
        Fault.OVERLOAD_IN_STREAM,
        Fault.GENERATION_FAILED,
        Fault.INCOMPLETE_GENERATION,
        Fault.ENGINE_DEAD,
        Fault.LOADING,
        Fault.UNAUTHORIZED,
        Fault.EMPTY_UNAUTHORIZED,
    }
)


def _refusals(fault: Fault) -> Refused | None:
    said = {
        Fault.OVERLOAD: (503, BUSY),
        Fault.FORBIDDEN: (403, CLOUD_DISABLED),
        Fault.CONTEXT_OVERFLOW: (400, TOO_LONG),
        Fault.CONTEXT_OVERFLOW_EMBED: (400, INPUT_TOO_LONG),
        Fault.GRAMMAR_ERROR: (400, "invalid JSON schema in format"),
        Fault.BAD_REQUEST: (400, 'option "num_ctx" must be of type integer'),
        Fault.INTERNAL_ERROR: (500, RUNNER_DIED),
    }.get(fault)
    return None if said is None else Refused(*said)


def _said(request: Request, refused: Refused) -> Refusal:
    return refused.openai() if request.path.startswith("/v1/") else refused.native()


class _Named(msgspec.Struct):
    model: str = ""


def _model(request: Request) -> str:
    try:
        return msgspec.json.decode(request.body, type=_Named).model
    except msgspec.DecodeError:
        return ""


def _local(host: str) -> bool:
    """Bound to loopback it takes only local names, against pages that rebind theirs."""
    name = host.rsplit(":", 1)[0] if host.count(":") == 1 else host
    name = name.strip("[]").rstrip(".").lower()
    if name in {"", "localhost"} or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        ipaddress.ip_address(name.partition("]")[0])
    except ValueError:
        return False
    return True
