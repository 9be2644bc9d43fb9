"""The engine behind vLLM's routes: who runs, what is cached, what was counted."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Self

import msgspec

from providers.simulated.admission import Slots
from providers.simulated.exchange import Pace
from providers.simulated.generate import seed_of
from providers.simulated.histogram import BETWEEN, PHASES, SECONDS, Histogram
from providers.simulated.settings import VllmSettings
from providers.simulated.stats import Stats
from providers.simulated.vllm.errors import busy, no_model
from providers.simulated.vllm.prefix import PrefixCache

KV_TOKENS = 262_144  # what the emulated cache holds


class Engine:
    """State of one emulated vLLM."""

    def __init__(self, settings: VllmSettings) -> None:
        self.settings = settings
        self.stats = Stats()
        self.slots = Slots(settings.max_num_seqs, None)
        self.prefix = PrefixCache(settings.block_size)
        self.pace = Pace(settings.first_token_s, settings.interval_s)
        self.loras: dict[str, str] = {name: f"/adapters/{name}" for name in settings.loras}
        self.finished: Counter[str] = Counter()
        self.rejected = 0
        self.live_tokens = 0
        self.time_to_first = Histogram(SECONDS)
        self.end_to_end = Histogram(PHASES)
        self.queued = Histogram(PHASES)
        self.between_tokens = Histogram(BETWEEN)
        self.per_token = Histogram(BETWEEN)
        self.prefill = Histogram(PHASES)
        self.decode = Histogram(PHASES)
        self._numbers = 0

    @property
    def served(self) -> tuple[str, ...]:
        """Every name a request may use."""
        return (*self.settings.models, *self.loras)

    def check_model(self, name: str | None) -> str:
        """The name to answer under. Raises Refused 404."""
        if not name:
            return self.settings.models[0]
        if name not in self.served:
            raise no_model(name, self.served)
        return name

    def admit(self, n: int = 1) -> None:
        """Is there room for `n` more answers? The limit counts what runs and what waits. Raises Refused 503.

        This comes before a stream's 200. Requests that come together pass it and are refused in their streams; an
        emulator shows that by `Fault.OVERLOAD_IN_STREAM`.
        """
        most = self.settings.max_num_queued_reqs
        if most is not None and self.slots.running + self.slots.waiting + n > most:
            self.rejected += 1
            raise busy()

    def new_id(self) -> str:
        """Thirty-two hex digits, a new one each time."""
        self._numbers += 1
        return f"{seed_of('id', self._numbers):016x}{seed_of('di', self._numbers):016x}"

    @property
    def kv_usage(self) -> float:
        """Share of the cache in use, 0..1."""
        return min(1.0, self.live_tokens / KV_TOKENS)


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a request costs the engine."""

    prompt_tokens: int
    tokens: int
    reasons: tuple[str, ...]  # how each choice will finish


class Sequence:
    """A request in the engine, from admission to its end; the slot is free at once when its client leaves."""

    def __init__(self, engine: Engine, work: Work, comment: Callable[[], Awaitable[None]] | None = None) -> None:
        self._engine = engine
        self._work = work
        self._comment = comment
        self._began = time.monotonic()
        self._admitted = self._began

    async def __aenter__(self) -> Self:
        """Wait for a slot, sending comments meanwhile if the server was started so."""
        interval_s = self._engine.settings.sse_keep_alive_s
        if self._comment is not None and interval_s > 0:
            await self._acquire_commenting(self._comment, interval_s)
        else:
            await self._engine.slots.acquire()
        self._admitted = time.monotonic()
        self._engine.live_tokens += self._work.prompt_tokens + self._work.tokens
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        engine, work = self._engine, self._work
        engine.slots.release()
        engine.live_tokens -= work.prompt_tokens + work.tokens
        engine.stats.prompt_tokens += work.prompt_tokens
        if kind is not None:
            return  # an abort is counted nowhere: 0.32 did not, when it ran
        engine.stats.generated_tokens += work.tokens
        engine.finished.update("stop" if reason == "stop_string" else reason for reason in work.reasons)
        engine.queued.observe(self._admitted - self._began)
        engine.time_to_first.observe(self._admitted - self._began + engine.pace.first_s)
        took = time.monotonic() - self._admitted
        decode = max(0.0, took - engine.pace.first_s)
        engine.end_to_end.observe(time.monotonic() - self._began)
        engine.prefill.observe(took - decode)
        engine.decode.observe(decode)
        engine.per_token.observe(decode / max(1, work.tokens - 1))
        engine.between_tokens.observe(decode / max(1, work.tokens - 1))

    async def _acquire_commenting(self, comment: Callable[[], Awaitable[None]], interval_s: float) -> None:
        turn = asyncio.ensure_future(self._engine.slots.acquire())
        try:
            while not (await asyncio.wait({turn}, timeout=interval_s))[0]:
                await comment()
        except asyncio.CancelledError:
            if not turn.cancel():
                self._engine.slots.release()
            raise
        await turn
