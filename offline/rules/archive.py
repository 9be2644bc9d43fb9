"""Folders that travel as one file: a plain ustar `.tar`, and the `.gwd` that carries only what the receiver lacks.

Read block by block (POSIX.1-1988 ustar): a member is a plain file or a folder below one top folder, or all is refused.
One extension is understood: a pax `path` record, alone, for a name that ustar cannot hold (POSIX.1-2001), and only when
the header behind it begins the same name. Owners and times of the archive are ignored, modes are ours. Nothing is
believed after this: what comes out is verified as any folder is.
"""

import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from offline.rules.names import SUMS, beside, check_path, shown
from offline.rules.refusal import Fault, Refused
from offline.rules.sums import LARGEST, Sums, read_sums
from offline.rules.tree import Progress, read_small

BLOCK = 512  # bytes
FIELD = 100  # bytes of a name in a header
MOST_MEMBERS = 50_000
MOST_BYTES = 64 * 1024**3
FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)

Blobs = Callable[[str], Path | None]  # sha256 -> a file with that content, for all the receiver knows


class Member(NamedTuple):
    """One header of the archive, found to be harmless."""

    path: str  # below the top folder; empty for the top folder itself
    size: int  # bytes
    folder: bool
    runnable: bool


def unpack(archive: Path, into: Path, progress: Progress | None = None) -> Path:
    """Unpack below `into`, which must exist; the folder that was packed. Raises Refused, and leaves nothing then.

    It appears under its name when it is whole.
    """
    with _open(archive) as stream, tempfile.TemporaryDirectory(dir=into, prefix=".unpacking-") as scratch:
        place = Path(scratch) / "top"
        place.mkdir(mode=0o755)
        top = _unpack(stream, place, progress)
        final = into / top
        if final.is_symlink() or final.exists():
            raise Refused(Fault.ARCHIVE, f"`{final}` is there already; move it away first")
        place.rename(final)
    return final


def rebuild(delta: Path, blobs: Blobs, into: Path, progress: Progress | None = None) -> Path:
    """The full folder, from a `.gwd` and the blobs the receiver has. Raises Refused, and leaves nothing then.

    Whether it is what was signed is not asked here: verify it, as a full bundle.
    """
    with tempfile.TemporaryDirectory(dir=into, prefix=".rebuilding-") as scratch:
        whole = unpack(delta, Path(scratch), progress)
        sums = read_sums(read_small(whole / SUMS, LARGEST))
        carried = _carried(whole, sums)
        for path, sha256 in sums.files.items():
            target = whole / path
            if target.is_file():
                continue
            source = carried.get(sha256) or blobs(sha256)
            if source is None:
                raise Refused(
                    Fault.MISSING, f"`{path}` is neither in the update nor in the store; carry the full bundle instead"
                )
            _copy(source, target)
            if progress is not None:
                progress(path, target.stat().st_size)
        final = into / whole.name
        if final.is_symlink() or final.exists():
            raise Refused(Fault.ARCHIVE, f"`{final}` is there already; move it away first")
        whole.rename(final)
    return final


def stored(store: Path) -> Blobs:
    """Blobs of a content-addressed folder: `<ab>/<sha256>`."""

    def find(sha256: str) -> Path | None:
        file = store / sha256[:2] / sha256
        return file if file.is_file() and not file.is_symlink() else None

    return find


def of_bundle(folder: Path) -> Blobs:
    """Blobs of an older bundle that lies here unpacked."""
    files = {sha256: path for path, sha256 in read_sums(read_small(folder / SUMS, LARGEST)).files.items()}

    def find(sha256: str) -> Path | None:
        file = folder / files[sha256] if sha256 in files else None
        return file if file is not None and file.is_file() and not file.is_symlink() else None

    return find


def members(stream: BinaryIO) -> Iterator[tuple[str, Member]]:
    """(top folder, member) of each header; the content follows in `stream`, unread. Raises Refused."""
    total, count = 0, 0
    while any(block := stream.read(BLOCK)):
        named = ""
        if block[156:157] == tarfile.XHDTYPE:
            named, block = _long_name(stream, block), stream.read(BLOCK)
        top, member = _member(block, named)
        start, count, total = stream.tell(), count + 1, total + member.size
        if count > MOST_MEMBERS or total > MOST_BYTES:
            raise Refused(Fault.SIZE, f"the archive holds more than {MOST_MEMBERS} members or {MOST_BYTES} bytes")
        yield top, member
        stream.seek(start + -(-member.size // BLOCK) * BLOCK)
    if len(block) < BLOCK:
        raise Refused(Fault.ARCHIVE, "the archive ends in the middle; copy the medium again")
    while rest := stream.read(1024 * 1024):
        if any(rest):
            raise Refused(Fault.ARCHIVE, "something follows behind the end of the archive")


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise Refused(Fault.ARCHIVE, f"the archive cannot be read: {error}") from error
    if block[257:262] != b"ustar":
        raise Refused(Fault.ARCHIVE, f"`{shown(info.name)}` is not written as ustar")
    return info


def _long_name(stream: BinaryIO, block: bytes) -> str:
    """The name that a pax header gives to the member behind it. Raises Refused when it says anything else too."""
    size = _header(block).size
    if not 0 < size <= BLOCK:
        raise Refused(Fault.ARCHIVE, "the archive holds a pax header of an odd size")
    told = stream.read(BLOCK)[:size].decode("ascii", "replace")
    name = told.partition(" path=")[2].removesuffix("\n")
    if len(name) <= FIELD or told != f"{size} path={name}\n":
        raise Refused(Fault.ARCHIVE, f"the archive holds a pax header that is no long name: `{shown(told)}`")
    return name


def _member(block: bytes, named: str) -> tuple[str, Member]:
    info = _header(block)
    if named and (block[:FIELD].decode("ascii", "replace") != named[:FIELD] or block[345:346] != b"\0"):
        raise Refused(Fault.ARCHIVE, f"two names for one member: `{shown(named)}` and `{shown(info.name)}`")
    info.name = named or info.name
    name = shown(info.name)
    if info.type not in {*FILES, tarfile.DIRTYPE}:
        raise Refused(Fault.KIND, f"`{name}` is neither a file nor a folder; an archive here holds nothing else")
    if info.mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX):
        raise Refused(Fault.MODE, f"`{name}` is setuid, setgid or sticky")
    folder = info.type == tarfile.DIRTYPE
    if info.size < 0 or (folder and info.size) or info.linkname:
        raise Refused(Fault.ARCHIVE, f"`{name}` has a header that makes no sense")
    top, _, path = info.name.partition("/")
    check_path(top)
    if path:
        check_path(path)
    elif not folder:
        raise Refused(Fault.ARCHIVE, f"`{name}` lies beside the top folder")
    return top, Member(path, info.size, folder, bool(info.mode & stat.S_IXUSR))


def _unpack(stream: BinaryIO, place: Path, progress: Progress | None) -> str:
    """Write every member below `place`; the name of the top folder."""
    tops: set[str] = set()
    seen: set[str] = set()
    for top, member in members(stream):
        tops.add(top)
        if len(tops) > 1:
            raise Refused(Fault.ARCHIVE, f"the archive holds two top folders: {', '.join(sorted(tops))}")
        if member.path.lower() in seen:
            raise Refused(Fault.ARCHIVE, f"`{member.path or top}` is in the archive twice")
        seen.add(member.path.lower())
        if member.folder:
            _folder(place / member.path)
            continue
        _folder((place / member.path).parent)
        _write(stream, place / member.path, member)
        if progress is not None:
            progress(member.path, member.size)
    if not tops:
        raise Refused(Fault.ARCHIVE, "the archive is empty")
    return tops.pop()


def _folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(Fault.ARCHIVE, f"`{path.name}` cannot be a folder: {error.strerror}") from error


def _write(stream: BinaryIO, target: Path, member: Member) -> None:
    mode = 0o755 if member.runnable else 0o644
    try:
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(made, "wb") as out:
            os.fchmod(out.fileno(), mode)
            left = member.size
            while left and (chunk := stream.read(min(left, 1024 * 1024))):
                out.write(chunk)
                left -= len(chunk)
    except OSError as error:
        raise Refused(Fault.READ, f"`{member.path}` cannot be unpacked: {error.strerror}") from error
    if left:
        raise Refused(Fault.ARCHIVE, f"`{member.path}` ends in the middle; copy the medium again")


def _carried(whole: Path, sums: Sums) -> Mapping[str, Path]:
    """What a `.gwd` holds, by sha256. Raises Refused for a file that its SHA256SUMS does not name."""
    found: dict[str, Path] = {}
    for file in sorted(one for one in whole.rglob("*") if one.is_file()):
        path = str(file.relative_to(whole))
        if path in sums.files:
            found[sums.files[path]] = file
        elif path != SUMS and beside(path) is None:
            raise Refused(Fault.UNLISTED, f"`{path}` is in the update and not in its SHA256SUMS")
    return found


def _copy(source: Path, target: Path) -> None:
    _folder(target.parent)
    try:
        shutil.copyfile(source, target, follow_symlinks=False)
        target.chmod(0o644 if target.suffix != ".sh" else 0o755)
    except OSError as error:
        raise Refused(Fault.READ, f"`{source}` cannot be copied: {error.strerror}") from error


def _open(archive: Path) -> BinaryIO:
    try:
        opened = os.fdopen(os.open(archive, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError as error:
        raise Refused(Fault.READ, f"`{archive}` cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise Refused(Fault.KIND, f"`{archive}` is no plain file")
    return opened
