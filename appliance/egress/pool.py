"""Connections kept for reuse: a last-in-first-out stack for each endpoint, capped, expiring.

Last in, first out: the connection used a moment ago is the least likely to have been closed by its server, and the
rest grow old and expire. A place freed while somebody waits is handed over, so a newcomer never overtakes.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import httpx
import msgspec

from appliance.egress.url import Origin
from appliance.egress.wire import Connection


class PoolLimits(msgspec.Struct, frozen=True, kw_only=True):
    """`idle` in seconds: below the 5 s after which uvicorn (vLLM) and cpp-httplib (llama.cpp) close."""

    per_origin: int = 512
    total: int = 2048
    idle: float = 4.0


class Route(NamedTuple):
    """Connections are shared by requests to the same server that trust the same CA."""

    origin: Origin
    ca_file: str | None


Dial = Callable[[Origin, str | None, float | None], Awaitable[Connection]]


class Lane:
    """Connections to one route. Owner of its connections: told when one is gone."""

    __slots__ = ("_pool", "idle", "open", "route", "waiting")

    def __init__(self, route: Route, pool: "Pool") -> None:
        self.route = route
        self.idle: list[Connection] = []  # newest last
        self.open = 0  # connected or being connected
        self.waiting: deque[asyncio.Future[Connection | None]] = deque()  # None: a free place, dial yourself
        self._pool = pool

    def lost(self, connection: Connection) -> None:
        if connection in self.idle:
            self.idle.remove(connection)
        self._pool.vacate(self)


class Pool:
    """Gives out connections. Bound to the event loop of its first use."""

    def __init__(self, dial: Dial, limits: PoolLimits) -> None:
        self._dial = dial
        self._limits = limits
        self._lanes: dict[Route, Lane] = {}
        self._open = 0
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def open(self) -> int:
        """Connections that exist or are being made."""
        return self._open

    def reuse(self, route: Route, now: float) -> Connection | None:
        """The idle connection used last, if one is young enough."""
        lane = self._lanes.get(route)
        while lane is not None and lane.idle:
            connection = lane.idle.pop()
            if not connection.closed and not connection.aborted:
                if now - connection.idle_since < self._limits.idle:
                    return connection
                connection.close()
        return None

    async def fresh(self, route: Route, connect: float | None, wait: float | None) -> Connection:
        """A new connection within the caps, or one handed over while waiting `wait` seconds for a place.

        Raises httpx.PoolTimeout, ConnectError, ConnectTimeout.
        """
        lane = self._lanes.get(route)
        if lane is None:
            lane = self._lanes[route] = Lane(route, self)
        if lane.waiting or not self._room(lane):
            if lane.open < self._limits.per_origin:
                self._evict()
            handed = await self._wait(lane, wait)
            if handed is not None:
                return handed
        else:
            self._occupy(lane)
        try:
            connection = await self._dial(route.origin, route.ca_file, connect)
        except BaseException:
            self.vacate(lane)
            raise
        if connection.closed:  # between the handshake and here: its loss had no owner to tell
            self.vacate(lane)
        else:
            connection.owner = lane
        return connection

    def give_back(self, connection: Connection, now: float) -> None:
        """Take back a connection whose exchange is over: kept when it can be used again, else aborted."""
        lane = connection.owner
        if not isinstance(lane, Lane) or not connection.reusable:
            connection.abort()
            return
        connection.rest(now)
        while lane.waiting:
            waiter = lane.waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        lane.idle.append(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self._limits.idle, self._sweep)

    def vacate(self, lane: Lane) -> None:
        """One connection of `lane` is gone; whoever waits may dial."""
        lane.open -= 1
        self._open -= 1
        for other in (lane, *self._lanes.values()):
            while other.waiting and self._room(other):
                waiter = other.waiting.popleft()
                if not waiter.done():
                    self._occupy(other)
                    waiter.set_result(None)
                    return
        self._drop_if_empty(lane)

    def forget(self, keep: Callable[[Origin], bool]) -> None:
        """Close idle connections to every origin `keep` is false for."""
        for lane in list(self._lanes.values()):
            if not keep(lane.route.origin):
                self._expire(lane, float("inf"))

    def close(self) -> None:
        """Close every idle connection. Those in use end with their exchange."""
        self.forget(lambda _: False)
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def _room(self, lane: Lane) -> bool:
        return lane.open < self._limits.per_origin and self._open < self._limits.total

    def _evict(self) -> None:
        """Close the idle connection that has rested longest, anywhere; its place is free once the descriptor is."""
        lane = min((lane for lane in self._lanes.values() if lane.idle), key=_oldest, default=None)
        if lane is not None:
            lane.idle.pop(0).abort()

    def _occupy(self, lane: Lane) -> None:
        lane.open += 1
        self._open += 1

    async def _wait(self, lane: Lane, seconds: float | None) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        lane.waiting.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                return await waiter
        except TimeoutError:
            self._decline(lane, waiter)
            raise httpx.PoolTimeout(f"every connection to `{lane.route.origin}` is in use") from None
        except BaseException:
            self._decline(lane, waiter)
            raise

    def _decline(self, lane: Lane, waiter: asyncio.Future[Connection | None]) -> None:
        """The waiter left; what it was handed meanwhile goes to the next."""
        if waiter.cancelled() or not waiter.done():
            with contextlib.suppress(ValueError):
                lane.waiting.remove(waiter)
            self._drop_if_empty(lane)
        elif (connection := waiter.result()) is not None:
            self.give_back(connection, asyncio.get_running_loop().time())
        else:
            self.vacate(lane)

    def _drop_if_empty(self, lane: Lane) -> None:
        if not lane.open and not lane.waiting and self._lanes.get(lane.route) is lane:
            del self._lanes[lane.route]

    def _sweep(self) -> None:
        self._sweeper = None
        loop = asyncio.get_running_loop()
        for lane in list(self._lanes.values()):
            self._expire(lane, loop.time() - self._limits.idle)
        oldest = min((_oldest(lane) for lane in self._lanes.values() if lane.idle), default=None)
        if oldest is not None:
            self._sweeper = loop.call_at(oldest + self._limits.idle, self._sweep)

    @staticmethod
    def _expire(lane: Lane, before: float) -> None:
        while lane.idle and lane.idle[0].idle_since <= before:
            lane.idle.pop(0).close()


def _oldest(lane: Lane) -> float:
    return lane.idle[0].idle_since
