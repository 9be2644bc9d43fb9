"""Long results, read without holding up the event loop."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

TURN = 500  # entries between two turns of the event loop: about 5 ms

Row = TypeVar("Row")
Entry = TypeVar("Entry")


async def each(rows: Iterable[Row], read: Callable[[Row], Entry]) -> list[Entry]:
    """`read` every row, and let other tasks run after each `TURN` of them."""
    entries = []
    for number, row in enumerate(rows, 1):
        entries.append(read(row))
        if number % TURN == 0:
            await asyncio.sleep(0)
    return entries
