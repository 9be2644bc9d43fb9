"""Counters begin where the ledger left off: what each key has spent in its current window."""

from collections.abc import Mapping

from appliance.domain.calendar import window_start
from appliance.domain.identity import Window
from appliance.domain.ids import KeyId
from appliance.pipeline.catalogue import Catalogue
from appliance.ports.clock import Clock
from appliance.ports.counters import Counters
from appliance.ports.ledger import SpendReader


class BudgetSeeder:
    """Called with every new catalogue. A key is seeded when it first has a budget, and when its window changes."""

    def __init__(self, counters: Counters, spend: SpendReader, clock: Clock) -> None:
        self._counters = counters
        self._spend = spend
        self._clock = clock
        self._seeded: dict[KeyId, Window] = {}

    async def __call__(self, catalogue: Catalogue) -> None:
        """Raises StoreUnavailable: a budget that cannot be known must not begin at zero."""
        budgeted = {
            who.key.id: who.key.limits.window
            for who in catalogue.ring.principals()
            if who.key.limits.budget is not None or who.key.limits.budget_tokens is not None
        }
        before = {who.key.successor: who.key.id for who in catalogue.ring.principals() if who.key.successor}
        for key, window in budgeted.items():
            if self._seeded.get(key) is not window:
                cost, tokens = await self._spent(key, before, window)
                await self._counters.seed(key, window, cost, tokens)
                self._seeded[key] = window
        self._seeded = {key: window for key, window in self._seeded.items() if key in budgeted}

    async def _spent(self, key: KeyId, before: Mapping[KeyId, KeyId], window: Window) -> tuple[int, int]:
        """What a key and the keys it took over from have spent: a rotation is no way to a fresh budget."""
        since = window_start(window, self._clock.now())
        cost, tokens = 0, 0
        seen: set[KeyId] = set()
        one: KeyId | None = key
        while one is not None and one not in seen:
            seen.add(one)
            spent = await self._spend.spent(one, since)
            cost, tokens = cost + spent[0], tokens + spent[1]
            one = before.get(one)
        return cost, tokens
