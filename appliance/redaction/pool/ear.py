"""A worker's two voices: frames on stdout, which are answers; words on stderr, which are thrown away."""

import asyncio
from collections.abc import Callable

from appliance.redaction import wire


class Gone(Exception):
    """The worker ended, or does not keep to the protocol: nothing it says counts any more."""


class Ear(asyncio.Protocol):
    """Hears one frame for each time it listens. Anything else is nonsense, and the end."""

    def __init__(self) -> None:
        self._heard = bytearray()
        self._wanted: asyncio.Future[wire.Said] | None = None
        self._why: str | None = None
        self._calls: list[Callable[[], None]] = []

    @property
    def over(self) -> bool:
        return self._why is not None

    def when_over(self, call: Callable[[], None]) -> None:
        if self.over:
            call()
        else:
            self._calls.append(call)

    def listen(self) -> "asyncio.Future[wire.Said]":
        """What will be said next; fails with Gone."""
        wanted: asyncio.Future[wire.Said] = asyncio.get_running_loop().create_future()
        if self._why is not None:
            wanted.set_exception(Gone(self._why))
        self._wanted = wanted
        return wanted

    async def hear(self) -> wire.Said:
        return await self.listen()

    async def ended(self) -> None:
        over = asyncio.Event()
        self.when_over(over.set)
        await over.wait()

    def data_received(self, data: bytes) -> None:
        if self.over:
            return
        if self._wanted is None or self._wanted.done():
            self._end("it spoke without being asked")
            return
        self._heard += data
        if len(self._heard) < wire.PREFIX:
            return
        try:
            end = wire.PREFIX + wire.length(self._heard[: wire.PREFIX])
            if len(self._heard) < end:
                return
            told = wire.said(bytes(self._heard[wire.PREFIX :]))  # all of it: bytes after the frame are nonsense
        except wire.Nonsense as nonsense:
            self._end(str(nonsense))
            return
        self._heard.clear()
        wanted, self._wanted = self._wanted, None
        wanted.set_result(told)

    def eof_received(self) -> None:
        self._end("it ended")

    def connection_lost(self, _: Exception | None) -> None:
        self._end("it ended")

    def _end(self, why: str) -> None:
        if self.over:
            return
        self._why = why
        self._heard.clear()
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_exception(Gone(why))
            self._wanted.exception()  # seen: whoever listened may have been cancelled
        calls, self._calls = self._calls, []
        for call in calls:
            call()


class Drain(asyncio.Protocol):
    """Reads stderr so that nobody blocks on it. Its last words are kept until the first text is sent, never after."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept = bytearray()
        self._keeps = True

    def data_received(self, data: bytes) -> None:
        if self._keeps:
            self._kept = (self._kept + data)[-self._most :]

    def forget(self) -> None:
        self._keeps = False
        self._kept.clear()

    def said(self) -> str:
        """The last line, as far as it was kept."""
        lines = self._kept.decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
