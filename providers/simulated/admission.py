"""Who may run now, who waits, who is turned away: the scheduler of an emulated server, first come first served."""

import asyncio
from collections import deque


class Busy(Exception):
    """The queue is full."""


class Slots:
    """`running` requests at once, at most `queue` waiting (None: no bound)."""

    def __init__(self, running: int, queue: int | None) -> None:
        self.limit = running
        self.queue = queue
        self.running = 0
        self._waiters: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiters)

    def full(self) -> bool:
        """Would `acquire` turn the next request away?"""
        return self.running >= self.limit and self.queue is not None and self.waiting >= self.queue

    async def acquire(self) -> None:
        """Take a slot, waiting for it in turn; it is owed a `release`. Raises Busy when the queue is full."""
        if self.running < self.limit and not self._waiters:
            self.running += 1
            return
        if self.full():
            raise Busy
        turn = asyncio.get_running_loop().create_future()
        self._waiters.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            elif turn in self._waiters:  # a release may have passed it over already
                self._waiters.remove(turn)
            raise

    def release(self) -> None:
        """Give a slot back; the longest waiting request gets it at once."""
        while self._waiters:
            turn = self._waiters.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1
