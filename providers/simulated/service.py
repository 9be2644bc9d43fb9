"""An emulated server as its users hold it: start it, switch faults, look at what it saw."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from email.utils import formatdate
from types import TracebackType
from typing import Protocol, Self

import msgspec

from providers.simulated.exchange import Exchange
from providers.simulated.faults import NO_HITS, Fault, FaultSwitch, Hits, Unsupported
from providers.simulated.server import Connection, Reply, Request
from providers.simulated.settings import Settings
from providers.simulated.spoil import CUT_GAP_S, FOREVER_S
from providers.simulated.stats import SeenRequest, Stats

CONTROL = "/__simulated/"
FAULT_HEADER = "x-simulated-fault"
LOAD_S = 1.0


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An error answer, whole."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


class Emulator(Protocol):
    """One kind of server."""

    @property
    def name(self) -> str:
        """What it emulates."""

    @property
    def settings(self) -> Settings:
        """What it was started with."""

    @property
    def faults(self) -> FaultSwitch:
        """What is wrong with it."""

    @property
    def server_header(self) -> str | None:
        """What it says in `server:`, if it says so."""

    def attach(self, stats: Stats) -> None:
        """Count into these."""

    def generates(self, request: Request) -> bool:
        """Does this request ask for tokens or vectors? Faults hit only those."""

    def refusal(self, fault: Fault, request: Request) -> Refusal | None:
        """What this server says for a fault that is an error status; None when it is no such fault."""

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request."""


class Simulated:
    """An emulated inference server on a socket. `async with` starts it on a free loopback port."""

    def __init__(self, emulator: Emulator, now: Callable[[], float]) -> None:
        self.emulator = emulator
        self.settings = emulator.settings
        self.faults = emulator.faults
        self.stats = Stats()
        self.crashes: list[BaseException] = []
        self.keep_alive_s = emulator.settings.keep_alive_s
        self._now = now
        self._seen: deque[SeenRequest] = deque(maxlen=emulator.settings.remember)
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._stamp = (0, b"")
        self._watchers: list[asyncio.Event] = []
        self.host = "127.0.0.1"
        self.port = 0
        emulator.attach(self.stats)

    # -- for users

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `port` 0 takes a free one. Raises OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self, loop), host, port, backlog=1024)
        self.host = host
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening, drop every connection, wait for the work to end."""
        if self._server is None:
            return
        self._server.close()
        tasks = [connection.task for connection in self._connections if connection.task is not None]
        for connection in list(self._connections):
            connection.abort()
        await self._server.wait_closed()
        if tasks:
            await asyncio.wait(tasks)
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def seen(self) -> list[SeenRequest]:
        """The last requests, oldest first; control requests are not among them."""
        return list(self._seen)

    async def until(self, holds: Callable[[Stats], bool]) -> None:
        """Wait, without polling, until the counters say so: `await server.until(lambda stats: stats.aborted == 1)`."""
        while not holds(self.stats):
            moved = asyncio.Event()
            self._watchers.append(moved)
            await moved.wait()

    def forget(self) -> None:
        """Start afresh: no faults, nothing seen, counters of the past at zero."""
        self.faults.clear()
        self._seen.clear()
        live, connections = self.stats.live, self.stats.connections
        for field in Stats.__struct_fields__:
            setattr(self.stats, field, 0)
        self.stats.live, self.stats.connections = live, connections

    def _moved(self) -> None:
        while self._watchers:
            self._watchers.pop().set()

    # -- server.Service

    def signature(self) -> bytes:
        second = int(self._now())
        if self._stamp[0] != second:
            name = self.emulator.server_header
            lines = f"date: {formatdate(second, usegmt=True)}\r\n" + (f"server: {name}\r\n" if name else "")
            self._stamp = (second, lines.encode())
        return self._stamp[1]

    def opened(self, connection: Connection) -> None:
        self._connections.add(connection)
        self.stats.connections += 1

    def closed(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def crashed(self, error: BaseException) -> None:
        self.stats.crashes += 1
        self.crashes.append(error)
        asyncio.get_running_loop().call_exception_handler(
            {"message": f"the emulated {self.emulator.name} failed", "exception": error}
        )

    def closes_idle(self) -> bool:
        if not self.faults.on(Fault.CLOSE_IDLE):
            return False
        self.faults.take_one(Fault.CLOSE_IDLE)
        return True

    async def serve(self, request: Request, reply: Reply) -> None:
        if request.path.startswith(CONTROL):
            self._control(request, reply)
            return
        self._seen.append(
            SeenRequest(
                method=request.method,
                path=request.path,
                query=request.query,
                headers=request.headers,
                body=request.body,
            )
        )
        stats = self.stats
        stats.requests += 1
        stats.live += 1
        self._moved()
        cut_off = True
        try:
            exchange = Exchange(request, reply, NO_HITS, stats)
            try:
                exchange.hits = self._hits(request)
            except ValueError as error:
                # A misspelt fault would make a test that cannot fail.
                await exchange.json(400, {"error": str(error)})
            if reply.over:
                pass
            elif not exchange.hits or not await self._at_the_door(exchange):
                await self.emulator.answer(exchange)
            cut_off = exchange.cut_off
        finally:
            stats.live -= 1
            if cut_off:
                stats.aborted += 1
            else:
                stats.finished += 1
            self._moved()

    # -- faults

    def _hits(self, request: Request) -> Hits:
        named = request.headers.get(FAULT_HEADER) if self.settings.allow_header_faults else None
        if named is None and not self.faults.orders:
            return NO_HITS
        hits = self.faults.take(request.path, generates=self.emulator.generates(request))
        if named is None:
            return hits
        faults = [Fault(name.strip()) for name in named.split(",")]
        for fault in faults:
            self.faults.check(fault)
        return hits.plus(faults)

    async def _at_the_door(self, exchange: Exchange) -> bool:
        """Faults that need no emulator. True when the request is dealt with."""
        hits, reply = exchange.hits, exchange.reply
        for fault in (Fault.STALL_BEFORE_HEADERS, Fault.COLD_LOAD):
            if fault in hits:
                await asyncio.sleep(hits.seconds(fault, FOREVER_S if fault is Fault.STALL_BEFORE_HEADERS else LOAD_S))
        if hits.faults & _ENDINGS:
            await _end(exchange)
            return True
        if Fault.EARLY_HINTS in hits:
            reply.raw(b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n")
        if Fault.HUGE_HEADERS in hits:
            reply.add_header("x-padding", "x" * 262_144)
        for fault in sorted(hits.faults):
            refusal = _ANY_SERVER.get(fault) or self.emulator.refusal(fault, exchange.request)
            if refusal is not None:
                await exchange.whole(refusal.status, refusal.body, refusal.content_type, refusal.headers)
                return True
        return False

    def _control(self, request: Request, reply: Reply) -> None:
        """`GET|DELETE /__simulated/fault`, `POST` with `{"fault", "times"?, "path"?, "seconds"?}`; `GET .../stats`."""
        what = request.path.removeprefix(CONTROL)
        if what == "stats" and request.method == "GET":
            reply.whole(200, msgspec.json.encode(self.stats))
            return
        if what != "fault":
            reply.whole(404, b'{"error":"no such control"}')
            return
        if request.method == "DELETE":
            self.faults.clear()
        elif request.method == "POST":
            try:
                order = msgspec.json.decode(request.body, type=_Wanted)
                self.faults.set(order.fault, times=order.times, path=order.path, seconds=order.seconds)
            except (msgspec.DecodeError, Unsupported) as error:
                reply.whole(400, msgspec.json.encode({"error": str(error)}))
                return
        reply.whole(200, msgspec.json.encode({"on": self.faults.orders, "known": sorted(self.faults.known)}))


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    fault: Fault
    times: int | None = None
    path: str | None = None
    seconds: float | None = None


_ENDINGS = frozenset({Fault.RESET_BEFORE_HEADERS, Fault.CLOSE_BEFORE_HEADERS, Fault.GARBAGE})
_ANY_SERVER = {
    Fault.REDIRECT: Refusal(
        status=307, body=b"", content_type="", headers={"location": "http://127.0.0.1:9/elsewhere"}
    ),
    Fault.EMPTY_UNAUTHORIZED: Refusal(status=401, body=b"", content_type=""),
    Fault.HTML_ERROR: Refusal(
        status=502, body=b"<html><body><h1>502 Bad Gateway</h1></body></html>\n", content_type="text/html"
    ),
    Fault.RATE_LIMITED: Refusal(
        status=429,
        body=b'{"error":{"message":"Rate limit reached","type":"rate_limit_error","param":null,"code":"rate_limited"}}',
        headers={"retry-after": "7"},
    ),
    Fault.LOADING: Refusal(
        status=503, body=b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}'
    ),
    Fault.LEAKY_ERROR: Refusal(
        status=500,
        body=b'{"error":{"message":"worker gpu-7.cluster.internal (10.20.30.40:8000) lost /srv/models/secret-name,'
        b' authorization Bearer sk-leaked-0123456789","type":"InternalServerError","param":null,"code":500}}',
    ),
}


async def _end(exchange: Exchange) -> None:
    exchange.cut_off = True
    if Fault.GARBAGE in exchange.hits:
        exchange.reply.raw(b"\x00\x16\x03\x01 this is not HTTP\r\n\r\n")
        exchange.reply.hang_up()
    elif Fault.RESET_BEFORE_HEADERS in exchange.hits:
        await asyncio.sleep(CUT_GAP_S)
        exchange.reply.reset()
    else:
        exchange.reply.hang_up()
