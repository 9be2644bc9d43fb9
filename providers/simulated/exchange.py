"""One request and its answer, as an emulator sees them; here steps become bytes and time."""

import asyncio
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from providers.simulated import spoil
from providers.simulated.events import Event, Framing, Kind, Sse
from providers.simulated.faults import Fault, Hits
from providers.simulated.server import Reply, Request
from providers.simulated.stats import Stats

_BREATHER = 16  # events sent back to back before other connections get a turn
_PACED = frozenset({Kind.ROLE, Kind.TOKEN, Kind.FINISH})


class Pace(msgspec.Struct, frozen=True):
    """How long the emulated model takes, in seconds."""

    first_s: float
    interval_s: float

    async def whole(self, tokens: int) -> None:
        """Let the time of a whole answer pass."""
        seconds = self.first_s + self.interval_s * max(0, tokens - 1)
        if seconds > 0:
            await asyncio.sleep(seconds)


AT_ONCE = Pace(0.0, 0.0)


def no_failure() -> list[Event]:
    """For streams that have no way to say they failed."""
    return []


class Exchange:
    """A request being answered."""

    def __init__(self, request: Request, reply: Reply, hits: Hits, stats: Stats) -> None:
        self.request = request
        self.reply = reply
        self.hits = hits
        self.stats = stats
        self.cut_off = False
        """Did a fault end the answer?"""
        self._framing: Framing = Sse()
        self._streaming = False
        self._beat_s = 0.0

    # -- whole answers

    async def json(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        """A whole JSON answer."""
        await self.whole(status, msgspec.json.encode(body), "application/json", headers)

    async def whole(
        self, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """A whole answer. Faults of the body hit only answers that are not errors themselves."""
        for name, value in (headers or {}).items():
            self.reply.add_header(name, value)
        if not self.hits or status >= 400:
            self.reply.whole(status, body, content_type)
            return
        if Fault.WRONG_CONTENT_TYPE in self.hits:
            content_type = "text/html"
        spoilt = spoil.whole(body, content_type, self.hits)
        lines = b"content-encoding: gzip\r\n" if spoilt.encoding else b""
        if Fault.BOTH_LENGTHS in self.hits:
            lines += b"content-length: 6\r\n"
            self.reply.head(status, spoilt.content_type, length=None, lines=lines)
        elif Fault.CLOSE_DELIMITED in self.hits:
            self.reply.head(status, spoilt.content_type, length=None, lines=lines, close=True)
        else:
            self.reply.head(status, spoilt.content_type, length=spoilt.length, lines=lines)
        self.reply.flush()
        await self._perform(spoil.body_steps(spoilt.body, self.hits), AT_ONCE)

    # -- streams

    def open(self, framing: Framing, headers: Mapping[str, str] | None = None, *, beat_s: float = 0.0) -> None:
        """Send the head of a stream now, before any event is there. A comment goes out in each `beat_s` of silence."""
        self._beat_s = beat_s
        self._framing = framing
        self._streaming = True
        self.stats.streams += 1
        for name, value in (headers or {}).items():
            self.reply.add_header(name, value)
        content_type = "text/html" if Fault.WRONG_CONTENT_TYPE in self.hits else framing.content_type
        lines = b"content-encoding: gzip\r\n" if Fault.GZIP in self.hits else b""
        if Fault.BOTH_LENGTHS in self.hits:
            lines += b"content-length: 6\r\n"
        self.reply.head(200, content_type, length=None, lines=lines, close=Fault.CLOSE_DELIMITED in self.hits)
        self.reply.flush()

    async def comment(self) -> None:
        """Send a keep-alive comment. `open` comes first."""
        await self.reply.chunk(self._framing.comment())

    async def play(self, events: Iterable[Event], pace: Pace, failure: Callable[[], list[Event]] = no_failure) -> None:
        """Send a stream's events at the model's pace and end it. `open` comes first."""
        if self.hits:
            await self._perform(spoil.stream(events, self._framing, self.hits, failure), pace)
            return
        write = self._framing.write
        chunk = self.reply.chunk
        unpaced = pace.first_s <= 0 and pace.interval_s <= 0
        wait_s = pace.first_s
        sent = 0
        for event in events:
            if unpaced:
                sent += 1
                if sent % _BREATHER == 0:
                    await asyncio.sleep(0)
            elif event.kind in _PACED:
                if wait_s > 0:
                    await self._pause(wait_s)
                wait_s = pace.interval_s if event.kind is not Kind.ROLE else 0.0
            await chunk(write(event))
        self.reply.finish()

    # -- steps

    async def _perform(self, steps: Iterator[spoil.Step], pace: Pace) -> None:
        gz = zlib.compressobj(wbits=31) if Fault.GZIP in self.hits and self._streaming else None
        wait_s = pace.first_s
        for step in steps:
            match step:
                case spoil.Write(data):
                    await self._write(gz.compress(data) + gz.flush(zlib.Z_SYNC_FLUSH) if gz else data)
                case spoil.Wait(seconds):
                    await self._pause(seconds)
                case spoil.Token():
                    await self._pause(wait_s)
                    wait_s = pace.interval_s
                case spoil.Torn(data):
                    self.reply.raw(b"%x\r\n" % len(data) + data[: len(data) // 2])
                case spoil.End.CLEANLY:
                    if gz:
                        await self._write(gz.flush())
                    self.reply.finish()
                case spoil.End.RESET:
                    self.cut_off = True
                    self.reply.reset()
                case spoil.End.HANG_UP:
                    self.cut_off = True
                    self.reply.hang_up()

    async def _pause(self, seconds: float) -> None:
        while self._beat_s and seconds > self._beat_s:
            await asyncio.sleep(self._beat_s)
            await self.comment()
            seconds -= self._beat_s
        await asyncio.sleep(seconds)

    async def _write(self, data: bytes) -> None:
        if data:
            await self.reply.chunk(data)


def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises msgspec.DecodeError when it is not JSON, msgspec.ValidationError when it is not an object.
    """
    return msgspec.json.decode(request.body, type=dict[str, Any])
