"""The folder of this channel as one plain tar, and back: a handful of small files, so the rules can be strict."""

import io
import tarfile
from pathlib import Path

from offline.advisories.fault import BadAdvisories
from offline.advisories.snapshot import MOST_PACKED
from offline.rules.names import check_path
from offline.rules.refusal import Refused

MOST_FILES = 64
MOST_TAR = MOST_PACKED + 16 * 1024 * 1024  # bytes


def pack(folder: Path, out: Path) -> None:
    """Write `out`: sorted names, no owner, no moment. The same folder makes the same bytes."""
    with tarfile.open(out, "x:", format=tarfile.USTAR_FORMAT) as archive:
        for file in sorted(folder.iterdir(), key=lambda one: one.name):
            member = tarfile.TarInfo(file.name)
            content = file.read_bytes()
            member.size, member.mode, member.mtime = len(content), 0o644, 0
            archive.addfile(member, io.BytesIO(content))


def unpack(file: Path, into: Path) -> None:
    """Plain files right below `into`, which is made. Raises BadAdvisories for anything else in the tar."""
    into.mkdir(mode=0o700)
    written = 0
    try:
        with tarfile.open(file, "r:") as archive:
            for number, member in enumerate(archive, 1):
                written += member.size
                _check(member, number, written)
                opened = archive.extractfile(member)
                content = opened.read(member.size) if opened else b""
                if len(content) != member.size:
                    raise BadAdvisories(f"`{member.name}` is cut off")
                with (into / member.name).open("xb") as out:
                    out.write(content)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise BadAdvisories(f"`{file.name}` does not unpack: {error}") from error


def _check(member: tarfile.TarInfo, number: int, written: int) -> None:
    try:
        check_path(member.name)
    except Refused as error:
        raise BadAdvisories(error.message) from error
    if not member.isreg() or member.issparse() or "/" in member.name:
        raise BadAdvisories(f"`{member.name}` is not a plain file at the top of the tar")
    if number > MOST_FILES or written > MOST_TAR:
        raise BadAdvisories(f"the tar holds more than {MOST_FILES} files or {MOST_TAR} bytes")
