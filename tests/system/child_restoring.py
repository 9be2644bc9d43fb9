"""Restores a backup into copies of a data folder and kills itself at the n-th boundary, for every n; says how many.

Boundaries: before and after every file is synced, moved, removed or made a folder.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from appliance.observe.clock import SystemClock
from appliance.store.restore import restore


def restore_until(boundary: int, backup: Path, folder: Path) -> None:
    """Returns when there are fewer boundaries than that."""
    left = boundary

    def reached() -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    def around(call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*given: Any, **more: Any) -> Any:
            reached()
            answer = call(*given, **more)
            reached()
            return answer

        return watched

    for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "mkdir"), (Path, "rmdir")):
        setattr(owner, name, around(getattr(owner, name)))
    restore(backup, folder, SystemClock())
    reached()


def main(template: Path, backup: Path, work: Path) -> int:
    """How often it was killed; -1 when it failed otherwise."""
    for boundary in count():
        folder = Path(shutil.copytree(template, work / f"{boundary:03}"))
        child = os.fork()
        if child == 0:
            failed = True
            try:
                restore_until(boundary, backup, folder)
                failed = False
            finally:
                os._exit(failed)  # whatever happened: this is a copy of the parent
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return boundary if os.WEXITSTATUS(status) == 0 else -1
    return -1


if __name__ == "__main__":
    print(main(*map(Path, sys.argv[1:4])))
