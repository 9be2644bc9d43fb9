"""What was carried in: a folder, a packed one, or an update that holds only what is new."""

from collections.abc import Callable
from pathlib import Path

from installer.disk import PRIVATE_FOLDER
from installer.failure import Failed
from installer.staging import copy_medium
from offline.rules.archive import rebuild, stored, unpack

PACKED = {".tar", ".gwd"}


def medium_of(given: str) -> Path:
    """Raises Failed unless it is a folder, a `.tar` or a `.gwd`."""
    medium = Path(given).absolute()
    if medium.is_symlink() or not (medium.is_dir() or (medium.is_file() and medium.suffix in PACKED)):
        raise Failed(f"`{given}` is no folder, no `.tar` and no `.gwd`; give what was carried in")
    return medium


def size_of(medium: Path) -> int:
    """Bytes, roughly: the medium is not trusted, and may change."""
    if medium.is_file():
        return medium.stat().st_size
    return sum(one.lstat().st_size for one in medium.rglob("*") if one.is_file() and not one.is_symlink())


def take(medium: Path, target: Path, store: Path, progress: Callable[[str, int], None]) -> None:
    """Copy, unpack or rebuild it into the new folder `target`. Raises Refused; nothing is believed yet."""
    if medium.is_dir():
        copy_medium(medium, target, progress)
        return
    scratch = target.with_name("unpacked")
    scratch.mkdir(mode=PRIVATE_FOLDER)
    if medium.suffix == ".tar":
        made = unpack(medium, scratch, progress)
    else:
        made = rebuild(medium, stored(store), scratch, progress)
    made.rename(target)
    scratch.rmdir()
