"""What this process may not do, from before its first library on: dial, look up, start programs, write files, dump.

The gateway's pipes are taken off stdin and stdout: what a library prints is no answer, and none can read a question.
Standard library only.
"""

import contextlib
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

REFUSED: Final = frozenset({
    "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
    "socket.gethostbyaddr", "socket.getnameinfo", "urllib.Request", "ftplib.connect", "smtplib.connect",
    "subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "os.forkpty", "pty.spawn",
})  # fmt: skip
"""Audit events: all that could carry a text away by way of Python."""
_MOST_FILES: Final = 64
_MOST_MEMORY: Final = 3 * 1024**3  # bytes; an operator's large model takes about one

_OOM: Final = Path("/proc/self/oom_score_adj")
_FIRST: Final = 500  # of 1000; the unit gives the gateway -500, and a worker starts with that


class Refused(OSError):
    """A library tried what a worker may not do."""


def go_first() -> None:
    """Have the kernel, when memory runs out, take this process before the gateway: a worker is replaced in a second.

    Raising needs no privilege (proc(5)). What is higher already stays; a host that shows no such file goes on without.
    """
    with contextlib.suppress(OSError):
        if int(_OOM.read_text(encoding="ascii")) < _FIRST:
            _OOM.write_text(str(_FIRST), encoding="ascii")


def confine() -> tuple[BinaryIO, BinaryIO]:
    """Where questions come from and where answers go. Cannot be undone in this process."""
    sys.addaudithook(refuse)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold texts
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # as would any file
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))  # an error here, not the host's OOM killer
    most = min(_MOST_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for name in (signal.SIGALRM, signal.SIGPIPE):
        signal.signal(name, signal.SIG_DFL)
    return _pipes()


def refuse(event: str, _: tuple[Any, ...]) -> None:
    if event in REFUSED:
        raise Refused(f"a worker does not `{event}`")


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    listen, speak = os.dup(0), os.dup(1)
    nothing, end = os.pipe()  # empty and ended; `/dev/null` would be one thing more that a host must have
    os.close(end)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(listen, "rb", buffering=0), os.fdopen(speak, "wb", buffering=0)


def perish(within: float) -> None:
    """Be ended by the kernel after so many seconds, whatever this process is doing then; 0 takes it back.

    The gateway kills a worker that overruns. This is for the worker whose gateway is gone: one that waits sees the end
    of its input, one that works would go on. SIGALRM's default ends even a match inside a C library.
    """
    signal.setitimer(signal.ITIMER_REAL, within)
