"""Native requests from queue to last line: the model's turn, its loading, its answer."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from providers.simulated.admission import Busy
from providers.simulated.compose import OPENING
from providers.simulated.events import Event, Framing, Kind, Ndjson
from providers.simulated.exchange import Exchange, Pace
from providers.simulated.faults import Fault
from providers.simulated.ollama import native
from providers.simulated.ollama.errors import BUSY, JSON, RUNNER_DIED, Refused, decoded
from providers.simulated.ollama.library import Library, Loaded, seconds_of
from providers.simulated.ollama.reading import (
    ChatBody,
    Fitted,
    GenerateBody,
    answer,
    check_abilities,
    check_messages,
    fit_chat,
    fit_generate,
)
from providers.simulated.settings import OllamaModel, OllamaSettings
from providers.simulated.stats import Stats

LINES = Ndjson()


class Turn:
    """A model's slot, held while a request is answered; free at once when its client leaves."""

    def __init__(self, library: Library, model: OllamaModel, window: int | None, keep_alive: object) -> None:
        self._library = library
        self._model = model
        self._window = window
        self._keep_s = seconds_of(keep_alive)  # read first: a bad one is refused before anything is sent
        self._slots = library.slots(model)
        self._loaded: Loaded | None = None
        self.load_s = 0.0

    async def __aenter__(self) -> Loaded:
        """Wait for the slot, then for the model, without a byte. Raises Refused 503."""
        try:
            await self._slots.acquire()
        except Busy as busy:
            raise Refused(503, BUSY) from busy
        try:
            self._loaded, self.load_s = await self._library.load(self._model, self._window)
        except asyncio.CancelledError:
            self._slots.release()
            raise
        self._loaded.users += 1
        return self._loaded

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if self._loaded is not None:
            self._loaded.users -= 1
            self._library.keep(self._loaded, self._keep_s)
        self._slots.release()


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """How a route writes an answer."""

    framing: Framing
    events: Callable[[native.Run], Iterable[Event]]
    whole: Callable[[native.Run], dict[str, Any]]
    failure: Callable[[], list[Event]]
    content_type: str = JSON


class Server(msgspec.Struct, kw_only=True):
    """What the routes share."""

    settings: OllamaSettings
    library: Library
    now: Callable[[], float]
    stats: Stats


def failure() -> list[Event]:
    """A line with the error, then the end of the stream."""
    return [Event(Kind.ERROR, msgspec.json.encode({"error": RUNNER_DIED}))]


CHAT = Spoken(framing=LINES, events=native.chat_events, whole=native.chat_whole, failure=failure)
GENERATE = Spoken(framing=LINES, events=native.generate_events, whole=native.generate_whole, failure=failure)


async def chat(server: Server, exchange: Exchange) -> None:
    """`POST /api/chat`. Raises Refused."""
    body = decoded(exchange.request.body, ChatBody)
    if not body.messages:
        model = server.library.find(body.model)
        await _load_only(server, exchange, model, body, {"message": {"role": "assistant", "content": ""}})
        return
    check_messages(body.messages)
    await converse(server, exchange, body, CHAT)


async def generate(server: Server, exchange: Exchange) -> None:
    """`POST /api/generate`. Raises Refused."""
    body = decoded(exchange.request.body, GenerateBody)
    if not body.prompt:
        await _load_only(server, exchange, server.library.find(body.model), body, {"response": ""})
        return
    await complete(server, exchange, body, GENERATE)


async def converse(server: Server, exchange: Exchange, body: ChatBody, spoken: Spoken) -> None:
    """Answer a chat in the manner of a route. Raises Refused."""
    model = server.library.find(body.model)
    check_abilities(body.model, model, body, "chat")
    await _work(server, exchange, (model, body), spoken, lambda window: fit_chat(body, window))


async def complete(server: Server, exchange: Exchange, body: GenerateBody, spoken: Spoken) -> None:
    """Answer a generation in the manner of a route. Raises Refused."""
    model = server.library.find(body.model)
    check_abilities(body.model, model, body, "generate")
    await _work(server, exchange, (model, body), spoken, lambda window: fit_generate(body, window))


async def _work(
    server: Server,
    exchange: Exchange,
    asked: tuple[OllamaModel, ChatBody | GenerateBody],
    spoken: Spoken,
    fit: Callable[[int], Fitted],
) -> None:
    model, body = asked
    settings = server.settings
    turn = Turn(server.library, model, body.settings.num_ctx, body.keep_alive)
    async with turn as loaded:
        fitted = fit(loaded.window)
        opening = OPENING if Fault.SPLIT_CHARACTER in exchange.hits else ""
        run = native.Run(
            model=body.model,
            created_at=native.timestamp(server.now()),
            plan=answer(settings, body, fitted, model, opening),
            prompt_tokens=fitted.tokens,
            load_ns=int(turn.load_s * 1e9) + 1_000_000,
            interval_ns=int(settings.interval_s * 1e9),
            call_ids=settings.tool_call_ids,
            logprobs=body.logprobs,
            top_logprobs=body.top_logprobs,
            context=fitted.text if isinstance(body, GenerateBody) else None,
        )
        pace = Pace(settings.first_token_s, settings.interval_s)
        server.stats.prompt_tokens += run.prompt_tokens
        if body.stream is False:
            await pace.whole(run.plan.tokens)
            await exchange.whole(200, msgspec.json.encode(spoken.whole(run)), spoken.content_type)
        else:
            # The head leaves with the first line: until the first token there is not a byte.
            if pace.first_s > 0:
                await asyncio.sleep(pace.first_s)
            exchange.open(spoken.framing)
            await exchange.play(spoken.events(run), Pace(0.0, pace.interval_s), spoken.failure)
        server.stats.generated_tokens += run.plan.tokens


async def _load_only(
    server: Server, exchange: Exchange, model: OllamaModel, body: ChatBody | GenerateBody, said: dict[str, Any]
) -> None:
    """Nothing to answer: bring the model into memory, or with `keep_alive` 0 take it out."""
    async with Turn(server.library, model, body.settings.num_ctx, body.keep_alive) as loaded:
        pass
    reason = "unload" if loaded.expires <= server.now() else "load"
    head = {"model": body.model, "created_at": native.timestamp(server.now())}
    line = {**head, **said, "done": True, "done_reason": reason}
    await exchange.whole(200, msgspec.json.encode(line), JSON)
