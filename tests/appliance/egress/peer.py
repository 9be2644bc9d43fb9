"""A raw server whose every byte is chosen by a test, on loopback."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

from appliance.domain.ids import ModelName, ProviderName
from appliance.domain.model import Deployment, Timeouts
from appliance.domain.secret import Secret
from appliance.egress.guard import AllowList, Guard
from appliance.egress.pool import PoolLimits
from appliance.egress.transport import PooledTransport

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
CEILING = 20.0  # seconds; what should take milliseconds may take this long on a busy machine


class Talk:
    """One accepted connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number  # 1 for the first connection

    async def request(self) -> bytes:
        """One whole request; raises IncompleteReadError when the client left."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        return head + await self.reader.readexactly(length)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *answers: bytes) -> None:
        """Each answer to a request of its own."""
        for data in answers:
            await self.request()
            await self.send(data)

    async def left(self) -> None:
        """Wait until the client has closed."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def reset(self) -> None:
        """RST instead of FIN: unsent and unread bytes are lost."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # SO_LINGER on, 0 s
        self.writer.transport.abort()


Script = Callable[[Talk], Awaitable[None]]


class Peer:
    def __init__(self, port: int, scheme: str = "http") -> None:
        self.port = port
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.accepted = 0
        self.open = 0
        self.quiet = asyncio.Event()  # set while no connection is open

    def deployment(self, url: str | None = None, **more: object) -> Deployment:
        return deployment(url or self.url, **more)


def deployment(url: str, **more: object) -> Deployment:
    values: dict[str, object] = {
        "model": ModelName("m"),
        "label": "a",
        "provider": ProviderName("any"),
        "url": url,
        "upstream_model": "u",
        "timeouts": Timeouts(connect=CEILING, between_chunks=CEILING),
        "secret": Secret("s3cret-value"),
    }
    return Deployment(**(values | more))  # type: ignore[arg-type]  # the values are typed above


@contextlib.asynccontextmanager
async def peer(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """Runs `script` for each connection, then closes it. A script's own failure fails the test."""
    tasks: set[asyncio.Task[None]] = set()
    broken: list[BaseException] = []
    made = Peer(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        made.accepted += 1
        made.open += 1
        made.quiet.clear()
        try:
            await script(Talk(reader, writer, made.accepted))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left
        except AssertionError as error:
            broken.append(error)
        finally:
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()
            tasks.discard(task)
            made.open -= 1
            if not made.open:
                made.quiet.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    made.port, made.url = port, f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield made
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CEILING)
    if broken:
        raise broken[0]


@contextlib.asynccontextmanager
async def transport(limits: PoolLimits | None = None, guard: Guard | None = None) -> AsyncIterator[PooledTransport]:
    made = PooledTransport(guard or Guard(AllowList()), limits=limits)
    try:
        yield made
    finally:
        await made.aclose()
        await settled(lambda: made.pool.open == 0)


async def settled(claim: Callable[[], bool]) -> None:
    """Let the loop turn until a claim holds; fails after the ceiling."""
    async with asyncio.timeout(CEILING):
        while not claim():  # noqa: ASYNC110  any claim, also one that nothing announces
            await asyncio.sleep(0.001)
