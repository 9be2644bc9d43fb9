"""ledger.db as its one writer sees it. Blocking: everything here runs in the writer's own thread.

Not through an async engine: a flush would then cost one hop between threads for each of its six statements.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from appliance.domain.ledger import LedgerRow
from appliance.ports.clock import Clock
from appliance.store import rollup
from appliance.store.engine import connect
from appliance.store.moments import micros, moment
from appliance.store.row import mended, stored
from appliance.store.tables.ledger import days, hours

# What a row that no database can hold raises; everything else of sqlite3 is the disk's or the file's fault.
UNFIT = (
    OverflowError,
    UnicodeEncodeError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


class LedgerFile:
    """Connects when first needed, and anew after every failure."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._run: int | None = None
        self._rows = 0  # of this run, known to be durable
        self._doubtful = False  # the last write failed, perhaps after its commit
        self._insert = rollup.insert_rows()
        self._add_hours = rollup.add_to(hours)
        self._add_days = rollup.add_to(days)

    def begin_run(self) -> str | None:
        """Write the marker of this run. Says so when the run before it left its own open. Raises sqlite3.Error."""
        now = micros(self._clock.now())
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        with _rolled_back_on_error(connection):
            last = connection.execute("SELECT seen_at, rows, stopped_at FROM runs ORDER BY id DESC LIMIT 1").fetchone()
            # Closed now, so that the same end is not reported twice.
            connection.execute("UPDATE runs SET stopped_at = seen_at WHERE stopped_at IS NULL")
            cursor = connection.execute("INSERT INTO runs (started_at, seen_at, rows) VALUES (?, ?, 0)", (now, now))
            connection.execute("COMMIT")
        self._run = cursor.lastrowid
        if last is None or last[2] is not None:
            return None
        seen = moment(last[0]).isoformat(timespec="milliseconds")
        return (
            f"the last run ended without a clean stop at or after {seen}, "
            f"with {last[1]} ledger rows written; at most the last 250 ms of rows may be missing, "
            "and more only if the disk was full or failing, or the machine lost its power"
        )

    def append(self, batch: Sequence[LedgerRow]) -> None:
        """Rows, sums and the run's marker in one transaction: all or nothing, and never twice. Raises sqlite3.Error.

        After a failure hand over the same batch again.
        """
        try:
            if not (self._doubtful and self._arrived(len(batch))):
                self._write(batch)
        except sqlite3.Error:
            self._doubtful = True
            self.close()
            raise
        self._doubtful = False
        self._rows += len(batch)

    def end_run(self) -> None:
        """Close the marker: this was a clean stop. Raises sqlite3.Error."""
        now = micros(self._clock.now())
        self._connected().execute("UPDATE runs SET seen_at = ?, stopped_at = ? WHERE id = ?", (now, now, self._run))

    def close(self) -> None:
        """Drop the connection, and with it any open transaction. Never raises."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _arrived(self, rows: int) -> bool:
        """True when a commit that reported an error has taken place all the same."""
        query = self._connected().execute("SELECT rows FROM runs WHERE id = ?", (self._run,))
        return bool(query.fetchone() == (self._rows + rows,))

    def _write(self, batch: Sequence[LedgerRow]) -> None:
        try:
            self._commit(batch)
        except UNFIT:
            self._commit([mended(row) for row in batch])

    def _commit(self, batch: Sequence[LedgerRow]) -> None:
        by_hour = rollup.by_hour(batch)
        rows = [stored(row) for row in batch]
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        with _rolled_back_on_error(connection):
            connection.executemany(self._insert, rows)
            connection.executemany(self._add_hours, by_hour)
            connection.executemany(self._add_days, rollup.by_day(by_hour))
            connection.execute(
                "UPDATE runs SET seen_at = ?, rows = rows + ? WHERE id = ?",
                (micros(self._clock.now()), len(rows), self._run),
            )
            connection.execute("COMMIT")

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path, "NORMAL")
        return self._connection


@contextmanager
def _rolled_back_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        # SQLite may have rolled back by itself (a full disk), and a broken disk may refuse even this.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
