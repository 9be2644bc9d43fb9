"""Hot counters: rates, parallel requests and budgets. One atomic call reserves, one settles."""

from typing import Protocol

import msgspec

from appliance.domain.identity import Window
from appliance.domain.ids import KeyId


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may take from one key's allowances. A limit of None is not checked but still counted."""

    key: KeyId
    tokens: int  # upper bound, prompt and answer
    cost: int  # micros, upper bound
    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None
    budget: int | None = None  # micros within `window`
    budget_tokens: int | None = None
    window: Window = Window.TOTAL


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing was reserved. `resets_in` in seconds, None when it never does by itself."""

    limit: str  # rpm | tpm | parallel | budget | budget_tokens
    allowed: int
    used: int
    resets_in: float | None


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation that must be settled exactly once."""

    id: int
    hold: Hold


class Counters(Protocol):
    async def reserve(self, hold: Hold) -> Ticket | Refusal:
        """All or nothing, atomically. Raises StoreUnavailable when counters cannot be trusted."""
        ...

    async def settle(self, ticket: Ticket, tokens: int, cost: int) -> None:
        """Replace what was held by what was used, and free the slot. Settling a ticket twice does nothing.

        Not interrupted by cancellation: the caller may be a task whose client has just left.
        """
        ...

    async def seed(self, key: KeyId, window: Window, cost: int, tokens: int) -> None:
        """Set what was spent in the current window before this process began (from the ledger's roll-ups)."""
        ...
