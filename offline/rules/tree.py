"""What lies in a folder: plain files and folders, and nothing else."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from offline.rules.names import LONGEST_SIGNATURE, SUMS, Beside, beside, check_path, shown
from offline.rules.refusal import Fault, Refused
from offline.rules.sums import LARGEST

Progress = Callable[[str, int], None]  # a path, and its bytes


@dataclass(frozen=True)
class Tree:
    """A folder, looked at and not yet read."""

    folder: Path
    files: Mapping[str, int]  # path -> size in bytes; without those beside SHA256SUMS
    folders: frozenset[str]
    beside: Mapping[str, Beside]  # name -> what it is


def look(folder: Path) -> Tree:
    """Walk without following anything. Raises Refused for links, devices, setuid, bad names and oversize signatures."""
    files: dict[str, int] = {}
    folders: set[str] = set()
    besides: dict[str, Beside] = {}
    for path, entry in _walk(folder, ""):
        status = entry.stat(follow_symlinks=False)
        _check_kind(path, status)
        if stat.S_ISDIR(status.st_mode):
            folders.add(check_path(path))
        elif (kind := beside(path)) is not None or path == SUMS:
            if status.st_size > (LARGEST if kind is None else LONGEST_SIGNATURE):
                raise Refused(Fault.SIZE, f"`{path}` has {status.st_size} bytes")
            if kind is not None:
                besides[path] = kind
        else:
            files[check_path(path)] = status.st_size
    return Tree(folder, files, frozenset(folders), besides)


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise Refused(Fault.READ, f"`{folder}` cannot be read: {error.strerror}") from error
    for entry in found:
        path = f"{prefix}{entry.name}"
        yield path, entry
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{path}/")


def _check_kind(path: str, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise Refused(Fault.KIND, f"`{shown(path)}` is a symbolic link; a bundle holds files and folders only")
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise Refused(Fault.KIND, f"`{shown(path)}` is neither a file nor a folder")
    if status.st_mode & (stat.S_ISUID | stat.S_ISGID):
        raise Refused(Fault.MODE, f"`{shown(path)}` is setuid or setgid")


def check_listing(tree: Tree, listed: Mapping[str, str]) -> None:
    """Raises Refused unless the folder holds exactly the listed files, and no folder without one of them."""
    if missing := sorted(listed.keys() - tree.files.keys()):
        raise Refused(Fault.MISSING, f"`{missing[0]}` is in SHA256SUMS and not there ({len(missing)} missing)")
    if unlisted := sorted(tree.files.keys() - listed.keys()):
        raise Refused(Fault.UNLISTED, f"`{unlisted[0]}` is there and not in SHA256SUMS ({len(unlisted)} unlisted)")
    wanted = {path[:at] for path in listed for at, one in enumerate(path) if one == "/"}
    if empty := sorted(tree.folders - wanted):
        raise Refused(Fault.UNLISTED, f"the folder `{empty[0]}` holds nothing that is listed")


def check_hashes(tree: Tree, listed: Mapping[str, str], progress: Progress | None = None) -> None:
    """Raises Refused at the first file that is not what was signed."""
    for path, expected in listed.items():
        if digest(tree.folder / path) != expected:
            raise Refused(Fault.HASH, f"`{path}` is not what was signed; copy the medium again, or ask the sender")
        if progress is not None:
            progress(path, tree.files[path])


def digest(file: Path, algorithm: str = "sha256") -> str:
    """Hex. Never through a link. Raises Refused when it cannot be read."""
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            return hashlib.file_digest(opened, algorithm).hexdigest()
    except OSError as error:
        raise Refused(Fault.READ, f"`{file}` cannot be read: {error.strerror}") from error


def read_small(file: Path, most: int) -> bytes:
    """Raises Refused when it cannot be read, is a link, or is larger."""
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            content = opened.read(most + 1)
    except OSError as error:
        raise Refused(Fault.READ, f"`{file}` cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise Refused(Fault.SIZE, f"`{file.name}` has more than {most} bytes")
    return content
