"""Behaviour that one request does not show: metrics, a client that leaves, waiting in the queue."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import httpx

from tests.real import shape
from tests.real.cases import ENDLESS, Case
from tests.real.shape import Shape

CROWD = 8
PATIENCE_S = 10.0
LOOK_AGAIN_S = 0.02

Ask = Callable[[httpx.AsyncClient, Case], Awaitable[dict[str, Shape]]]
Measure = Callable[[httpx.AsyncClient, Ask, str], Awaitable[Shape]]


async def metrics(http: httpx.AsyncClient, ask: Ask, prefix: str) -> Shape:
    """Name, type, labels and buckets of every metric."""
    return dict(shape.of_metrics((await http.get("/metrics")).text, prefix))


async def disconnect(http: httpx.AsyncClient, ask: Ask, prefix: str) -> Shape:
    """Leave an endless stream after its first bytes; the server must be free again."""
    async with http.stream("POST", ENDLESS.path, json=_endless(prefix)) as response:
        first = await anext(response.aiter_raw())
    return {
        "status": response.status_code,
        "first bytes": "an event" if first.startswith(b"data:") else "something else",
        "running once the client left": await _idle(http, prefix),
        "next answer": (await ask(http, Case("chat", ENDLESS.path, _whole(4)))).get("status"),
    }


async def queue(http: httpx.AsyncClient, ask: Ask, prefix: str) -> Shape:
    """Streams that have to wait for others: what they are sent meanwhile."""
    case = Case("", ENDLESS.path, _endless(prefix))
    records = await asyncio.gather(*(ask(http, case) for _ in range(CROWD)))
    streams = [stream for record in records if isinstance(stream := record.get("stream"), dict)]
    return {"longest order of events": max((stream["order"] for stream in streams), key=len)}


async def interruption(http: httpx.AsyncClient, ask: Ask, prefix: str) -> Shape:
    """A stream under way when another request comes to a server that does one thing at a time."""
    async with http.stream("POST", ENDLESS.path, json=_endless(prefix)) as response:
        parts = response.aiter_raw()
        told, broken = [await anext(parts)], ""
        other = asyncio.ensure_future(ask(http, Case("chat", ENDLESS.path, _whole(4))))
        try:
            async for part in parts:
                told.append(part)  # noqa: PERF401  what came before the break counts
        except httpx.TransportError as error:
            broken = type(error).__name__
    stream = shape.of_stream(b"".join(told))
    return {"the stream": stream, "broken": broken, "the other": (await other).get("status")}


async def _idle(http: httpx.AsyncClient, prefix: str) -> str:
    """The gauge of running requests once nothing runs, or what it still says when patience ends.

    Servers without metrics do not tell. That the gauge moves at all is not asked: vLLM's lags behind a short stream.
    """
    told = "not told"
    for _ in range(int(PATIENCE_S / LOOK_AGAIN_S) if prefix else 0):
        text = (await http.get("/metrics")).text
        found = re.search(rf"^{prefix}num_requests_running{{\S* (\S+)$", text, re.MULTILINE)
        told = found[1] if found else "absent"
        if told == "0.0":
            break
        await asyncio.sleep(LOOK_AGAIN_S)
    return told


def _endless(prefix: str) -> dict[str, object]:
    # Only vLLM knows `ignore_eos`; the real model needs no such request, the emulated one does.
    return {**(ENDLESS.body or {}), **({"ignore_eos": True} if prefix else {})}


def _whole(tokens: int) -> dict[str, object]:
    return {**(ENDLESS.body or {}), "stream": False, "max_tokens": tokens}


BY_NAME: Mapping[str, Measure] = MappingProxyType(
    {"metrics": metrics, "disconnect": disconnect, "queue": queue, "interruption": interruption}
)
