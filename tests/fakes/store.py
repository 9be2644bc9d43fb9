"""A store in memory: one dictionary a table, one copy a transaction."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec

from appliance.domain.errors import Conflict, StoreUnavailable
from appliance.domain.events import Event
from appliance.domain.identity import Key
from appliance.domain.ids import KeyId, ModelName
from appliance.domain.model import Model
from appliance.domain.money import Price
from appliance.ports.repositories import Snapshot, StoredPepper


class Tables(msgspec.Struct):
    keys: dict[KeyId, Key] = {}
    models: dict[ModelName, Model] = {}
    peppers: dict[int, StoredPepper] = {}
    default_price: Price | None = None
    events: list[Event] = []

    def copy(self) -> "Tables":
        return Tables(dict(self.keys), dict(self.models), dict(self.peppers), self.default_price, list(self.events))


class FakeUnit:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def keys(self) -> Sequence[Key]:
        return tuple(self._tables.keys.values())

    async def key(self, key: KeyId) -> Key | None:
        return self._tables.keys.get(key)

    async def save_key(self, key: Key) -> None:
        for other in self._tables.keys.values():
            if other.id == key.id:
                continue
            if other.digest == key.digest:
                raise Conflict("another key has this digest")
            if other.name == key.name and _holds_its_name(other) and _holds_its_name(key):
                raise Conflict(f"another live key is named `{key.name}`")
        self._tables.keys[key.id] = key

    async def models(self) -> Sequence[Model]:
        return tuple(self._tables.models.values())

    async def model(self, name: ModelName) -> Model | None:
        return self._tables.models.get(name)

    async def save_model(self, model: Model) -> None:
        self._tables.models[model.name] = model

    async def delete_model(self, name: ModelName) -> None:
        self._tables.models.pop(name, None)

    async def peppers(self) -> Sequence[StoredPepper]:
        return tuple(self._tables.peppers.values())

    async def save_pepper(self, pepper: StoredPepper) -> None:
        self._tables.peppers[pepper.version] = pepper

    async def delete_pepper(self, version: int) -> None:
        self._tables.peppers.pop(version, None)

    async def default_price(self) -> Price | None:
        return self._tables.default_price

    async def save_default_price(self, price: Price | None) -> None:
        self._tables.default_price = price

    async def add_event(self, event: Event) -> None:
        self._tables.events.append(event)


def _holds_its_name(key: Key) -> bool:
    return key.revoked_at is None and key.successor is None


class FakeStore:
    def __init__(self) -> None:
        self.tables = Tables()
        self.number = 1
        self.down = False  # every call raises StoreUnavailable
        self.snapshots = 0  # how often one was read

    def unit(self) -> AbstractAsyncContextManager[FakeUnit]:
        return self._unit()

    @asynccontextmanager
    async def _unit(self) -> AsyncIterator[FakeUnit]:
        self._answer()
        mine = self.tables.copy()
        yield FakeUnit(mine)
        self.tables = mine
        self.number += 1

    async def change_number(self) -> int:
        self._answer()
        return self.number

    async def snapshot(self) -> Snapshot:
        self._answer()
        self.snapshots += 1
        tables = self.tables
        return Snapshot(
            number=self.number,
            keys=tuple(tables.keys.values()),
            models=tuple(tables.models.values()),
            peppers=tuple(tables.peppers.values()),
            default_price=tables.default_price,
        )

    async def events(self, limit: int, action: str | None = None) -> Sequence[Event]:
        self._answer()
        return [event for event in reversed(self.tables.events) if action in {None, event.action}][:limit]

    async def add_event(self, event: Event) -> None:
        self._answer()
        self.tables.events.append(event)

    def _answer(self) -> None:
        if self.down:
            raise StoreUnavailable("the store does not answer", retry_after=5)


class FakeEventSink:
    def __init__(self) -> None:
        self.noted: list[Event] = []

    def note(self, event: Event) -> None:
        self.noted.append(event)
