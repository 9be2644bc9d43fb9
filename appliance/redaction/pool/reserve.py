"""Where workers come from: started until they are ready, and some kept ready for whichever seat loses its own first."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from appliance.redaction.pool.child import Child

Start = Callable[[int], Awaitable[Child]]
"""A worker that is ready, however often that is tried, after so many failures before."""


class Reserve:
    """Spares are started only once nobody waits for a worker, so that they take no time from the first ones."""

    def __init__(self, spares: int, start: Start, lost: Callable[[], None]) -> None:
        """`lost` is called when one dies while it waits here."""
        self._spares, self._start, self._lost = spares, start, lost
        self._kept: deque[Child] = deque()
        self._wanted: deque[asyncio.Future[Child]] = deque()
        self._starting: set[asyncio.Future[Child]] = set()
        self._buried: set[asyncio.Future[None]] = set()
        self._closed = False

    @property
    def pids(self) -> tuple[int, ...]:
        """Those that are ready and wait."""
        return tuple(child.pid for child in self._kept)

    async def take(self, failures: int = 0) -> Child:
        """One that is ready: at once where one is kept."""
        given: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._wanted.append(given)
        self._settle(failures)
        try:
            return await given
        except asyncio.CancelledError:
            if given.done() and not given.cancelled():  # handed over just now
                self._kept.append(given.result())
            with contextlib.suppress(ValueError):
                self._wanted.remove(given)
            raise

    async def close(self) -> None:
        """After whoever takes has ended. No process is left."""
        self._closed = True
        for one in self._starting:
            one.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        await asyncio.gather(*(child.bury() for child in self._kept), *self._buried)
        self._kept.clear()

    def _settle(self, failures: int = 0) -> None:
        """Hand over what is kept, and start what is missing."""
        while self._kept and self._wanted:
            given = self._wanted.popleft()
            if not given.done():
                given.set_result(self._kept.popleft())
        missing = len(self._wanted) or self._spares - len(self._kept)
        for _ in range(0 if self._closed else missing - len(self._starting)):
            starting = asyncio.ensure_future(self._start(failures))
            self._starting.add(starting)
            starting.add_done_callback(self._started)

    def _started(self, starting: "asyncio.Future[Child]") -> None:
        self._starting.discard(starting)
        if starting.cancelled():
            return
        child = starting.result()
        self._kept.append(child)
        child.when_over(partial(self._over, child))
        self._settle()

    def _over(self, child: Child) -> None:
        """Of one that was handed over, its seat takes care."""
        if child not in self._kept:
            return
        self._kept.remove(child)
        self._lost()
        burying = asyncio.ensure_future(child.bury())
        self._buried.add(burying)
        burying.add_done_callback(self._buried.discard)
        self._settle(1)  # before its first task
