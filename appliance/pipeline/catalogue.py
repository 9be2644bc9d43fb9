"""The site as the hot path sees it: one frozen catalogue, replaced when the store's change number moves."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from appliance.domain.errors import ConfigError, StoreUnavailable
from appliance.domain.ids import ModelName
from appliance.domain.model import Model
from appliance.domain.money import Price
from appliance.identity.ring import KeyRing
from appliance.ports.clock import Clock
from appliance.ports.repositories import Snapshot, Store

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25  # a revocation binds within 1 s: a poll, a read of the snapshot, and room for a slow disk
STALE_SECONDS = 5.0  # without a word from the store for so long, nobody is let in: a key may have been revoked


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Models and keys at one change number."""

    number: int
    ring: KeyRing
    models: Mapping[ModelName, Model]
    default_price: Price | None


class CatalogueKeeper:
    """Holds the current catalogue and follows the store."""

    def __init__(self, store: Store, compiled: Callable[[Snapshot], Catalogue], clock: Clock) -> None:
        """`compiled` unseals peppers and resolves credentials; it raises ConfigError when it cannot."""
        self._store = store
        self._compiled = compiled
        self._clock = clock
        self._current: Catalogue | None = None
        self._confirmed = float("-inf")
        self._before: list[Callable[[Catalogue], Awaitable[None]]] = []
        self._refreshing = asyncio.Lock()

    def before_change(self, prepare: Callable[[Catalogue], Awaitable[None]]) -> None:
        """`prepare` is awaited with a new catalogue before anybody sees it; when it raises, the old one stays."""
        self._before.append(prepare)

    @property
    def fresh(self) -> bool:
        return self._clock.monotonic() - self._confirmed < STALE_SECONDS

    @property
    def number(self) -> int:
        """Change number of the catalogue in force; 0 before the first."""
        return self._current.number if self._current is not None else 0

    def current(self) -> Catalogue:
        """Raises StoreUnavailable when the store has not been heard of for STALE_SECONDS."""
        if self._current is None or self._clock.monotonic() - self._confirmed >= STALE_SECONDS:
            raise StoreUnavailable(
                "the store cannot be read, so keys cannot be checked; see the operator", retry_after=5
            )
        return self._current

    async def refresh(self) -> bool:
        """Look at the change number, and read the snapshot when it moved. True when the catalogue changed."""
        async with self._refreshing:
            asked = self._clock.monotonic()
            number = await self._store.change_number()
            changed = self._current is None or number != self._current.number
            if changed:
                new = self._compiled(await self._store.snapshot())
                for prepare in self._before:
                    await prepare(new)
                self._current = new
            self._confirmed = asked  # the moment the answer was true at, not the moment it came
        return changed

    async def follow(self, every: float = POLL_SECONDS) -> None:
        """Refresh for ever. A store that does not answer makes the catalogue go stale, and callers are refused."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.refresh()
            except (StoreUnavailable, ConfigError) as error:
                log.error("the store cannot be followed: %s", error.message)  # noqa: TRY400 -- the sentence is enough
