"""Where rows go, and what is asked of them."""

from datetime import datetime
from typing import Protocol

import msgspec

from appliance.domain.ids import KeyId
from appliance.domain.ledger import LedgerRow


class LedgerWriter(Protocol):
    """Accepts rows off the hot path. `healthy` is False while rows cannot be made durable: new work is then refused."""

    @property
    def healthy(self) -> bool: ...

    def record(self, row: LedgerRow) -> None:
        """Queue a row; returns at once, never raises, never drops."""
        ...


class SpendLine(msgspec.Struct, frozen=True, kw_only=True):
    """A sum over ledger rows. Columns not grouped by are None."""

    day: str | None = None  # YYYY-MM-DD, UTC
    hour: str | None = None  # YYYY-MM-DDTHH, UTC
    key_id: KeyId | None = None
    model: str | None = None
    requests: int
    failed: int
    prompt: int
    completion: int
    cached: int
    reasoning: int
    cost: int  # micros
    unpriced: int  # requests whose cost is 0 by declaration
    estimated: int  # requests whose tokens the gateway counted itself


class SpendReader(Protocol):
    async def spend(
        self, by: tuple[str, ...], since: datetime | None, until: datetime | None, key: KeyId | None = None
    ) -> list[SpendLine]:
        """Sums from the roll-ups, grouped by any of `key model day hour`."""
        ...

    async def rows(self, limit: int, key: KeyId | None = None) -> list[LedgerRow]:
        """The latest rows, newest first."""
        ...

    async def spent(self, key: KeyId, since: datetime | None) -> tuple[int, int]:
        """(micros, tokens) that a key has spent since the start of an hour."""
        ...
