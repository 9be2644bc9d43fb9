"""A key for one look at a running gateway. It may use no model, ends by itself, and leaves no row behind."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from appliance.config.desired import KeyTerms
from appliance.domain.identity import Key
from appliance.domain.secret import Secret
from appliance.pipeline.manage.keys import Keys
from appliance.pipeline.manage.records import Scribe, key_record
from appliance.ports.clock import Clock
from appliance.ports.repositories import Store, Unit

LIFE = timedelta(minutes=2)  # longer than any look; what a killed one leaves is of no use to anybody either
PURPOSE = {"made_for": "smoke"}


class Probe:
    """Its making and its removal are in the events, as those of every key."""

    def __init__(self, store: Store, keys: Keys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._scribe = Scribe(clock)

    @asynccontextmanager
    async def key(self, actor: str) -> AsyncIterator[Secret]:
        """Its value, for as long as the block lasts. Raises StoreUnavailable."""
        name, end = f"smoke {secrets.token_hex(4)}", self._clock.now() + LIFE
        async with self._store.unit() as unit:
            await self._sweep(unit, actor)
            made = await self._keys.create_in(unit, KeyTerms(name=name, expires_at=end, metadata={**PURPOSE}), actor)
        try:
            yield made.secret
        finally:
            async with self._store.unit() as unit:
                await self._remove(unit, made.key, actor)

    async def _sweep(self, unit: Unit, actor: str) -> None:
        """Remove what looks that were killed have left."""
        now = self._clock.now()
        for key in await unit.keys():
            over = key.expires_at is not None and key.expires_at <= now
            if over and key.metadata == PURPOSE and not key.models:
                await self._remove(unit, key, actor)

    async def _remove(self, unit: Unit, key: Key, actor: str) -> None:
        await unit.delete_key(key.id)
        await unit.add_event(self._scribe.event(actor, "key.remove", key.id, key_record(key), None))
