"""Migrates a copy of a data folder and kills itself at the n-th boundary, for every n there is; says how many.

Run with the later release before this tree on the path. Boundaries: before and after each statement, before each
commit, and after the last.
"""

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine

from appliance.store.migrate import migrate, migrate_online


def migrate_until(boundary: int, folder: Path, *, online: bool) -> None:
    """Returns when there are fewer boundaries than that."""
    left = boundary

    def reached(*given: object) -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(Engine, name, reached)
    (migrate_online if online else migrate)(folder)
    reached()


def main(template: Path, work: Path, *, online: bool) -> int:
    """How often it was killed."""
    for boundary in count():
        folder = Path(shutil.copytree(template, work / f"{boundary:03}"))
        child = os.fork()
        if child == 0:
            failed = True
            try:
                migrate_until(boundary, folder, online=online)
                failed = False
            finally:
                os._exit(failed)  # whatever happened: this is a copy of the parent
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return boundary if os.WEXITSTATUS(status) == 0 else -1
    return -1


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2]), online=sys.argv[3] == "online"))
