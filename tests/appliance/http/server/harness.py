"""Runs the real server in a thread of its own, on a uvloop, around an app that tells what reached it."""

import asyncio
import collections
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import uvloop

from appliance.domain.errors import GatewayError
from appliance.http.server.bounds import Bounds
from appliance.http.server.guard import Guard
from appliance.http.server.hosts import Hosts
from appliance.http.server.run import Listener, Stop, run, serve
from appliance.http.server.sockets import bind, port_of
from appliance.http.server.tls import Certificate
from appliance.http.server.wire import App

PATIENCE = 20.0  # seconds before a test says that something never happened
STATUS = {
    "bad_host": 400,
    "invalid_value": 400,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "misdirected_request": 421,
    "rate_limit_exceeded": 429,
    "headers_too_large": 431,
}


class Drawn(msgspec.Struct):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def render(error: GatewayError) -> Drawn:
    told = {"message": error.message, "type": "invalid_request_error", "param": error.param, "code": error.kind}
    body = msgspec.json.encode({"error": told})
    length = (b"content-length", b"%d" % len(body))
    return Drawn(STATUS[error.kind], [(b"content-type", b"application/json"), length], body)


class Echo:
    """Answers with method, path, header names and body length, after the whole body. Keeps what it saw."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.headers: list[list[tuple[bytes, bytes]]] = []
        self.bodies: list[bytes] = []
        self.gone = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.paths.append(scope["path"])
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone.set()
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.headers.append(list(scope["headers"]))
        self.bodies.append(bytes(body))
        told = f"{scope['method']} {scope['path']} {len(body)}".encode()
        head = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(told))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": told})


class Served:
    """A running server. `refused` counts what it turned away; `drained` and `deadline` tell how far a stop has come."""

    def __init__(self) -> None:
        self.port = 0
        self.refused: collections.Counter[str] = collections.Counter()
        self.refusal = threading.Event()
        self.ready = threading.Event()
        self.drained = threading.Event()
        self.deadline = threading.Event()
        self.ended = threading.Event()
        self.loop: asyncio.AbstractEventLoop
        self._stop: Stop

    async def run(
        self, app: App, bounds: Bounds, certificate: Certificate | None, sock: socket.socket, drain_seconds: float
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = Stop()
        listener = Listener(
            sock=sock, app=app, render=render, refused=self._refuse, bounds=bounds, certificate=certificate
        )

        async def at_deadline() -> None:
            self.deadline.set()

        await serve(
            [listener],
            drain_seconds=drain_seconds,
            on_ready=self.ready.set,
            on_drain=self.drained.set,
            on_drain_deadline=at_deadline,
            settle_seconds=1.0,
            stop=self._stop,
        )

    def guarded(self, app: App, bounds: Bounds) -> App:
        hosts = Hosts(["a", "localhost", "127.0.0.1"])
        return Guard(app, hosts=hosts, body_bytes=bounds.body_bytes, render=render, refused=self._refuse)

    def ask_to_stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.ask)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def _refuse(self, kind: str) -> None:
        self.refused[kind] += 1
        self.refusal.set()


@contextlib.contextmanager
def serving(
    app: App, bounds: Bounds | None = None, certificate: Certificate | None = None, drain_seconds: float = PATIENCE
) -> Iterator[Served]:
    """The server around `app`, guarded, on a free port of loopback; stopped at once at the end."""
    bounds = bounds or Bounds()
    served = Served()
    sock = bind("127.0.0.1", 0)
    served.port = port_of(sock)

    def main() -> None:
        run(served.run(served.guarded(app, bounds), bounds, certificate, sock, drain_seconds), uvloop.new_event_loop)
        served.ended.set()

    thread = threading.Thread(target=main)
    thread.start()
    try:
        assert served.ready.wait(PATIENCE), "the server never became ready"
        yield served
    finally:
        if not served.ended.is_set():
            with contextlib.suppress(RuntimeError):  # it has ended in between
                served.ask_to_stop()
                served.ask_to_stop()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the server never ended"


def read_all(sock: socket.socket | ssl.SSLSocket) -> bytes:
    """Everything up to the end of the connection. Fails when it does not end."""
    got = bytearray()
    try:
        while data := sock.recv(65536):
            got += data
    except ConnectionError:
        pass
    return bytes(got)


def exchange(served: Served, raw: bytes) -> bytes:
    """Send, say that nothing follows by asking for a close in a last request-free read, and read to the end."""
    with served.connect() as sock:
        with contextlib.suppress(ConnectionError):  # refused before all of it was sent
            sock.sendall(raw)
        return read_all(sock)


def read_answer(sock: socket.socket | ssl.SSLSocket) -> bytes:
    """One answer with a content-length."""
    got = bytearray()
    while b"\r\n\r\n" not in got:
        data = sock.recv(65536)
        assert data, f"closed inside the header: {bytes(got)!r}"
        got += data
    head, _, body = bytes(got).partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        data = sock.recv(65536)
        assert data, "closed inside the body"
        body += data
    assert len(body) == length, f"more than one answer: {body!r}"
    return head + b"\r\n\r\n" + body


class Holding:
    """Begins an answer of chunks, and ends it when told to; `gone` tells that the client left before that."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.gone = threading.Event()
        self.paths: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._release: asyncio.Event | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.paths.append(scope["path"])
        self._loop = asyncio.get_running_loop()
        self._release = self._release or asyncio.Event()
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begin ", "more_body": True})
        release = asyncio.ensure_future(self._release.wait())
        leave = asyncio.ensure_future(receive())
        await asyncio.sleep(0)  # both wait now
        self.begun.set()
        both: set[asyncio.Future[Any]] = {release, leave}
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both - done:
            task.cancel()
        if leave in done:
            self.gone.set()
            return
        await send({"type": "http.response.body", "body": b"end"})

    def release(self) -> None:
        assert self._loop is not None
        assert self._release is not None
        self._loop.call_soon_threadsafe(self._release.set)


class Pouring:
    """Answers with bytes without end, as fast as the client reads. `stopped` tells that it could stop."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await receive()
        leave = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not leave.done():
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            await asyncio.sleep(0)
        self.stopped.set()
