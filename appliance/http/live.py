"""Requests under way, so that a stop, a deadline or a client that left can end them, each with its reason."""

import asyncio
from collections.abc import Iterator

from appliance.domain.ledger import Status


class Running:
    """One request. `end` cancels its task and leaves the reason behind."""

    __slots__ = ("_task", "answered", "reason", "until")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self._task = task
        self.reason: Status | None = None
        self.answered = False  # the last byte is handed over: nothing is left to end
        self.until: float | None = None  # event-loop time at which a stream is over whatever it does

    def end(self, reason: Status) -> None:
        if self.reason is None and not self.answered:
            self.reason = reason
            self._task.cancel()


class Live:
    """All requests under way. A watch of one second bounds streams whose client reads too slowly to ever finish."""

    def __init__(self) -> None:
        self._running: set[Running] = set()
        self.stopping = False

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[Running]:
        return iter(tuple(self._running))

    def add(self, task: asyncio.Task[object]) -> Running:
        running = Running(task)
        self._running.add(running)
        return running

    def remove(self, running: Running) -> None:
        self._running.discard(running)

    def drain(self) -> None:
        """New requests are refused from now on."""
        self.stopping = True

    def stop(self) -> None:
        """Every request still under way ends now."""
        for running in self:
            running.end(Status.STOPPED)

    async def watch(self, every: float = 1.0) -> None:
        """End streams that have outlived their total deadline. Runs for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(every)
            now = loop.time()
            for running in self:
                if running.until is not None and running.until < now:
                    running.end(Status.FAILED)
