"""CPU, memory and descriptors of a process and everything it started, read from Linux's /proc."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


class Family:
    """All processes of one session; the leader was started with `start_new_session`."""

    def __init__(self, leader: int) -> None:
        self._leader = str(leader)

    def cpu(self) -> float:
        """Seconds of CPU, with those of children that have ended and were waited for; of threads that ended, none.

        From `schedstat`, which counts nanoseconds: nginx takes a tenth of a second of a measurement, ten clock ticks.
        """
        running = ended = 0
        for folder, stat in self._members():
            running += _scheduled(folder)
            ended += int(stat[13]) + int(stat[14])
        return running / 1e9 + ended / _TICKS

    def memory(self) -> float:
        """Resident megabytes (10^6); pages shared by several processes of the family are counted once."""
        members = [folder for folder, _ in self._members()]
        if len(members) == 1:
            return _resident(members[0]) / 1e6
        return sum(map(_proportional, members)) / 1e6

    def descriptors(self) -> int:
        return sum(_descriptors(folder) for folder, _ in self._members())

    def _members(self) -> Iterator[tuple[Path, list[str]]]:
        """Folders in /proc with the fields of `stat` from the third on (proc(5))."""
        for folder in _PROC.iterdir():
            if not folder.name.isdigit():
                continue
            try:
                fields = (folder / "stat").read_text().rpartition(") ")[2].split()
            except OSError:  # it has ended
                continue
            if fields[3] == self._leader:
                yield folder, fields


def _scheduled(folder: Path) -> int:
    """Nanoseconds on a CPU, over all threads."""
    total = 0
    try:
        for task in (folder / "task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    except OSError:  # it has ended while we looked
        return total
    return total


def _resident(folder: Path) -> int:
    try:
        return int((folder / "statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(folder: Path) -> int:
    try:
        lines = (folder / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _descriptors(folder: Path) -> int:
    try:
        return len(os.listdir(folder / "fd"))  # noqa: PTH208 -- a name a line is all that is needed
    except OSError:
        return 0
