"""A store in memory: one dictionary a table, one copy a transaction. Held to `tests/contract/test_store.py`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec

from appliance.domain.errors import BadRequest, Conflict, StoreUnavailable
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

    def in_order(self) -> tuple[tuple[Key, ...], tuple[Model, ...], tuple[StoredPepper, ...]]:
        """Keys by age, models by name, peppers by version."""
        return (
            tuple(sorted(self.keys.values(), key=lambda key: (key.created_at, key.id))),
            tuple(self.models[name] for name in sorted(self.models)),
            tuple(self.peppers[version] for version in sorted(self.peppers)),
        )


class FakeUnit:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def keys(self) -> Sequence[Key]:
        return self._tables.in_order()[0]

    async def key(self, key: KeyId) -> Key | None:
        return self._tables.keys.get(key)

    async def save_key(self, key: Key) -> None:
        for other in self._tables.keys.values():
            if other.id == key.id:
                continue
            if other.digest == key.digest:
                raise Conflict(f"key `{key.id}` is in the store already under another id")
            if other.name == key.name and _holds_its_name(other) and _holds_its_name(key):
                raise Conflict(f"another live key is named `{key.name}`")
        self._tables.keys[key.id] = key

    async def delete_key(self, key: KeyId) -> None:
        self._tables.keys.pop(key, None)

    async def models(self) -> Sequence[Model]:
        return self._tables.in_order()[1]

    async def model(self, name: ModelName) -> Model | None:
        return self._tables.models.get(name)

    async def save_model(self, model: Model) -> None:
        for deployment in model.deployments:
            if deployment.model != model.name:
                raise BadRequest(f"deployment `{deployment.id}` does not belong to model `{model.name}`")
        if len({deployment.label for deployment in model.deployments}) < len(model.deployments):
            raise Conflict(f"model `{model.name}` has two deployments of one label")
        kept = tuple(msgspec.structs.replace(deployment, secret=None) for deployment in model.deployments)
        self._tables.models[model.name] = msgspec.structs.replace(model, deployments=kept)

    async def delete_model(self, name: ModelName) -> None:
        self._tables.models.pop(name, None)

    async def peppers(self) -> Sequence[StoredPepper]:
        return self._tables.in_order()[2]

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
        self._turn = asyncio.Lock()

    def unit(self) -> AbstractAsyncContextManager[FakeUnit]:
        return self._unit()

    @asynccontextmanager
    async def _unit(self) -> AsyncIterator[FakeUnit]:
        self._answer()
        async with self._turn:
            mine = self.tables.copy()
            yield FakeUnit(mine)
            if any(key.successor not in {None, *mine.keys} for key in mine.keys.values()):
                raise Conflict("a successor is no key")
            self.tables = mine
            self.number += 1

    async def change_number(self) -> int:
        self._answer()
        return self.number

    async def snapshot(self) -> Snapshot:
        self._answer()
        self.snapshots += 1
        keys, models, peppers = self.tables.in_order()
        return Snapshot(
            number=self.number, keys=keys, models=models, peppers=peppers, default_price=self.tables.default_price
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
