"""uvloop's event loop, asking before it connects, looks up or spawns: it does all three below Python's audit events."""

import os
import socket
from typing import Any, NoReturn, Protocol

import uvloop

from appliance.egress.guard import EgressRefused, Guard


class Watch(Protocol):
    """What the loop asks; see `fuse.Fuse`."""

    guard: Guard

    def refuse(self, layer: str, what: str, to: object, why: str) -> EgressRefused: ...
    def peer(self, layer: str, what: str, address: object) -> None: ...
    def lookup(self, layer: str, host: object) -> None: ...
    def spawn(self, layer: str, program: object) -> EgressRefused: ...


class GuardedLoop(uvloop.Loop):
    """Raises EgressRefused where the dial guard would. A listed name is looked up once and dialled as checked."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    async def create_connection(self, *args: Any, **kwargs: Any) -> Any:
        factory, host, port = _arguments(args, kwargs, "protocol_factory", "host", "port")
        sock = kwargs.get("sock")
        if sock is not None:
            self._connected(sock)
        if host is None:
            return await super().create_connection(factory, None, None, **kwargs)  # its own error, or `sock`
        if kwargs.get("ssl") and kwargs.get("server_hostname") is None:
            kwargs["server_hostname"] = host
        last: OSError = OSError(f"`{host}` has no address of the wanted family")
        for address in await self._addresses(host, port, kwargs.get("family", 0)):
            try:
                return await super().create_connection(factory, address, port, **kwargs)
            except OSError as error:
                last = error
        raise last

    async def create_datagram_endpoint(self, *args: Any, **kwargs: Any) -> Any:
        factory, local, remote = _arguments(args, kwargs, "protocol_factory", "local_addr", "remote_addr")
        sock = kwargs.get("sock")
        if sock is not None:
            self._connected(sock)
        elif remote is None:  # uvloop would then send each datagram wherever it is told, unseen
            raise self._watch.refuse("loop", "datagram", local, "a datagram socket is connected to one peer or refused")
        elif isinstance(remote, tuple):
            addresses = await self._addresses(remote[0], remote[1], kwargs.get("family", 0))
            remote = (addresses[0], *remote[1:])
        else:
            self._watch.peer("loop", "datagram", remote)
        return await super().create_datagram_endpoint(factory, local, remote, **kwargs)

    async def create_unix_connection(self, *args: Any, **kwargs: Any) -> Any:
        factory, path = _arguments(args, kwargs, "protocol_factory", "path")
        if kwargs.get("sock") is not None:
            self._connected(kwargs["sock"])
        else:
            self._watch.peer("loop", "connect", os.fspath(path) if path is not None else "")
        return await super().create_unix_connection(factory, path, **kwargs)

    async def sock_connect(self, sock: Any, address: Any) -> Any:
        if isinstance(address, tuple) and len(address) >= 2 and sock.family in {socket.AF_INET, socket.AF_INET6}:
            addresses = await self._addresses(address[0], address[1], sock.family)
            address = (addresses[0], *address[1:])
        self._watch.peer("loop", "connect", address)
        return await super().sock_connect(sock, address)

    async def sock_sendto(self, sock: Any, data: Any, address: Any) -> Any:
        self._watch.peer("loop", "send", address)
        return await super().sock_sendto(sock, data, address)

    async def getaddrinfo(self, host: Any, port: Any, **kwargs: Any) -> Any:
        self._watch.lookup("loop", host)
        return await super().getaddrinfo(host, port, **kwargs)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> Any:
        if not flags & socket.NI_NUMERICHOST:
            raise self._watch.refuse("loop", "lookup", sockaddr, "addresses are not turned into names")
        return await super().getnameinfo(sockaddr, flags)

    async def subprocess_exec(self, *args: Any, **_: Any) -> NoReturn:
        raise self._watch.spawn("loop", args[1] if len(args) > 1 else "?")

    async def subprocess_shell(self, *_: Any, **__: Any) -> NoReturn:
        raise self._watch.spawn("loop", "a shell")

    async def _addresses(self, host: Any, port: Any, family: int) -> tuple[str, ...]:
        """Where `host` may be dialled within a family (0: any); at least one. Raises EgressRefused, OSError."""
        name = os.fsdecode(host) if isinstance(host, str | bytes) else ""
        found = await self._watch.guard.addresses(name, port)
        fitting = tuple(address for address in found if not family or _family(address) == family)
        if not fitting:
            raise OSError(f"`{name}` has no address of the wanted family")
        return fitting

    def _connected(self, sock: Any) -> None:
        """A socket somebody else connected: its peer is judged like any other."""
        self._watch.peer("loop", "connect", sock.getpeername())


def _arguments(args: tuple[Any, ...], kwargs: dict[str, Any], *names: str) -> list[Any]:
    """Positional arguments by name, taken out of either place; None where not given."""
    return [args[place] if place < len(args) else kwargs.pop(name, None) for place, name in enumerate(names)]


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
