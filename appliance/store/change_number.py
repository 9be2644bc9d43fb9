"""The change number, read four times a second: one hop to a thread of its own, where a transaction takes six.

Through SQLAlchemy and its driver the same costs an idle gateway seven milliseconds of CPU a second.
"""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import select

from appliance.domain.errors import StoreUnavailable
from appliance.store.engine import connect
from appliance.store.failures import translated
from appliance.store.tables.store import change

_READ = str(select(change.c.number))


class ChangeNumber:
    """Reads what `repos.change` writes. Connects at its first use, and anew after every failure."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="change-number")
        self._connection: sqlite3.Connection | None = None

    async def read(self) -> int:
        """Raises StoreUnavailable."""
        with translated("the store"):
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._read)

    async def close(self) -> None:
        """Once; nothing is read afterwards."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    # In the thread

    def _read(self) -> int:
        try:
            if self._connection is None:
                self._connection = connect(self._path, "FULL")
            row = self._connection.execute(_READ).fetchone()
        except sqlite3.Error:
            self._disconnect()
            raise
        if row is None:
            raise StoreUnavailable("the store holds no change number; restore it from a backup")
        return int(row[0])

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
