"""One tar for one tree: the order, times and owners of its making leave no trace in it."""

import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_NONE: Mapping[str, int] = MappingProxyType({})


def write_tar(
    root: Path, target: Path, *, modes: Mapping[str, int] = _NONE, owners: Mapping[str, int] = _NONE, epoch: int = 0
) -> None:
    """Everything below `root`, names in byte order, as ustar. Files are 0644, or 0755 when their owner may run them.

    `modes` and `owners` (user and group alike) are by relative name; all else is root's. No setuid, no devices.
    """
    paths = sorted(root.rglob("*"), key=lambda path: str(path.relative_to(root)).encode())
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as out:
        for path in paths:
            name = str(path.relative_to(root))
            told = tarfile.TarInfo(name)
            told.mtime, told.uid, told.gid = epoch, owners.get(name, 0), owners.get(name, 0)
            if path.is_symlink():
                told.type, told.linkname, told.mode = tarfile.SYMTYPE, str(path.readlink()), 0o777
                out.addfile(told)
            elif path.is_dir():
                told.type, told.mode = tarfile.DIRTYPE, modes.get(name, 0o755)
                out.addfile(told)
            else:
                told.size = path.stat().st_size
                told.mode = modes.get(name, 0o755 if path.stat().st_mode & 0o100 else 0o644)
                with path.open("rb") as source:
                    out.addfile(told, source)
