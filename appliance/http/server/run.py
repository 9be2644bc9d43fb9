"""Serves all listeners in one loop, and stops them: door shut, answers finished, the rest ended in order, then closed.

| asked to stop | then                                                                                             |
|---------------|--------------------------------------------------------------------------------------------------|
| once          | `on_drain`; nobody new is let in; answers in progress have `drain_seconds`                       |
| after that    | `on_drain_deadline` ends what still runs (an error event, settlement); `settle_seconds` for that |
| twice         | as if `drain_seconds` had passed                                                                 |
"""

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any

import msgspec
from uvicorn.config import Config

from appliance.http.server.accept import Acceptor
from appliance.http.server.bounds import Bounds
from appliance.http.server.door import Door
from appliance.http.server.lifespan import lifespan
from appliance.http.server.tls import Certificate
from appliance.http.server.wire import App, Refused, Render

log = logging.getLogger(__name__)

CERTIFICATE_SECONDS = 5.0  # how often certificate files are looked at


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """One listening socket (of `sockets.bind`) and the app behind it."""

    sock: socket.socket
    app: App
    render: Render
    refused: Refused
    bounds: Bounds = Bounds()
    certificate: Certificate | None = None


class Stop:
    """The wish to stop. Asked once: drain. Asked again: at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.urgent = asyncio.Event()

    def ask(self) -> None:
        (self.urgent if self.asked.is_set() else self.asked).set()


async def serve(
    listeners: Sequence[Listener],
    *,
    drain_seconds: float,
    on_ready: Callable[[], None],
    on_drain: Callable[[], None],
    on_drain_deadline: Callable[[], Awaitable[None]],
    settle_seconds: float = 5.0,
    stop: Stop | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`; return when everything is closed.

    `on_ready` is called once requests can be answered, `on_drain` before the doors are shut. SIGHUP reads certificates
    again. Raises what an app raises in its startup; nothing is served then.
    """
    stop = stop or Stop()
    async with contextlib.AsyncExitStack() as stack:
        for listener in listeners:
            stack.callback(listener.sock.close)
        for app in dict.fromkeys(listener.app for listener in listeners):
            await stack.enter_async_context(lifespan(app))
        await stack.enter_async_context(_watched([one.certificate for one in listeners if one.certificate]))
        stack.enter_context(_signals(stop, listeners))
        houses = [_House(listener) for listener in listeners]
        for house in houses:
            stack.callback(house.lock)
            house.open(asyncio.get_running_loop())
        on_ready()
        await stop.asked.wait()
        on_drain()
        for house in houses:
            house.close()
        await _drain(houses, stop, drain_seconds, on_drain_deadline, settle_seconds)


def run(main: Coroutine[None, None, None], loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Run `main` in a loop of the given kind; the process has no other."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main)


class _House:
    """A listener at work."""

    def __init__(self, listener: Listener) -> None:
        self.door = Door(listener.bounds, listener.render, listener.refused)
        certificate = listener.certificate
        context = certificate.context if certificate is not None else lambda: None
        self._acceptor = Acceptor(listener.sock, self.door, _config(listener.app), context)

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        self.door.open(loop)
        self._acceptor.open(loop)

    def close(self) -> None:
        self._acceptor.close()
        self.door.close()

    def cancel(self) -> None:
        self._acceptor.hang_up()
        for task in self.door.state.tasks:
            task.cancel()

    def lock(self) -> None:
        self._acceptor.close()
        self._acceptor.hang_up()
        self.door.lock()


async def _drain(
    houses: Sequence[_House],
    stop: Stop,
    drain_seconds: float,
    on_drain_deadline: Callable[[], Awaitable[None]],
    settle_seconds: float,
) -> None:
    if await _emptied(houses, drain_seconds, stop.urgent):
        return
    open_, busy = sum(house.door.taken for house in houses), sum(len(house.door.state.tasks) for house in houses)
    log.warning("the time to drain is over; ending %d connections and %d requests", open_, busy)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(settle_seconds):
            await on_drain_deadline()
    if await _emptied(houses, settle_seconds, asyncio.Event()):
        return
    for house in houses:
        house.cancel()
        house.door.lock()
    await _emptied(houses, settle_seconds, asyncio.Event())


async def _emptied(houses: Sequence[_House], seconds: float, urgent: asyncio.Event) -> bool:
    """True once nobody is in any house; False when the time is up, or it has become urgent."""
    leaving = asyncio.ensure_future(_all_emptied(houses))
    hurry = asyncio.ensure_future(urgent.wait())
    both: set[asyncio.Future[Any]] = {leaving, hurry}
    done, waiting = await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return leaving in done


async def _all_emptied(houses: Sequence[_House]) -> None:
    for house in houses:  # doors are shut: once empty, a house stays empty
        await house.door.emptied()


@contextlib.asynccontextmanager
async def _watched(certificates: Sequence[Certificate]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(certificate.watch(CERTIFICATE_SECONDS)) for certificate in certificates]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


@contextlib.contextmanager
def _signals(stop: Stop, listeners: Sequence[Listener]) -> Iterator[None]:
    """Signals reach only the main thread; elsewhere (tests) `stop` is the one way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def reload() -> None:
        for listener in listeners:
            if listener.certificate is not None:
                listener.certificate.reload()

    loop = asyncio.get_running_loop()
    handlers = {signal.SIGTERM: stop.ask, signal.SIGINT: stop.ask, signal.SIGHUP: reload}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


def _config(app: App) -> Config:
    """What uvicorn's protocol reads. It configures no logging, reads no environment and adds no header."""
    config = Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        workers=1,
        proxy_headers=False,
        forwarded_allow_ips=[],
        server_header=False,
        date_header=False,
    )
    config.load()
    return config
