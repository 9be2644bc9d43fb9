"""What the connections of one listener share: bounds, the look of refusals, who is in, and the clock that ends them."""

import asyncio
import ipaddress
from collections.abc import Callable
from math import inf
from typing import Protocol

from uvicorn.server import ServerState

from appliance.http.server.bounds import Bounds
from appliance.http.server.target import Targets
from appliance.http.server.wire import Refused, Render


class Guest(Protocol):
    """A connection, as the door sees it. Times are of the loop's clock."""

    due: float
    """When the client must have moved on."""
    stall_due: float
    """When it must have read what lies in our write buffer."""

    def expire(self, now: float) -> None:
        """Act on whatever is overdue; harmless when nothing is."""
        ...

    def shutdown(self) -> None:
        """Close, after the answer in progress if there is one."""
        ...

    def abort(self) -> None: ...

    @property
    def closing(self) -> bool:
        """Its transport is on the way out, perhaps without the connection's own doing."""
        ...


class Door:
    """Counts connections in and out, and looks at their deadlines every `bounds.tick` seconds.

    One look for all of them instead of a timer each: a request pays for setting two numbers, and 1,000 quiet
    connections cost about 0.2 ms a second.
    """

    def __init__(self, bounds: Bounds, render: Render, refused: Refused) -> None:
        self.bounds = bounds
        self.render = render
        self.refused = refused
        self.targets = Targets()
        self.state = ServerState()
        self.closing = False
        self.guests: set[Guest] = set()
        self._taken = 0
        self._peers: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._on_change: Callable[[], None] | None = None

    def enter(self, peer: str) -> bool:
        """Take a seat for a connection from `peer` (as `neighbourhood` names it); False when there is none.

        A seat is taken before TLS is spoken, so that half-made handshakes count; give it back with `leave`.
        """
        of_peer = self._peers.get(peer, 0)
        if self._taken >= self.bounds.connections or of_peer >= self.bounds.per_peer:
            return False
        self._taken += 1
        self._peers[peer] = of_peer + 1
        return True

    def leave(self, peer: str) -> None:
        self._taken -= 1
        left = self._peers[peer] - 1
        if left:
            self._peers[peer] = left
        else:
            del self._peers[peer]
        self._changed()

    @property
    def taken(self) -> int:
        return self._taken

    @property
    def quiet(self) -> bool:
        """True when nobody is in and no app is at work for anybody."""
        return not self._taken and not self.state.tasks

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(self.bounds.tick, self._look, loop)

    def close(self) -> None:
        """Nobody new; those inside finish their answer and go. The clock runs on until `lock`."""
        self.closing = True
        for guest in tuple(self.guests):
            guest.shutdown()

    def lock(self) -> None:
        """Everybody out, now."""
        if self._timer is not None:
            self._timer.cancel()
        for guest in tuple(self.guests):
            guest.abort()

    async def emptied(self) -> None:
        """Return once the door is `quiet`. For one waiter at a time."""
        while not self.quiet:
            if self.state.tasks:
                await asyncio.wait(tuple(self.state.tasks))
                continue
            left = asyncio.Event()
            self._on_change = left.set
            await left.wait()

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for guest in tuple(self.guests):
            if guest.due <= now or guest.stall_due <= now or (guest.due == inf and guest.closing):
                guest.expire(now)
        self._timer = loop.call_later(self.bounds.tick, self._look, loop)


def neighbourhood(address: str) -> str:
    """Whose connections are counted together: an IPv4 address, an IPv6 /64 (the least a site is given)."""
    if ":" not in address:
        return address
    plain = ipaddress.IPv6Address(address.partition("%")[0])
    if plain.ipv4_mapped is not None:
        return str(plain.ipv4_mapped)
    return str(ipaddress.IPv6Network((plain, 64), strict=False).network_address)
