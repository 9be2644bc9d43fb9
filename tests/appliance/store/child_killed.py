"""A process that records rows until it is killed; it says each row's number and the time before it records it."""

import asyncio
import os
import sqlite3
import sys
import time
from contextlib import closing
from itertools import count
from pathlib import Path

from appliance.store.queue import LedgerQueue
from tests.appliance.store.sites import a_row
from tests.fakes.clock import FakeClock


async def main(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        [runs] = connection.execute("SELECT count(*) FROM runs").fetchone()
    queue = LedgerQueue(file, FakeClock())
    await queue.start()
    # Each try of the test leaves two runs: this one, and that of the test, which reads what it left.
    base = runs // 2 * 100_000
    for number in count():
        os.write(1, f"{number} {time.monotonic()}\n".encode())
        queue.record(a_row(base + number))
        await asyncio.sleep(0.005)  # far fewer rows than a batch in an interval: the interval alone decides


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) / "ledger.db"))
