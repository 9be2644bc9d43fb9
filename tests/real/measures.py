"""Behaviour that one request does not show: metrics, a client that leaves, overload, waiting in the queue."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import httpx

from tests.real import shape
from tests.real.cases import ENDLESS, MESSAGE, Case
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
        during = await _settled(http, prefix, running=True)
    return {
        "status": response.status_code,
        "first bytes": "an event" if first.startswith(b"data:") else "something else",
        "running while it streams": during,
        "running once the client left": await _settled(http, prefix, running=False),
        "next answer": (await ask(http, Case("chat", ENDLESS.path, _whole(4)))).get("status"),
    }


async def overload(http: httpx.AsyncClient, ask: Ask, prefix: str) -> Shape:
    """More requests at once than may run and wait: what the refused ones are told, for each way to ask."""
    whole = Case("", ENDLESS.path, {**_endless(prefix), "stream": False})
    streamed = Case("", ENDLESS.path, _endless(prefix))
    message = {"model": "tiny", "max_tokens": 300, "messages": [{"role": "user", "content": "go on for ever"}]}
    other = Case("", MESSAGE.path, {**message, "stream": True})
    ways = {"whole": whole, "streamed": streamed, "Anthropic's messages, streamed": other}
    return {name: await _refusals(http, ask, case) for name, case in ways.items()}


async def queue(http: httpx.AsyncClient, ask: Ask, prefix: str) -> Shape:
    """Streams that have to wait for others: what they are sent meanwhile."""
    case = Case("", ENDLESS.path, _endless(prefix))
    records = await asyncio.gather(*(ask(http, case) for _ in range(CROWD)))
    streams = [stream for record in records if isinstance(stream := record.get("stream"), dict)]
    return {"longest order of events": max((stream["order"] for stream in streams), key=len)}


async def _refusals(http: httpx.AsyncClient, ask: Ask, case: Case) -> Shape:
    records = await asyncio.gather(*(ask(http, case) for _ in range(CROWD)))
    refused = [record for record in records if "'error'" in str(record)]
    return {"some are served": len(refused) < len(records), "the others": [shape.merged(refused)] if refused else []}


async def _running(http: httpx.AsyncClient, prefix: str) -> str:
    """The gauge of running requests, where there is one."""
    if not prefix:
        return "not told"
    text = (await http.get("/metrics")).text
    found = re.search(rf"^{prefix}num_requests_running\S* (\S+)$", text, re.MULTILINE)
    return found[1] if found else "not told"


async def _settled(http: httpx.AsyncClient, prefix: str, *, running: bool) -> str:
    """The gauge once something or nothing runs, or what it still says when patience ends."""
    shown = ""
    for _ in range(int(PATIENCE_S / LOOK_AGAIN_S)):
        shown = await _running(http, prefix)
        if shown == "not told" or (shown != "0.0") is running:
            break
        await asyncio.sleep(LOOK_AGAIN_S)
    return shown


def _endless(prefix: str) -> dict[str, object]:
    # Only vLLM knows `ignore_eos`; the real model needs no such request, the emulated one does.
    return {**(ENDLESS.body or {}), **({"ignore_eos": True} if prefix else {})}


def _whole(tokens: int) -> dict[str, object]:
    return {**(ENDLESS.body or {}), "stream": False, "max_tokens": tokens}


BY_NAME: Mapping[str, Measure] = MappingProxyType(
    {"metrics": metrics, "disconnect": disconnect, "overload": overload, "queue": queue}
)
