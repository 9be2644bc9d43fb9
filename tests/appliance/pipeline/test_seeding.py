"""Budgets begin where the ledger left off."""

from datetime import datetime

from appliance.domain.identity import Key, Limits, Window
from appliance.domain.ids import KeyId, Micros
from appliance.domain.ledger import LedgerRow
from appliance.identity.ring import KeyRing
from appliance.pipeline.catalogue import Catalogue
from appliance.pipeline.seeding import BudgetSeeder
from appliance.ports.counters import Hold, Refusal, Ticket
from appliance.ports.ledger import SpendLine
from tests.fakes.clock import NOON, FakeClock


class Seeds:
    """Counters that remember what they were seeded with."""

    def __init__(self) -> None:
        self.seen: list[tuple[KeyId, Window, int, int]] = []

    async def reserve(self, hold: Hold) -> Ticket | Refusal:
        return Ticket(id=1, hold=hold)

    async def settle(self, ticket: Ticket, tokens: int, cost: int) -> None: ...

    async def seed(self, key: KeyId, window: Window, cost: int, tokens: int) -> None:
        self.seen.append((key, window, cost, tokens))


class Spent:
    """A ledger in which each key has spent what a table says."""

    def __init__(self, table: dict[str, tuple[int, int]]) -> None:
        self._table = table
        self.since: list[datetime | None] = []

    async def spend(
        self, by: tuple[str, ...], since: datetime | None, until: datetime | None, key: KeyId | None = None
    ) -> list[SpendLine]:
        return []

    async def rows(self, limit: int, key: KeyId | None = None) -> list[LedgerRow]:
        return []

    async def spent(self, key: KeyId, since: datetime | None) -> tuple[int, int]:
        self.since.append(since)
        return self._table.get(key, (0, 0))


def key(name: str, limits: Limits, successor: str | None = None) -> Key:
    return Key(
        id=KeyId(name),
        name=name,
        digest=name.encode(),
        pepper_version=1,
        hint=name,
        limits=limits,
        created_at=NOON,
        successor=KeyId(successor) if successor else None,
    )


def catalogue(*keys: Key) -> Catalogue:
    return Catalogue(number=1, ring=KeyRing(keys, {1: b"p"}, b"s"), models={}, default_price=None)


DAILY = Limits(budget=Micros(1000), window=Window.DAY)


async def test_a_budget_begins_with_what_its_window_has_seen() -> None:
    counters, spent = Seeds(), Spent({"a": (700, 70)})

    await BudgetSeeder(counters, spent, FakeClock())(catalogue(key("a", DAILY), key("free", Limits())))

    assert counters.seen == [(KeyId("a"), Window.DAY, 700, 70)]
    assert spent.since == [NOON.replace(hour=0)]


async def test_a_rotated_key_goes_on_with_the_budget_of_the_one_before() -> None:
    counters, spent = Seeds(), Spent({"first": (100, 1), "second": (20, 2), "third": (3, 3)})
    seeder = BudgetSeeder(counters, spent, FakeClock())

    await seeder(catalogue(key("first", Limits(), "second"), key("second", Limits(), "third"), key("third", DAILY)))

    assert counters.seen == [(KeyId("third"), Window.DAY, 123, 6)]


async def test_a_budget_is_seeded_again_only_when_its_window_changes() -> None:
    counters = Seeds()
    seeder = BudgetSeeder(counters, Spent({}), FakeClock())
    monthly = Limits(budget=Micros(1000), window=Window.MONTH)

    for limits in (DAILY, DAILY, monthly):
        await seeder(catalogue(key("a", limits)))

    assert [window for _, window, _, _ in counters.seen] == [Window.DAY, Window.MONTH]
