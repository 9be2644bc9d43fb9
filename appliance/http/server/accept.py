"""Takes connections off a listening socket: a seat first, then TLS, then HTTP.

asyncio's own server is not used because it makes room for whoever comes and shows nobody until TLS has been spoken, and
because a changed certificate would need a new server.
"""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable

from uvicorn.config import Config

from appliance.domain.errors import RateLimited
from appliance.http.server.door import Door, neighbourhood
from appliance.http.server.protocol import Connection
from appliance.http.server.wire import last_answer

log = logging.getLogger(__name__)

_AT_ONCE = 64  # connections taken before other work gets its turn
_PAUSE = 0.5  # seconds without accepting when the process has no descriptor left
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
NO_SEAT = "too_many_connections"
NO_DESCRIPTOR = "no_descriptor"
NO_HANDSHAKE = "tls_handshake"


class Acceptor:
    """`context` is asked for every connection: what it returns decides about TLS (None: plain HTTP)."""

    def __init__(
        self, sock: socket.socket, door: Door, config: Config, context: Callable[[], ssl.SSLContext | None]
    ) -> None:
        self._sock = sock
        self._door = door
        self._config = config
        self._context = context
        self._loop: asyncio.AbstractEventLoop | None = None
        self._greeting: set[asyncio.Task[None]] = set()

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        loop.add_reader(self._sock.fileno(), self._accept, loop)

    def close(self) -> None:
        """Accept nobody any more. The socket is closed: what waits in its queue is reset, and may go elsewhere."""
        if self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._loop = None
            self._sock.close()

    def hang_up(self) -> None:
        """Break off handshakes under way."""
        for task in self._greeting:
            task.cancel()

    def _accept(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(_AT_ONCE):
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as problem:
                if problem.errno in _EXHAUSTED:
                    self._rest(loop, problem)
                    return
                continue  # it left before it was taken (ECONNABORTED and the like)
            self._greet(loop, sock, neighbourhood(str(address[0])))

    def _greet(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, peer: str) -> None:
        if not self._door.enter(peer):
            self._turn_away(sock)
            return
        task = loop.create_task(self._take(loop, sock, peer))
        self._greeting.add(task)
        task.add_done_callback(self._greeting.discard)

    async def _take(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, peer: str) -> None:
        connection = Connection(self._config, self._door, peer, loop)
        bounds = self._door.bounds
        context = self._context()
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is None:
                await loop.connect_accepted_socket(lambda: connection, sock)
            else:
                await loop.connect_accepted_socket(
                    lambda: connection,
                    sock,
                    ssl=context,
                    ssl_handshake_timeout=bounds.header_seconds,
                    ssl_shutdown_timeout=bounds.linger_seconds,
                )
        except OSError:
            self._gone(connection, sock, peer)
            self._door.refused(NO_HANDSHAKE)
        except asyncio.CancelledError:
            self._gone(connection, sock, peer)
            raise

    def _gone(self, connection: Connection, sock: socket.socket, peer: str) -> None:
        """A connection that was made gives its seat back itself; one that was not cannot."""
        if not connection.made:
            sock.close()
            self._door.leave(peer)

    def _turn_away(self, sock: socket.socket) -> None:
        self._door.refused(NO_SEAT)
        with sock:
            if self._context() is None:
                error = RateLimited("too many connections are open; close some, or try again later", retry_after=1.0)
                sock.setblocking(False)
                try:
                    sock.send(last_answer(self._door.render(error)))
                except OSError:
                    return  # it is gone already

    def _rest(self, loop: asyncio.AbstractEventLoop, problem: OSError) -> None:
        self._door.refused(NO_DESCRIPTOR)
        log.error(
            "no connection can be accepted: %s; raise LimitNOFILE or lower `limits.connections`", problem.strerror
        )
        loop.remove_reader(self._sock.fileno())
        loop.call_later(_PAUSE, self._resume, loop)

    def _resume(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not None:
            loop.add_reader(self._sock.fileno(), self._accept, loop)
