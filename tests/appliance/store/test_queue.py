"""The ledger's writer: what it promises when all is well, when the disk is full, and when it is killed."""

import asyncio
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.domain.errors import StoreUnavailable
from appliance.domain.ids import Micros
from appliance.domain.ledger import LedgerRow
from appliance.domain.usage import Usage
from appliance.store import ledger_file
from appliance.store.engine import Durability, connect
from appliance.store.ledger_file import LedgerFile
from appliance.store.queue import BATCH, INTERVAL, LedgerQueue
from appliance.store.tables.ledger import SUMS
from tests.appliance.store.sites import a_row
from tests.fakes.clock import FakeClock

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


class Disk:
    """Stands between the writer and its file: it can be full, or fail at a statement of our choice."""

    def __init__(self) -> None:
        self.full = False
        self.fail_at: str | None = None
        self.connections = 0
        self.closed = 0

    def connect(self, path: Path, durability: Durability) -> Any:
        self.connections += 1
        connection = connect(path, durability)
        if self.full:
            [pages] = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite itself then answers SQLITE_FULL
        return Failing(connection, self)


class Failing:
    """A connection that carries a statement out and then says that it failed, as a dying disk may."""

    def __init__(self, connection: sqlite3.Connection, disk: Disk) -> None:
        self._connection = connection
        self._disk = disk

    def execute(self, statement: str, *values: Any) -> Any:
        answer = self._connection.execute(statement, *values)
        if self._disk.fail_at is not None and statement.startswith(self._disk.fail_at):
            self._disk.fail_at = None
            raise sqlite3.OperationalError("disk I/O error")
        return answer

    def executemany(self, statement: str, values: Any) -> Any:
        return self._connection.executemany(statement, values)

    def close(self) -> None:
        self._disk.closed += 1
        self._connection.close()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(ledger_file, "connect", disk.connect)
    return disk


def a_queue(data_dir: Path, clock: FakeClock, **changes: Any) -> LedgerQueue:
    return LedgerQueue(data_dir / "ledger.db", clock, **{"interval": 0.005, "retry": (0.005,), **changes})


def rows_in(data_dir: Path) -> list[int]:
    """Numbers of the rows, in the order they were written."""
    with closing(sqlite3.connect(data_dir / "ledger.db")) as connection:
        return [int(name[4:], 16) for (name,) in connection.execute("SELECT request_id FROM rows ORDER BY id")]


def assert_sums_agree(data_dir: Path) -> None:
    """Roll-ups equal the sums of the rows, and the run's marker their number."""
    of_rows = (
        "count(*), sum(status = 'failed'), sum(prompt), sum(completion), sum(cached), sum(reasoning), "
        "sum(cost), sum(unpriced), sum(estimated)"
    )
    of_sums = ", ".join(f"sum({name})" for name in SUMS)
    with closing(sqlite3.connect(data_dir / "ledger.db")) as connection:
        expected = connection.execute(f"SELECT {of_rows} FROM rows").fetchone()
        assert connection.execute(f"SELECT {of_sums} FROM hours").fetchone() == expected
        assert connection.execute(f"SELECT {of_sums} FROM days").fetchone() == expected
        assert connection.execute("SELECT sum(rows) FROM runs").fetchone()[0] == expected[0]


async def until(queue: LedgerQueue, *, healthy: bool) -> None:
    while queue.healthy is not healthy:  # noqa: ASYNC110  # the port has no event for it
        await asyncio.sleep(0)


async def written(queue: LedgerQueue) -> None:
    """Wait without asking: a flush would hurry the writer, or raise at a failure."""
    while queue.backlog:  # noqa: ASYNC110  # nobody is told when the writer is done
        await asyncio.sleep(0.001)


async def test_a_lone_row_is_written_without_waiting_for_others(data_dir: Path, clock: FakeClock) -> None:
    queue = a_queue(data_dir, clock)
    await queue.start()

    queue.record(a_row(1))
    await written(queue)

    assert rows_in(data_dir) == [1]
    await queue.stop()


async def test_a_full_batch_does_not_wait_for_the_interval(data_dir: Path, clock: FakeClock) -> None:
    queue = a_queue(data_dir, clock, interval=3600.0)
    await queue.start()

    for number in range(BATCH):
        queue.record(a_row(number))
    await written(queue)

    assert rows_in(data_dir) == list(range(BATCH))
    await queue.stop()


def test_the_interval_leaves_room_within_what_a_kill_may_cost() -> None:
    assert INTERVAL <= 0.1


async def test_rows_are_written_in_the_order_they_were_recorded(data_dir: Path, clock: FakeClock) -> None:
    queue = a_queue(data_dir, clock)
    await queue.start()

    for number in range(12_345):
        queue.record(a_row(number))
    await queue.flush()

    assert rows_in(data_dir) == list(range(12_345))
    assert_sums_agree(data_dir)
    await queue.stop()


async def test_a_stop_writes_everything_and_closes_the_run(data_dir: Path, clock: FakeClock) -> None:
    queue = a_queue(data_dir, clock, interval=3600.0)
    await queue.start()
    for number in range(BATCH - 1):
        queue.record(a_row(number))

    await queue.stop()

    assert rows_in(data_dir) == list(range(BATCH - 1))
    assert not queue.healthy
    again = a_queue(data_dir, clock)
    assert await again.start() is None
    await again.stop()


async def test_a_start_that_fails_leaves_nothing_open(data_dir: Path, clock: FakeClock, disk: Disk) -> None:
    queue = a_queue(data_dir, clock)
    disk.fail_at = "INSERT INTO runs"
    with pytest.raises(StoreUnavailable):
        await queue.start()

    await queue.stop()
    await queue.stop()

    assert disk.closed == disk.connections == 1


async def test_a_stop_at_once_after_the_start_is_clean(data_dir: Path, clock: FakeClock) -> None:
    queue = a_queue(data_dir, clock)
    await queue.start()
    await queue.stop()
    await queue.stop()

    again = a_queue(data_dir, clock)
    assert await again.start() is None
    await again.stop()


async def test_a_full_disk_keeps_rows_in_memory_and_writes_them_when_there_is_room(
    data_dir: Path, clock: FakeClock, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    queue = a_queue(data_dir, clock)
    disk.full = True
    await queue.start()
    for number in range(500):
        queue.record(a_row(number))

    await until(queue, healthy=False)
    with pytest.raises(StoreUnavailable, match="500 ledger rows"):
        await queue.flush()
    for number in range(500, 700):
        queue.record(a_row(number))
    assert rows_in(data_dir) == []
    disk.full = False
    await until(queue, healthy=True)
    await written(queue)

    assert rows_in(data_dir) == list(range(700))
    assert_sums_agree(data_dir)
    [said] = [record.message for record in caplog.records if "disk is full" in record.message]
    assert said == (
        "the ledger cannot be written: the disk is full; make room, the gateway goes on by itself; "
        "500 rows wait in memory and new work is refused"
    )
    await queue.stop()


@pytest.mark.parametrize("statement", ["BEGIN", "UPDATE runs", "COMMIT"])
async def test_a_write_that_fails_anywhere_is_repeated_and_never_doubled(
    data_dir: Path, clock: FakeClock, disk: Disk, statement: str
) -> None:
    """`COMMIT` is the subtle one: it has taken place, and says that it has not."""
    queue = a_queue(data_dir, clock)
    await queue.start()
    queue.record(a_row(1))
    await queue.flush()

    disk.fail_at = statement
    for number in range(2, 50):
        queue.record(a_row(number))
    await written(queue)

    assert not disk.fail_at
    assert rows_in(data_dir) == list(range(1, 50))
    assert_sums_agree(data_dir)
    await queue.stop()


async def test_a_stop_on_a_full_disk_puts_the_rows_into_the_log_and_leaves_the_run_open(
    data_dir: Path, clock: FakeClock, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    queue = a_queue(data_dir, clock, patience=0.02)
    disk.full = True
    await queue.start()
    rows = [a_row(number) for number in range(300)]
    for row in rows:
        queue.record(row)

    with pytest.raises(StoreUnavailable, match="300 ledger rows"):
        await queue.stop()

    spilled = [record.message.partition(": ")[2] for record in caplog.records if "row not written" in record.message]
    assert [msgspec.json.decode(line, type=LedgerRow) for line in spilled] == rows
    disk.full = False
    again = a_queue(data_dir, clock)
    assert await again.start() is not None
    await again.stop()


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (a_row(1, model="\ud800m"), ("?m", 7)),
        (a_row(1, cost=Micros(2**70)), ("llama", 2**53)),
        (a_row(1, usage=Usage(2**64, 1)), ("llama", 7)),
        (a_row(1, overhead_ms=float("nan")), ("llama", 7)),
    ],
    ids=["surrogate", "cost", "tokens", "nan"],
)
async def test_one_row_that_no_database_can_hold_does_not_keep_the_others_out(
    data_dir: Path, clock: FakeClock, row: LedgerRow, found: tuple[str, int]
) -> None:
    queue = a_queue(data_dir, clock)
    await queue.start()

    for each in (a_row(0), row, a_row(2)):
        queue.record(each)
    await queue.flush()

    assert rows_in(data_dir) == [0, 1, 2]
    assert queue.healthy
    with closing(sqlite3.connect(data_dir / "ledger.db")) as connection:
        assert connection.execute("SELECT model, cost FROM rows WHERE id = 2").fetchone() == found
    assert_sums_agree(data_dir)
    await queue.stop()


async def test_the_death_of_the_writer_is_loud_and_nothing_is_silently_kept(
    data_dir: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def die(self: LedgerFile, batch: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(LedgerFile, "append", die)
    queue = a_queue(data_dir, clock)
    await queue.start()
    queue.record(a_row(1))
    await until(queue, healthy=False)

    queue.record(a_row(2))
    with pytest.raises(StoreUnavailable):
        await queue.flush()
    with pytest.raises(StoreUnavailable, match="2 ledger rows"):
        await queue.stop()

    critical = [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL]
    assert sum("the ledger's writer has died" in message for message in critical) == 1
    assert sum(a_row(1).request_id in message for message in critical) == 1
    assert sum(a_row(2).request_id in message for message in critical) == 1


def child(name: str, data_dir: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.appliance.store.{name}", str(data_dir)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def recorded(process: subprocess.Popen[str]) -> Iterator[tuple[int, float]]:
    """(row, when) as the child says it, just before it records the row."""
    assert process.stdout is not None
    for line in process.stdout:
        number, when = line.split()
        yield int(number), float(when)


def kill_in_full_flight(data_dir: Path, rows: int) -> tuple[list[tuple[int, float]], float]:
    with child("child_killed", data_dir) as process:
        said = []
        for number, when in recorded(process):
            said.append((number, when))
            if number == rows:
                killed = time.monotonic()
                os.kill(process.pid, signal.SIGKILL)
                break
        said.extend(recorded(process))  # what was in the pipe
    return said, killed


async def test_a_kill_costs_at_most_the_last_quarter_of_a_second_and_is_reported(
    tmp_path: Path, data_dir: Path, clock: FakeClock
) -> None:
    """Three tries for the time alone, since this machine may stand still; whatever was written must always agree."""
    missing: list[float] = []
    for attempt in range(3):
        said, killed = await asyncio.to_thread(kill_in_full_flight, data_dir, 150)
        found = {*rows_in(data_dir)}
        base = attempt * 100_000
        lost = [killed - when for number, when in said if base + number not in found and when < killed]
        assert_sums_agree(data_dir)
        queue = a_queue(data_dir, clock)
        unclean = await queue.start()
        await queue.stop()
        assert unclean is not None
        written = sum(base <= number < base + 100_000 for number in found)
        assert f"with {written} ledger rows written" in unclean
        missing.append(max(lost, default=0.0))
        if missing[-1] <= 0.25:
            return
    pytest.fail(f"rows were lost that were {missing} seconds old")


def test_a_disk_limit_in_a_process_of_its_own_loses_nothing(data_dir: Path) -> None:
    with child("child_limited", data_dir) as process:
        output, _ = process.communicate(timeout=60)

    assert (process.returncode, output.split()) == (0, ["refused", "recovered"])
    assert rows_in(data_dir) == list(range(3_000))
    assert_sums_agree(data_dir)
