"""The process-wide fuse behind the dial guard: whatever some library tries, this process connects only where it may.

Two layers, because neither sees everything. uvloop connects, resolves and spawns below Python's audit events, so the
event loop is a subclass that asks first; plain sockets and `subprocess` in any thread raise audit events, so a hook
asks there. Native code that calls connect(2) by itself is seen by neither and is left to rules of the host.
Listening, binding and accepting are not affected. A program is started when its whole command line is listed.
An audit hook cannot be removed: install once, when serving starts.
"""

import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from appliance.egress.address import numeric, parse
from appliance.egress.guard import AllowList, EgressRefused, Guard
from appliance.egress.loop import GuardedLoop
from appliance.egress.refusals import OnRefusal, Refusal, Refusals

Check = Callable[[tuple[Any, ...]], None]
Programs = frozenset[tuple[str, ...]]
_INET = (socket.AF_INET, socket.AF_INET6)


class Fuse:
    """What this process may do, and the counts of what it tried."""

    def __init__(
        self,
        allow: AllowList,
        on_refusal: OnRefusal,
        *,
        unix: frozenset[str] = frozenset(),
        programs: Programs = frozenset(),
    ) -> None:
        """`unix` lists the socket files that may be connected to, `programs` the command lines that may be started.

        `on_refusal` is called from any thread.
        """
        self.allow = allow
        self.unix = unix
        self.programs = programs
        self.refusals = Refusals(on_refusal)
        self.loaded = 0  # native libraries opened by ctypes since installation: counted, not stopped
        self.guard = Guard(allow, on_refusal=self.refusals.note, layer="loop")

    def loop_factory(self) -> GuardedLoop:
        """A uvloop event loop that connects only where it may; for `asyncio.Runner(loop_factory=...)`."""
        return GuardedLoop(self)

    def refuse(self, layer: str, what: str, to: object, why: str) -> EgressRefused:
        """The error to raise, once it is counted."""
        self.refusals.note(Refusal(layer=layer, what=what, to=str(to), why=why))
        return EgressRefused(f"egress fuse: {what} `{to}`: {why}")

    def peer(self, layer: str, what: str, address: object) -> None:
        """Raises EgressRefused unless `address`, as the kernel takes it, may be reached."""
        if isinstance(address, str | bytes):
            path = os.fsdecode(address)
            if path not in self.unix:
                raise self.refuse(layer, what, repr(path), "the socket file is not listed")
            return
        if not isinstance(address, tuple) or len(address) < 2 or not isinstance(address[0], str):
            raise self.refuse(layer, what, address, "not an internet address")
        to = f"{address[0]}:{address[1]}"
        if len(address) == 4 and address[3]:
            raise self.refuse(layer, what, to, "a scoped address is never dialled")
        try:
            why = self.allow.refusal(parse(address[0]))
        except ValueError:  # a name: the kernel would look it up by itself, and nobody would check the answer
            why = "a name is looked up and checked before it is dialled"
        if why is not None:
            raise self.refuse(layer, what, to, why)

    def lookup(self, layer: str, host: object) -> None:
        """Raises EgressRefused unless looking `host` up asks nobody, or the name is listed."""
        if host is None:
            return
        name = os.fsdecode(host) if isinstance(host, str | bytes) else str(host)
        if not name or numeric(name) or self.allow.names(name):
            return
        raise self.refuse(layer, "lookup", name, "the name is not in the egress allow-list")

    def spawn(self, layer: str, program: object) -> EgressRefused:
        """The error for a subprocess that is not listed."""
        return self.refuse(layer, "subprocess", program, "the gateway starts no program but its workers")

    def audit(self) -> Callable[[str, tuple[Any, ...]], None]:
        """The hook for `sys.addaudithook`. Most events are none of ours and cost one look into a dict."""
        checks: dict[str, Check] = {
            "socket.connect": lambda args: self._socket("connect", args[0], args[1]),
            "socket.sendto": lambda args: self._socket("send", args[0], args[1]),
            "socket.sendmsg": lambda args: None if args[1] is None else self._socket("send", args[0], args[1]),
            "socket.getaddrinfo": lambda args: self.lookup("audit", args[0]),
            "socket.gethostbyname": lambda args: self.lookup("audit", args[0]),
            "socket.gethostbyaddr": lambda args: self._reverse(args[0]),
            "socket.getnameinfo": lambda args: self._reverse(args[0]),
            "ctypes.dlopen": self._count_library,
            "subprocess.Popen": self._popen,
        }
        for event in ("os.exec", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn"):
            checks[event] = self._spawned
        find = checks.get

        def hook(event: str, args: tuple[Any, ...]) -> None:
            check = find(event)
            if check is not None:
                check(args)

        return hook

    def _socket(self, what: str, sock: Any, address: object) -> None:
        family = sock.family
        if family not in _INET and family != socket.AF_UNIX:
            raise self.refuse("audit", what, address, f"sockets of family {family!s} are not used")
        self.peer("audit", what, address)

    def _reverse(self, what: object) -> None:
        raise self.refuse("audit", "lookup", what, "addresses are not turned into names: that asks a name server")

    def _popen(self, args: tuple[Any, ...]) -> None:
        """`subprocess.Popen` alone can start what is listed: it is the event that tells the whole command line."""
        program, line = args[0], args[1]
        if isinstance(line, list | tuple) and line and program == line[0] and tuple(line) in self.programs:
            return
        self._spawned(args)

    def _spawned(self, args: tuple[Any, ...]) -> None:
        program = args[0] if args else "?"
        raise self.spawn("audit", os.fsdecode(program) if isinstance(program, bytes) else program)

    def _count_library(self, _: tuple[Any, ...]) -> None:
        self.loaded += 1


def install(
    allow: AllowList,
    on_refusal: OnRefusal,
    *,
    unix: frozenset[str] = frozenset(),
    programs: Programs = frozenset(),
) -> Fuse:
    """Arm the audit hook for the rest of this process. The loop is armed by running on `loop_factory`."""
    fuse = Fuse(allow, on_refusal, unix=unix, programs=programs)
    sys.addaudithook(fuse.audit())
    return fuse
