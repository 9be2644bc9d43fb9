"""Opening a data folder: as the one gateway that serves it, or as a verb that visits it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine

from appliance.ports.clock import Clock
from appliance.store.change_number import ChangeNumber
from appliance.store.engine import Durability, async_engine
from appliance.store.folder import DataFolder
from appliance.store.lock import hold_alone, hold_shared
from appliance.store.queue import LedgerQueue
from appliance.store.schema import Database, check
from appliance.store.sink import QueuedEvents
from appliance.store.spend import SqlSpend
from appliance.store.unit import SqlStore

CONNECTIONS = 4  # to each database: a hard cap, each is a thread
BEING_REPLACED = "the data folder `{}` is being restored or migrated; try again when that is done"


class Visited:
    """The databases of a data folder, beside a gateway that may be running. Close it, or use `async with`."""

    def __init__(self, store: SqlStore, spend: SqlSpend, stack: AsyncExitStack) -> None:
        self.store = store
        self.spend = spend
        self._stack = stack

    async def close(self) -> None:
        """Doing it twice does nothing."""
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


class Opened(Visited):
    """The databases as the gateway serves them. `close` writes what is queued, and marks the run as cleanly stopped.

    `unclean` says, in a sentence for log and operator, that the last run did not end so; None when it did.
    """

    def __init__(
        self, visited: Visited, ledger: LedgerQueue, events: QueuedEvents, unclean: str | None, stack: AsyncExitStack
    ) -> None:
        super().__init__(visited.store, visited.spend, stack)
        self.ledger = ledger
        self.events = events
        self.unclean = unclean


async def open_for_serving(data_dir: Path, clock: Clock) -> Opened:
    """Open a data folder as the gateway that serves it, and begin a run.

    Raises ConfigError (no store here, wrong schema, network file system, rights that cannot be mended), Conflict
    (another gateway serves it, or it is being replaced) and StoreUnavailable.
    """
    folder = DataFolder(data_dir)
    folder.check()
    async with AsyncExitStack() as stack:
        lock = hold_alone(folder.gateway_lock, f"another gateway serves `{data_dir}` already; stop it first")
        stack.callback(lock.release)
        visited = await visit(data_dir)
        stack.push_async_callback(visited.close)
        ledger = LedgerQueue(folder.ledger, clock)
        stack.push_async_callback(ledger.stop)
        unclean = await ledger.start()
        events = QueuedEvents(visited.store, clock)
        events.start()
        stack.push_async_callback(events.stop)
        return Opened(visited, ledger, events, unclean, stack.pop_all())


async def visit(data_dir: Path) -> Visited:
    """Open a data folder to read and change it, whether or not a gateway serves it. Raises as `open_for_serving`."""
    folder = DataFolder(data_dir)
    folder.check()
    async with AsyncExitStack() as stack:
        lock = hold_shared(folder.use_lock, BEING_REPLACED.format(data_dir))
        stack.callback(lock.release)
        store = await stack.enter_async_context(_engine(folder.store, "FULL", "store"))
        ledger = await stack.enter_async_context(_engine(folder.ledger, "NORMAL", "ledger"))
        number = ChangeNumber(folder.store)
        stack.push_async_callback(number.close)
        return Visited(SqlStore(store, number), SqlSpend(ledger), stack.pop_all())


@asynccontextmanager
async def _engine(file: Path, durability: Durability, database: Database) -> AsyncIterator[AsyncEngine]:
    engine = async_engine(file, durability, connections=CONNECTIONS, query_only=database == "ledger")
    try:
        await check(engine, database)
        yield engine
    finally:
        await engine.dispose()
