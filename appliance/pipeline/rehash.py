"""Keys move to the newest pepper when they are next used, off the hot path."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from appliance.domain.errors import GatewayError
from appliance.domain.ids import KeyId
from appliance.domain.secret import Secret

log = logging.getLogger(__name__)

WAITING = 256  # keys; a key that finds no room is moved at a later use


class Rehasher:
    """Takes keys that were hashed with an old pepper. A key waits here once, however often it is used."""

    def __init__(self, rehash: Callable[[KeyId, Secret], Awaitable[bool]]) -> None:
        self._rehash = rehash
        self._waiting: dict[KeyId, Secret] = {}
        self._some = asyncio.Event()

    def note(self, key: KeyId, value: Secret) -> None:
        """Never blocks."""
        if len(self._waiting) < WAITING:
            self._waiting.setdefault(key, value)
            self._some.set()

    async def follow(self) -> None:
        """Work for ever. What fails is tried again when the key is next used."""
        while True:
            await self._some.wait()
            while self._waiting:
                key = next(iter(self._waiting))
                try:
                    await self._rehash(key, self._waiting[key])
                except GatewayError as error:
                    log.warning("key `%s` stays on its old pepper for now: %s", key, error.message)
                finally:
                    del self._waiting[key]
            self._some.clear()
