"""A copy of the medium that is ours alone: everything is verified there, so that a medium may change as it likes."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from installer.disk import PRIVATE_FOLDER, copy_file
from offline.rules.names import shown
from offline.rules.refusal import Fault, Refused

MOST_FILES = 200_000
DEEPEST = 32


def copy_medium(medium: Path, target: Path, progress: Callable[[str, int], None]) -> None:
    """Copy plain files and folders into the new folder `target`. Raises Refused for anything else."""
    target.mkdir(mode=PRIVATE_FOLDER)
    try:
        top = os.open(medium, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise Refused(Fault.READ, f"`{shown(str(medium))}` cannot be opened as a folder: {error.strerror}") from error
    try:
        _copy(top, target, "", [0], progress)
    except OSError as error:
        raise Refused(Fault.READ, f"the medium cannot be copied: {error.strerror or error}") from error
    finally:
        os.close(top)


def _copy(source: int, target: Path, prefix: str, count: list[int], progress: Callable[[str, int], None]) -> None:
    for name in sorted(os.listdir(source)):
        path = f"{prefix}{name}"
        count[0] += 1
        if count[0] > MOST_FILES or prefix.count("/") > DEEPEST:
            raise Refused(Fault.SIZE, f"the medium holds more than {MOST_FILES} files, or folders too deep")
        kind = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISDIR(kind.st_mode):
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=source)
            try:
                (target / name).mkdir(mode=PRIVATE_FOLDER)
                _copy(inner, target / name, f"{path}/", count, progress)
            finally:
                os.close(inner)
        elif not stat.S_ISREG(kind.st_mode):
            raise Refused(Fault.KIND, f"`{shown(path)}` is neither a file nor a folder; a bundle holds nothing else")
        elif kind.st_mode & (stat.S_ISUID | stat.S_ISGID):
            raise Refused(Fault.MODE, f"`{shown(path)}` is setuid or setgid")
        else:
            progress(path, copy_file(source, name, target / name))
