"""Several parts become one answer: choices side by side, usages added up, one end."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from appliance.domain.upstream import Body, Broken, Chunk, Finished, KeepAlive, StreamEvent, WholeAnswer
from appliance.domain.usage import Usage
from appliance.pipeline.stream import PartStream

T = TypeVar("T")

AHEAD = 16  # event lists a part may be ahead of the client: back-pressure reaches the upstream through it


async def all_or_none(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all, in order. When one raises, the others are cancelled and their streams closed."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, PartStream):
                result.close()
        raise


def merged(parts: Sequence[tuple[int, WholeAnswer]]) -> WholeAnswer:
    """One answer out of (first choice, answer) pairs, in the order given."""
    body: Body = dict(parts[0][1].body)
    body["choices"] = [
        {**choice, "index": choice.get("index", 0) + first}
        for first, answer in parts
        for choice in answer.body.get("choices", ())
    ]
    usages = [answer.usage for _, answer in parts]
    usage = None if None in usages else sum((one for one in usages if one is not None), Usage())
    body.pop("usage", None)
    if usage is not None:
        body["usage"] = usage_object(usage)
    return WholeAnswer(body, usage)


def usage_object(usage: Usage) -> Body:
    """OpenAI's `usage`."""
    told: Body = {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total,
    }
    if usage.cached:
        told["prompt_tokens_details"] = {"cached_tokens": usage.cached}
    if usage.reasoning:
        told["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return told


class MergedStream:
    """Streams of several parts, interleaved as they come."""

    def __init__(self, parts: Sequence[PartStream]) -> None:
        self._parts = parts
        self._queue: asyncio.Queue[tuple[int, list[StreamEvent]]] = asyncio.Queue(AHEAD)
        self._pumps = [asyncio.ensure_future(self._pump(index, part)) for index, part in enumerate(parts)]
        self._open = len(parts)
        self._usages: dict[int, Usage] = {}
        self._callback: Callable[[], None] | None = None

    async def _pump(self, index: int, part: PartStream) -> None:
        ended = False
        while not ended:
            events = await part.next()
            ended = any(isinstance(event, Broken | Finished) for event in events)
            await self._queue.put((index, events))

    async def next(self) -> list[StreamEvent]:
        given: list[StreamEvent] = []
        while not given:
            index, events = await self._queue.get()
            for event in events:
                self._take(index, event, given)
        return given

    def _take(self, index: int, event: StreamEvent, given: list[StreamEvent]) -> None:
        if isinstance(event, Chunk):
            if event.usage is not None:
                self._usages[index] = event.usage
                event.body.pop("usage", None)
                event.usage = None
            if event.body.get("choices"):
                given.append(event)
        elif isinstance(event, Finished):
            self._open -= 1
            if not self._open:
                given.extend(self._end())
        elif isinstance(event, KeepAlive | Broken):
            given.append(event)

    def _end(self) -> list[StreamEvent]:
        if len(self._usages) < len(self._parts):
            return [Finished()]
        total = sum(self._usages.values(), Usage())
        body: Body = {"choices": [], "usage": usage_object(total)}
        return [Chunk(body, usage=total), Finished()]

    async def drain(self) -> None:
        await asyncio.gather(*(part.drain() for part in self._parts))

    def on_close(self, callback: Callable[[], None]) -> None:
        self._callback = callback

    def close(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        for part in self._parts:
            part.close()
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()
