"""A place where a fake waits until a test lets it go on: order without sleeping."""

import asyncio

PATIENCE = 30.0  # seconds: never reached unless a test is wrong


class Gate:
    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._open = asyncio.Event()

    async def wait(self) -> None:
        """The fake's side: say that it is here, and wait."""
        self._reached.set()
        await self._open.wait()

    async def reached(self) -> None:
        """The test's side: until the fake stands at the gate."""
        async with asyncio.timeout(PATIENCE):
            await self._reached.wait()

    def open(self) -> None:
        self._open.set()
