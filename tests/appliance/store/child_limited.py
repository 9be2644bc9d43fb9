"""A process whose files may not grow: the kernel answers EFBIG in the middle of a write, as a full disk would."""

import asyncio
import resource
import sys
from pathlib import Path

from appliance.store.queue import LedgerQueue
from tests.appliance.store.sites import a_row
from tests.fakes.clock import FakeClock


async def until(queue: LedgerQueue, *, healthy: bool) -> None:
    while queue.healthy is not healthy:  # noqa: ASYNC110  # the port has no event for it
        await asyncio.sleep(0.001)


async def main(file: Path) -> None:
    queue = LedgerQueue(file, FakeClock(), interval=0.005, retry=(0.005,))
    await queue.start()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    for number in range(3_000):
        queue.record(a_row(number))
        if number % 100 == 0:
            await asyncio.sleep(0)
    await until(queue, healthy=False)
    print("refused")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await until(queue, healthy=True)
    await queue.flush()
    print("recovered")
    await queue.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) / "ledger.db"))
