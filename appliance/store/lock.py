"""Advisory locks on a data folder: one gateway at a time, and nobody inside while it is replaced.

`gateway.lock` is held alone by the serving process. `use.lock` is shared by every process that has the databases open
and held alone by a restore. Both end with the process, however it ends (flock(2)).
"""

import fcntl
import os
from pathlib import Path
from time import sleep
from typing import NamedTuple, Self

from appliance.domain.errors import Conflict, StoreUnavailable
from appliance.store.folder import PRIVATE_FILE, create_private

LOOK = 0.05  # seconds; looking whether a lock is held takes microseconds


class Lock:
    """A held lock. Give it back with `release()`, or leave the `with` block."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


class Holder(NamedTuple):
    """Who holds a lock alone."""

    process: int | None  # None: it has not said yet


def hold_alone(file: Path, refusal: str) -> Lock:
    """Raises Conflict with `refusal` and the process that holds it."""
    try:
        return _hold(file, fcntl.LOCK_EX, refusal)
    except Conflict:
        sleep(LOOK)  # it may only have been `holder_of`
        return _hold(file, fcntl.LOCK_EX, refusal)


def hold_shared(file: Path, refusal: str) -> Lock:
    """Raises Conflict with `refusal` when somebody holds it alone."""
    return _hold(file, fcntl.LOCK_SH, refusal)


def holder_of(file: Path) -> Holder | None:
    """Who holds a lock alone now; None when nobody does. Raises StoreUnavailable."""
    try:
        with file.open("rb") as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return Holder(_process(opened.read(20)))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreUnavailable(f"`{file}` cannot be opened: {error.strerror}") from error
    return None


def _hold(file: Path, kind: int, refusal: str) -> Lock:
    create_private(file)
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW, PRIVATE_FILE)
    except OSError as error:
        raise StoreUnavailable(f"`{file}` cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        if kind == fcntl.LOCK_EX:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        holder = _process(os.pread(descriptor, 20, 0))
        os.close(descriptor)
        raise Conflict(refusal if holder is None else f"{refusal} (process {holder})") from None
    except OSError as error:
        os.close(descriptor)
        raise StoreUnavailable(f"`{file}` cannot be locked: {error.strerror}") from error
    return Lock(descriptor)


def _process(written: bytes) -> int | None:
    text = written.strip()
    return int(text) if text.isdigit() else None
