"""Security refusals on their way into the events table: queued, bounded, coalesced.

A refusal costs the hot path a dictionary look-up. Those alike (actor, action, subject) within `INTERVAL` become one
event that says how many; of those that differ at most `ROOM` are kept in that time, so that a flood cannot fill the
disk. What is left out is counted, and said in an event of its own.
"""

import asyncio
import contextlib
import logging

import msgspec

from appliance.domain.errors import StoreUnavailable
from appliance.domain.events import Event
from appliance.ports.clock import Clock
from appliance.store.unit import SqlStore

INTERVAL = 1.0  # seconds
ROOM = 100  # different refusals in one interval

log = logging.getLogger(__name__)

Alike = tuple[str, str, str]


class QueuedEvents:
    """Satisfies `ports.repositories.EventSink`. Used from one event loop; `start` first, `stop` last."""

    def __init__(self, store: SqlStore, clock: Clock, *, interval: float = INTERVAL, room: int = ROOM) -> None:
        self._store = store
        self._clock = clock
        self._interval = interval
        self._room = room
        self._pending: dict[Alike, tuple[Event, int]] = {}
        self._left_out = 0  # since the last event that said so
        self.dropped = 0  # since the start
        self._some = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def note(self, event: Event) -> None:
        """Returns at once, never raises."""
        alike = (event.actor, event.action, event.subject)
        if (known := self._pending.get(alike)) is not None:
            self._pending[alike] = (known[0], known[1] + 1)
        elif len(self._pending) < self._room:
            self._pending[alike] = (event, 1)
        else:
            self._left_out += 1
            self.dropped += 1
        self._some.set()

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._write_until_stopped(), name="event sink")
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Write what is queued. What cannot be written is logged."""
        if self._task is None:
            return
        self._stopping.set()
        self._some.set()
        await asyncio.wait([self._task])
        for event in self._take():
            log.error("event not written: %s", msgspec.json.encode(event).decode())

    async def _write_until_stopped(self) -> None:
        while True:
            await self._some.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._stopping.wait()
            await self._write()
            if self._stopping.is_set():
                return

    async def _write(self) -> None:
        pending, left_out = self._pending, self._left_out
        events = self._take()
        try:
            await self._store.add_events(events)
        except StoreUnavailable as error:
            log.error("%d security events cannot be written yet: %s", len(events), error)  # noqa: TRY400  # no trace needed
            self._put_back(pending, left_out)

    def _take(self) -> list[Event]:
        events = [_counted(event, times) for event, times in self._pending.values()]
        if self._left_out:
            events.append(self._confession(self._left_out))
        self._pending, self._left_out = {}, 0
        self._some.clear()
        return events

    def _put_back(self, pending: dict[Alike, tuple[Event, int]], left_out: int) -> None:
        newer, self._pending = self._pending, pending
        self._left_out += left_out
        for alike, (event, times) in newer.items():
            if alike in self._pending:
                first, before = self._pending[alike]
                self._pending[alike] = (first, before + times)
            elif len(self._pending) < self._room:
                self._pending[alike] = (event, times)
            else:
                self._left_out += times
                self.dropped += times
        self._some.set()

    def _confession(self, left_out: int) -> Event:
        return Event(
            at=self._clock.now(),
            actor="system",
            action="events.dropped",
            subject="events",
            detail=f"{left_out} security refusals were not kept: more than {self._room} different ones at a time",
        )

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("the event sink has died; security refusals are no longer kept", exc_info=error)


def _counted(event: Event, times: int) -> Event:
    if times == 1:
        return event
    return msgspec.structs.replace(event, detail=f"{event.detail} ({times} times)".lstrip())
