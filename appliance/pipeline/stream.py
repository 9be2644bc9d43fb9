"""One upstream stream, decoded, with its first good event seen before anybody is promised anything."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from appliance.domain.upstream import Broken, Chunk, Failure, FailureKind, Finished, StreamEvent, UpstreamError
from appliance.ports.provider import Decoder
from appliance.ports.upstream import Exchange

DRAIN_SECONDS = 1.0  # bytes after the end are dropped; a server that goes on sending is hung up on
NOTHING = Failure(kind=FailureKind.INCOMPLETE, message="the stream ended before its first event")


class AnswerStream(Protocol):
    """Events of an answer, whatever number of upstream streams it comes from."""

    async def next(self) -> list[StreamEvent]:
        """One or more events; the last list ends with Finished or Broken. Never raises UpstreamError."""
        ...

    async def drain(self) -> None:
        """After Finished: read the body's end, so that the connection can serve again. Never raises UpstreamError."""
        ...

    def close(self) -> None:
        """Abort what still runs upstream. Idempotent."""
        ...

    def on_close(self, callback: Callable[[], None]) -> None: ...


class PartStream:
    """The stream of one part."""

    __slots__ = ("_callback", "_decoder", "_exchange", "_first_choice", "_ready")

    def __init__(self, exchange: Exchange, decoder: Decoder, first_choice: int) -> None:
        self._exchange = exchange
        self._decoder = decoder
        self._first_choice = first_choice
        self._ready: list[StreamEvent] = []
        self._callback: Callable[[], None] | None = None

    async def commit(self) -> None:
        """Read until the first good event. Raises UpstreamError when an error or the end comes first.

        Keep-alive comments are no event: a server sends them while the request still queues.
        """
        while True:
            events = await self._read()
            for index, event in enumerate(events):
                if isinstance(event, Chunk):
                    self._ready = events[index:]
                    return
                if isinstance(event, Broken):
                    raise UpstreamError(event.failure)
                if isinstance(event, Finished):
                    raise UpstreamError(NOTHING)

    async def next(self) -> list[StreamEvent]:
        if self._ready:
            events, self._ready = self._ready, []
        else:
            try:
                events = await self._read()
            except UpstreamError as error:
                events = [Broken(error.failure)]
        if self._first_choice:
            _shift(events, self._first_choice)
        return events

    async def _read(self) -> list[StreamEvent]:
        while True:
            data = await self._exchange.next()
            events = self._decoder.feed(data) if data else self._decoder.end()
            if events or not data:
                return events

    async def drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while await self._exchange.next():
                    pass
        except (UpstreamError, TimeoutError):
            return

    def on_close(self, callback: Callable[[], None]) -> None:
        self._callback = callback

    def close(self) -> None:
        self._exchange.close()
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


def _shift(events: list[StreamEvent], first_choice: int) -> None:
    for event in events:
        if isinstance(event, Chunk):
            for choice in event.body.get("choices", ()):
                choice["index"] = choice.get("index", 0) + first_choice
