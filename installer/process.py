"""The gateway as a process of ours, where no service manager runs: started, left alone, stopped.

Two locks tell whether it runs, and both end with it, however it ends: `run/alive`, handed over open at its start, and
the gateway's own lock of the data folder. Its number is believed only while one of them is held.
"""

import errno
import fcntl
import os
import pwd
import signal
import stat
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from installer import accounts
from installer.failure import Failed
from installer.layout import Layout
from installer.programs import ENVIRONMENT
from installer.settings import DRAIN, drain_of

GRACE = 15  # seconds after the drain: the ledger's last rows, then the end
PAUSE = 0.05
LONGEST_LINE = 8192  # bytes of the log
BEGIN = 'echo $$ >"$0" && exec "$1"'


class ProcessService:
    """`work.Service` through `PREFIX/bin/redoubt-serve`."""

    def __init__(self, layout: Layout, user: str = "") -> None:
        self._layout = layout
        self.user = user if os.geteuid() == 0 else ""
        self._number = layout.run / "gateway.pid"
        self._log = layout.log / "gateway.log"

    @property
    def kind(self) -> str:
        return "process"

    def prepare(self) -> None:
        """Folders for its number and its log, which whom it runs as may write."""
        if self.user:
            accounts.make(self.user, self._layout.data)
        who = pwd.getpwnam(self.user) if self.user else None
        for folder in (self._layout.run, self._layout.log):
            folder.mkdir(mode=0o700, exist_ok=True)
            if who is not None:
                os.chown(folder, who.pw_uid, who.pw_gid)

    def remove(self) -> None:
        """Nothing of it is outside the prefix."""

    def forget(self) -> None:
        """As for `remove`."""

    def running(self) -> bool:
        return any(_held(lock) for lock in self._locks())

    def start(self) -> None:
        """Raises Failed when it ends at once."""
        if self.running():
            return
        self.prepare()
        self._number.unlink(missing_ok=True)
        alive = os.open(self._layout.run / "alive", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            child = self._spawn(alive)
        finally:
            os.close(alive)
        time.sleep(PAUSE)
        if child.poll() is not None:
            raise Failed(f"the gateway ended at once with {child.returncode}: {self.last_words()}")
        child.returncode = 0  # it outlives us: nobody waits for it

    def stop(self) -> None:
        settings = self._layout.settings
        until = time.monotonic() + GRACE + (drain_of(settings.read_text()) if settings.exists() else DRAIN)
        told = False
        while self.running():
            number = self._process()
            if number is not None and (not told or time.monotonic() > until):
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL if told else signal.SIGTERM)
                told = True
            if time.monotonic() > until + PAUSE * 100:
                raise Failed(f"the gateway of `{self._layout.data}` does not stop; end it by hand, then try again")
            time.sleep(PAUSE)
        self._number.unlink(missing_ok=True)

    def last_words(self) -> str:
        """The last line of its log, which is where the rest is."""
        try:
            with _opened(self._log, os.O_RDONLY) as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - LONGEST_LINE))
                lines = log.read(LONGEST_LINE).decode("utf-8", "replace").split("\n")
        except OSError as error:
            return f"its log `{self._log}` cannot be read: {error.strerror}"
        said = [one for line in lines if (one := "".join(filter(str.isprintable, line)).strip())]
        return f"{said[-1][:300] if said else 'it said nothing'} (the rest is in `{self._log}`)"

    def _spawn(self, alive: int) -> subprocess.Popen[bytes]:
        who = pwd.getpwnam(self.user) if self.user else None
        with _opened(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as out:
            return subprocess.Popen(  # noqa: S603 -- our own program
                ["/bin/sh", "-c", BEGIN, str(self._number), str(self._layout.bin / "redoubt-serve")],
                env=dict(ENVIRONMENT),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                pass_fds=(alive,),
                cwd="/",
                user=None if who is None else who.pw_uid,
                group=None if who is None else who.pw_gid,
                extra_groups=None if who is None else [],
            )

    def _locks(self) -> tuple[Path, Path]:
        return self._layout.run / "alive", self._layout.data / "gateway.lock"

    def _process(self) -> int | None:
        """Its number; None while it has not said yet. Whoever it runs as wrote that, and could name any process."""
        alive, own = self._locks()
        for lock, file in ((own, own), (alive, self._number)):
            if _held(lock):
                with suppress(FileNotFoundError), _opened(file, os.O_RDONLY) as opened:
                    told = opened.read(20).strip()
                    if told.isdigit() and self._is_its_users(int(told)):
                        return int(told)
        return None

    def _is_its_users(self, number: int) -> bool:
        expected = pwd.getpwnam(self.user).pw_uid if self.user else os.geteuid()
        return number > 1 and Path(f"/proc/{number}").stat().st_uid == expected


def _opened(file: Path, flags: int) -> BinaryIO:
    """Never through a link, never a pipe: whom the gateway runs as may write into the folder. Raises OSError."""
    descriptor = os.open(file, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no plain file", str(file))
    return os.fdopen(descriptor, "ab" if flags & os.O_APPEND else "rb")


def _held(lock: Path) -> bool:
    try:
        with _opened(lock, os.O_RDONLY) as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    except FileNotFoundError:
        pass
    return False
