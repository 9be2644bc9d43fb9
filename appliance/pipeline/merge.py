"""Several parts become one answer: choices or embeddings side by side, usages added up, one end."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

from appliance.domain.upstream import Body, Broken, Chunk, Finished, KeepAlive, StreamEvent, WholeAnswer
from appliance.domain.usage import Usage
from appliance.pipeline.stream import PartStream

T = TypeVar("T")
_JOINED: Final = ("choices", "data")  # lists whose entries are numbered; an answer has one of them


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
    """One answer out of (first place, answer) pairs, in the order given: choices, or embeddings, side by side.

    Raises ValueError for parts that are not lists of the same things: joining them would lose what it does not know.
    """
    joined = [name for name in _JOINED if all(isinstance(answer.body.get(name), list) for _, answer in parts)]
    if len(joined) != 1:
        raise ValueError("cannot join the parts of an answer: each must hold the same list, `choices` or `data`")
    name = joined[0]
    body: Body = dict(parts[0][1].body)
    body[name] = [
        {**entry, "index": entry.get("index", 0) + first} for first, answer in parts for entry in answer.body[name]
    ]
    usages = [answer.usage for _, answer in parts]
    usage = None if None in usages else sum((one for one in usages if one is not None), Usage())
    body.pop("usage", None)
    if usage is not None:
        body["usage"] = usage_object(usage)
        if name == "data":
            del body["usage"]["completion_tokens"]  # OpenAI's embeddings have none
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
    """Streams of several parts, interleaved as they come. Each is at most one read ahead of the client."""

    def __init__(self, parts: Sequence[PartStream]) -> None:
        self._parts = parts
        self._reads = {asyncio.ensure_future(part.next()): index for index, part in enumerate(parts)}
        self._usages: dict[int, Usage] = {}
        self._callback: Callable[[], None] | None = None

    async def next(self) -> list[StreamEvent]:
        given: list[StreamEvent] = []
        while not given:
            done, _ = await asyncio.wait(self._reads, return_when=asyncio.FIRST_COMPLETED)
            for read in done:
                index = self._reads.pop(read)
                ended = self._take(index, read.result(), given)
                if given and isinstance(given[-1], Broken):
                    return given  # one broken part breaks the answer: nothing follows
                if not ended:
                    self._reads[asyncio.ensure_future(self._parts[index].next())] = index
            if not self._reads:
                given.extend(self._end())
        return given

    def _take(self, index: int, events: list[StreamEvent], given: list[StreamEvent]) -> bool:
        """Sort a part's events into `given`; True when that part has ended."""
        ended = False
        for event in events:
            if isinstance(event, Chunk):
                if event.usage is not None:
                    self._usages[index] = event.usage
                    event.body.pop("usage", None)
                    event.usage = None
                if event.body.get("choices"):
                    given.append(event)
            elif isinstance(event, Finished):
                ended = True
            elif isinstance(event, KeepAlive | Broken):
                given.append(event)
        return ended

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
        for read in self._reads:
            read.cancel()
        for part in self._parts:
            part.close()
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()
