"""The store: transactions over store.db, and what may be read without one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from appliance.domain.errors import StoreUnavailable
from appliance.domain.events import Event
from appliance.domain.identity import Key
from appliance.domain.ids import KeyId, ModelName
from appliance.domain.model import Model
from appliance.domain.money import Price
from appliance.ports.repositories import Snapshot, StoredPepper, Unit
from appliance.store.change_number import ChangeNumber
from appliance.store.engine import BUSY
from appliance.store.failures import translated
from appliance.store.repos import change, events, keys, models, peppers, settings


class SqlUnit:
    """One open transaction. Satisfies `ports.repositories.Unit`; not to be kept after the block."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def keys(self) -> Sequence[Key]:
        return await keys.read_all(self._connection)

    async def key(self, key: KeyId) -> Key | None:
        return await keys.read(self._connection, key)

    async def save_key(self, key: Key) -> None:
        await keys.save(self._connection, key)

    async def delete_key(self, key: KeyId) -> None:
        await keys.remove(self._connection, key)

    async def models(self) -> Sequence[Model]:
        return await models.read_all(self._connection)

    async def model(self, name: ModelName) -> Model | None:
        return await models.read(self._connection, name)

    async def save_model(self, model: Model) -> None:
        await models.save(self._connection, model)

    async def delete_model(self, name: ModelName) -> None:
        await models.remove(self._connection, name)

    async def peppers(self) -> Sequence[StoredPepper]:
        return await peppers.read_all(self._connection)

    async def save_pepper(self, pepper: StoredPepper) -> None:
        await peppers.save(self._connection, pepper)

    async def delete_pepper(self, version: int) -> None:
        await peppers.remove(self._connection, version)

    async def default_price(self) -> Price | None:
        return await settings.read_default_price(self._connection)

    async def save_default_price(self, price: Price | None) -> None:
        await settings.save_default_price(self._connection, price)

    async def add_event(self, event: Event) -> None:
        await events.append(self._connection, [event])


class SqlStore:
    """Satisfies `ports.repositories.Store` over one SQLite file."""

    def __init__(self, engine: AsyncEngine, number: ChangeNumber) -> None:
        self._number = number
        self._reading = engine
        self._writing = engine.execution_options(begin="IMMEDIATE")
        # Writers of this process queue here and not in SQLite's busy handler, which starves the unlucky.
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[Unit]:
        """A write transaction. Raises StoreUnavailable after `BUSY` seconds without a turn; never nest two."""
        async with self._write() as connection:
            yield SqlUnit(connection)
            await change.advance(connection)

    async def change_number(self) -> int:
        return await self._number.read()

    async def snapshot(self) -> Snapshot:
        async with self._read() as connection:
            try:
                return Snapshot(
                    number=await change.read(connection),
                    keys=tuple(await keys.read_all(connection)),
                    models=tuple(await models.read_all(connection)),
                    peppers=tuple(await peppers.read_all(connection)),
                    default_price=await settings.read_default_price(connection),
                )
            except (ArithmeticError, ValueError) as error:  # a word or a number that no release wrote
                raise StoreUnavailable(f"the store holds an entry that this release cannot read: {error}") from error

    async def events(self, limit: int, action: str | None = None) -> Sequence[Event]:
        async with self._read() as connection:
            return await events.read_latest(connection, limit, action)

    async def add_event(self, event: Event) -> None:
        await self.add_events([event])

    async def add_events(self, new: Sequence[Event]) -> None:
        """All or none, in one transaction. Does not raise the change number."""
        async with self._write() as connection:
            await events.append(connection, new)

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with asyncio.timeout(BUSY):
                await self._turn.acquire()
        except TimeoutError:
            raise StoreUnavailable("the store is busy with another change; try again") from None
        try:
            with translated("the store"):
                async with self._writing.begin() as connection:
                    yield connection
        finally:
            self._turn.release()

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection]:
        with translated("the store"):
            async with self._reading.begin() as connection:
                yield connection
