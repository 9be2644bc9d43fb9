"""Deadlines of many tasks by one timer. `asyncio.timeout` sets one of the loop's for each and cancels it: 5 us."""

import asyncio
from types import TracebackType

TICK = 0.02  # seconds by which a deadline may be late


class Deadlines:
    """Of one event loop. While nothing is under way there is no timer."""

    def __init__(self, tick: float = TICK) -> None:
        self._tick = tick
        self._under_way: set[Within] = set()
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> "Within":
        """A block that ends with TimeoutError when it takes longer: `with deadlines.within(5): await ...`."""
        return Within(self, seconds)

    @property
    def ticking(self) -> bool:
        return self._timer is not None

    def enter(self, one: "Within", loop: asyncio.AbstractEventLoop) -> None:
        self._under_way.add(one)
        if self._timer is None:
            self._timer = loop.call_later(self._tick, self._look, loop)

    def leave(self, one: "Within") -> None:
        self._under_way.discard(one)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for one in [one for one in self._under_way if one.until <= now]:
            self._under_way.discard(one)
            one.expire()
        self._timer = loop.call_later(self._tick, self._look, loop) if self._under_way else None


class Within:
    """One block of one task. Cancels the task as `asyncio.Timeout` does, and tells its own cancellation from others."""

    __slots__ = ("_cancelling", "_expired", "_owner", "_seconds", "_task", "until")

    def __init__(self, owner: Deadlines, seconds: float) -> None:
        self._owner = owner
        self._seconds = seconds
        self._expired = False
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self.until = 0.0

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._task = task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- for the reader: coroutines run in tasks
        self._cancelling = task.cancelling()
        self.until = loop.time() + self._seconds
        self._owner.enter(self, loop)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._owner.leave(self)
        task, self._task = self._task, None
        if self._expired and task is not None:
            # Somebody else may have cancelled it too: then it stays cancelled.
            alone = task.uncancel() <= self._cancelling
            if alone and kind is not None and issubclass(kind, asyncio.CancelledError):
                raise TimeoutError from error

    def expire(self) -> None:
        if self._task is not None:
            self._expired = True
            self._task.cancel()
