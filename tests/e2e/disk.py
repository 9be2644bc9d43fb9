"""A disk of a few megabytes, for tests that fill it: a file system in memory, inside a mount namespace of its own."""

import errno
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.system.needs import missing, need

MOUNT = 'mount -t tmpfs -o size="$0" tmpfs "$1" && echo mounted && exec cat'
PIECE = bytes(65536)


class Disk(msgspec.Struct, frozen=True):
    """Seen by the processes started `within` it; a test that stays outside reaches it through `outside`."""

    within: Sequence[str]
    outside: Path

    def fill(self) -> None:
        """To the last byte."""
        with (self.outside / "filler").open("ab", buffering=0) as filler:
            for size in (len(PIECE), 4096, 1):
                try:
                    while filler.write(PIECE[:size]):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self) -> None:
        (self.outside / "filler").unlink()


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[Disk]:
    """Mount one at `at`. Skips where the machine does not let us."""
    unshare, nsenter = need("unshare", "util-linux"), need("nsenter", "util-linux")
    root = os.geteuid() == 0
    at.mkdir()
    holder = subprocess.Popen(
        [unshare, "-m" if root else "-rm", "sh", "-c", MOUNT, size, str(at)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    try:
        if holder.stdout.readline() != "mounted\n":
            missing(f"this machine mounts no file system for a test: {holder.communicate()[1].strip()}")
        user = [] if root else ["-U", "--preserve-credentials"]
        yield Disk([nsenter, "-t", str(holder.pid), "-m", *user], Path(f"/proc/{holder.pid}/root{at}"))
    finally:
        holder.communicate()  # its input ends, and so does it; the file system goes with the last process in it
