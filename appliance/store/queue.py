"""The ledger's writer: rows are queued on the event loop and written in batches by a thread of its own.

A batch goes out when it holds `BATCH` rows or its first row is `INTERVAL` old, whichever is sooner. A row is given up
only after it is durable: when the disk is full or broken the batch stays in memory, `healthy` turns False (the gateway
then refuses new work) and writing is tried again until it succeeds.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from pathlib import Path
from typing import TypeVar

import msgspec

from appliance.domain.errors import StoreUnavailable
from appliance.domain.ledger import LedgerRow
from appliance.ports.clock import Clock
from appliance.store.failures import reason, translated
from appliance.store.ledger_file import LedgerFile

BATCH = 100  # rows
INTERVAL = 0.1  # seconds; with a write's own time well below the 250 ms that may be lost at kill -9
LARGEST = 5_000  # rows in one transaction, so that a long backlog does not hold the file for seconds
RETRY = (0.25, 0.5, 1.0, 2.0)  # seconds between tries; the last is repeated
PATIENCE = 5.0  # seconds that a stop goes on trying

log = logging.getLogger(__name__)

Work = TypeVar("Work")


class LedgerQueue:
    """Satisfies `ports.ledger.LedgerWriter`. Used from one event loop: `start` before the first row, `stop` last."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        interval: float = INTERVAL,
        retry: tuple[float, ...] = RETRY,
        patience: float = PATIENCE,
    ) -> None:
        self._file = LedgerFile(path, clock)
        self._interval = interval
        self._retry = retry
        self._patience = patience
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._waiting: list[LedgerRow] = []
        self._in_hand: list[LedgerRow] = []  # the batch being written
        self._recorded = 0
        self._lost = 0  # given up: in the log instead
        self._some = asyncio.Event()  # a row waits, or the end has come
        self._due = asyncio.Event()  # do not wait for more rows
        self._tried = asyncio.Event()  # set and replaced after every try
        self._able = True
        self._stop_by: float | None = None  # loop time; None: not stopping
        self._task: asyncio.Task[None] | None = None

    @property
    def healthy(self) -> bool:
        """False while rows cannot be made durable, before `start`, after `stop`, and when the writer has died."""
        return self._able and self._task is not None and not self._task.done()

    @property
    def backlog(self) -> int:
        """Rows that are not durable yet."""
        return len(self._waiting) + len(self._in_hand)

    def record(self, row: LedgerRow) -> None:
        self._waiting.append(row)
        self._recorded += 1
        if not self._some.is_set():
            self._some.set()
        if len(self._waiting) >= BATCH:
            self._due.set()
        if self._task is not None and self._task.done():
            self._give_up()

    async def start(self) -> str | None:
        """Begin a run; the answer says so when the last one did not end cleanly. Raises StoreUnavailable."""
        with translated("the ledger"):
            unclean = await self._in_thread(self._file.begin_run)
        self._task = asyncio.get_running_loop().create_task(self._write_until_stopped(), name="ledger writer")
        self._task.add_done_callback(self._ended)
        return unclean

    async def flush(self) -> None:
        """Return once every row recorded so far is durable. Raises StoreUnavailable when that cannot be had now."""
        target = self._recorded
        while self._recorded - self.backlog - self._lost < target:
            if not self.healthy:
                raise StoreUnavailable(f"{self.backlog + self._lost} ledger rows cannot be written; the log says why")
            self._due.set()
            await self._tried.wait()

    async def stop(self) -> None:
        """Write everything, then mark the run as cleanly stopped. Doing it twice does nothing.

        Raises StoreUnavailable when rows could not be written in time; they then stand in the log, as JSON.
        """
        if self._stop_by is not None:
            return
        self._stop_by = asyncio.get_running_loop().time() + self._patience
        if self._task is None:  # never started, or the start has failed half way
            await self._in_thread(self._file.close)
            self._thread.shutdown(wait=False)
            return
        self._some.set()
        self._due.set()
        await asyncio.wait([self._task])
        try:
            if self._lost or self.backlog:
                self._give_up()
                raise StoreUnavailable(f"{self._lost} ledger rows could not be written; they stand in the log, as JSON")
            with translated("the ledger"):
                await self._in_thread(self._file.end_run)
        finally:
            await self._in_thread(self._file.close)
            self._thread.shutdown(wait=False)

    async def _write_until_stopped(self) -> None:
        while True:
            await self._some.wait()
            if not self._due.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._interval):
                        await self._due.wait()
            self._take()
            if self._in_hand:
                await self._write()
            if self._stop_by is not None and not self._waiting:
                return

    def _take(self) -> None:
        self._in_hand, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
        if self._stop_by is None and len(self._waiting) < BATCH:
            self._due.clear()
            if not self._waiting:
                self._some.clear()

    async def _write(self) -> None:
        """Returns only when the rows in hand are durable. Raises StoreUnavailable when a stop has waited enough."""
        for delay in chain(self._retry, repeat(self._retry[-1])):
            try:
                await self._in_thread(self._file.append, self._in_hand)
            except sqlite3.Error as error:
                self._refused(error)
            else:
                self._written()
                return
            if self._stop_by is not None and asyncio.get_running_loop().time() >= self._stop_by:
                raise StoreUnavailable("the ledger could not be written before the stop")
            await asyncio.sleep(delay)

    def _written(self) -> None:
        self._in_hand = []
        if not self._able:
            self._able = True
            log.warning("the ledger can be written again; %d rows wait", len(self._waiting))
        self._wake()

    def _refused(self, error: sqlite3.Error) -> None:
        if self._able:
            self._able = False
            log.error(
                "the ledger cannot be written: %s; %d rows wait in memory and new work is refused",
                reason(error),
                self.backlog,
            )
        self._wake()

    def _wake(self) -> None:
        self._tried.set()
        self._tried = asyncio.Event()

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.critical("the ledger's writer has died with %d rows not written", self.backlog, exc_info=error)
        self._give_up()
        self._wake()

    def _give_up(self) -> None:
        """Nobody is left to write what waits: the log is the last place that can keep it. Nothing in it is secret."""
        for row in (*self._in_hand, *self._waiting):
            log.critical("ledger row not written: %s", msgspec.json.encode(row).decode())
            self._lost += 1
        self._in_hand, self._waiting = [], []

    def _in_thread(self, work: Callable[..., Work], *args: object) -> asyncio.Future[Work]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
