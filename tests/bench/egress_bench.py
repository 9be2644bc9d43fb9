"""What the egress transport costs: CPU of this process per request and per stream event, beside a bare floor.

    python tests/bench/egress_bench.py [--rounds 5] [--requests 10000] [--connections 64]

The floor is asyncio.Protocol and httptools with nothing else: no guard, caps, deadlines, pool cap, header check,
back-pressure or errors. The server is a process of its own. Rounds of all variants are interleaved; medians are told.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import cast

import httptools
import httpx
import uvloop

from appliance.domain.ids import ModelName, ProviderName
from appliance.domain.model import Deployment
from appliance.domain.secret import Secret
from appliance.domain.upstream import Part
from appliance.egress.client import EgressUpstream
from appliance.egress.guard import AllowList, Guard
from appliance.egress.transport import PooledTransport

EVENTS = 40
WHOLE = b"HTTP/1.1 200 OK\r\ndate: Sun, 22 Nov 2026 10:00:00 GMT\r\nserver: uvicorn\r\ncontent-length: 1000\r\n"
WHOLE += b"content-type: application/json\r\n\r\n" + b"x" * 1000
OPENING = b"HTTP/1.1 200 OK\r\ndate: Sun, 22 Nov 2026 10:00:00 GMT\r\nserver: uvicorn\r\n"
OPENING += b"content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = b"d2\r\n" + b"data: " + b"y" * 202 + b"\n\n\r\n"
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "w" * 1400}]}).encode()


class Server(asyncio.Protocol):
    """Answers `/whole` with 1 KB and `/stream` with events a millisecond or more apart."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by class
        self.held = b""

    def data_received(self, data: bytes) -> None:
        self.held += data
        head, end, body = self.held.partition(b"\r\n\r\n")
        if end and len(body) >= len(BODY):
            self.held = b""
            if b"/whole" in head[:40]:
                self.transport.write(WHOLE)
            else:
                self.stream(0)

    def stream(self, number: int) -> None:
        if number < EVENTS:
            self.transport.write(EVENT if number else OPENING + EVENT)
            asyncio.get_running_loop().call_later(0.001, self.stream, number + 1)
        else:
            self.transport.write(b"0\r\n\r\n")


class Floor(asyncio.Protocol):
    """One request at a time, nothing checked."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.pieces: list[bytes] = []
        self.done = False
        self.waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def on_header(self, name: bytes, value: bytes) -> None:
        pass

    def on_body(self, data: bytes) -> None:
        self.pieces.append(data)

    def on_message_complete(self) -> None:
        self.done = True

    async def ask(self, message: bytes) -> int:
        self.done = False
        size = 0
        self.transport.write(message)
        while not self.done:
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
            size += len(b"".join(self.pieces))
            self.pieces.clear()
        return size


Ask = Callable[[str], Awaitable[int]]


async def floor(port: int, connections: int) -> Iterator[Ask]:
    loop = asyncio.get_running_loop()
    made = [(await loop.create_connection(Floor, "127.0.0.1", port))[1] for _ in range(connections)]

    def asker(connection: Floor) -> Ask:
        head = "POST %s HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: %d\r\n\r\n"
        return lambda path: connection.ask((head % (path, len(BODY))).encode() + BODY)

    return iter([asker(connection) for connection in made])


async def egress(port: int, connections: int) -> Iterator[Ask]:
    upstream = EgressUpstream(PooledTransport(Guard(AllowList())))
    to = Deployment(
        model=ModelName("m"),
        label="a",
        provider=ProviderName("p"),
        url=f"http://127.0.0.1:{port}",
        upstream_model="u",
        secret=Secret("x" * 40),
    )

    async def ask(path: str) -> int:
        exchange = await upstream.open(to, Part(path=path, body=BODY))
        try:
            if path == "/whole":
                return len(await exchange.read(1_000_000))
            size = 0
            while data := await exchange.next():
                size += len(data)
            return size
        finally:
            exchange.close()

    return iter([ask] * connections)


async def stock(port: int, connections: int) -> Iterator[Ask]:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    client = httpx.AsyncClient(trust_env=False, limits=limits)

    async def ask(path: str) -> int:
        async with client.stream("POST", f"http://127.0.0.1:{port}{path}", content=BODY) as response:
            return sum([len(piece) async for piece in response.aiter_raw()])

    return iter([ask] * connections)


VARIANTS = {"floor": floor, "egress": egress, "httpx": stock}


async def cost(asks: list[Ask], path: str, requests: int, size: int) -> float:
    """CPU seconds of this process per request."""
    left = requests

    async def work(ask: Ask) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            assert await ask(path) == size

    began = time.process_time()
    await asyncio.gather(*[work(ask) for ask in asks])
    return (time.process_time() - began) / requests


async def measure(port: int, options: argparse.Namespace) -> None:
    asks = {name: list(await make(port, options.connections)) for name, make in VARIANTS.items()}
    for path, requests, size, per, word in (
        ("/whole", options.requests, 1000, 1, "request"),
        ("/stream", max(options.requests // EVENTS, options.connections), EVENTS * 210, EVENTS, "stream event"),
    ):
        for ask in asks.values():
            await cost(ask, path, options.connections, size)
        found: dict[str, list[float]] = {name: [] for name in asks}
        for _ in range(options.rounds):
            for name, ask in asks.items():
                few = requests if name != "httpx" else requests // 10 + 1
                found[name].append(await cost(ask, path, few, size) / per * 1e6)
        for name, values in found.items():
            each = " ".join(f"{value:.1f}" for value in values)
            print(f"{word:13} {name:7} {statistics.median(values):8.1f} us   ({each})")


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve())
        return
    child = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        uvloop.run(measure(int(child.stdout.readline()), options))
    finally:
        child.terminate()
        child.wait()


if __name__ == "__main__":
    main()
