"""Packing: a bundle as one plain ustar file, the same to the byte from any copy of it. Read by rules.archive."""

import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from offline.failure import Failure
from offline.rules.names import SUMS
from offline.rules.release import identity
from offline.rules.sums import LARGEST, Sums, read_sums
from offline.rules.tree import check_hashes, check_listing, digest, look, read_small
from offline.steps import Step, silent

RUNNABLE = ".sh"
USTAR: Literal[0] = 0  # tarfile.USTAR_FORMAT, as the type its attribute wants
PAX: Literal[2] = 2


@dataclass(frozen=True, kw_only=True)
class Packed:
    """A file to be carried."""

    file: Path
    bytes: int
    sha256: str
    files: int  # of the bundle, inside
    whole: int  # bytes of the full bundle
    signatures: int


def known_of(place: Path) -> Sums:
    """What a receiver has: its bundle's folder, or that bundle's SHA256SUMS."""
    file = place / SUMS if place.is_dir() else place
    return read_sums(read_small(file, LARGEST))


def pack(folder: Path, out: Path, against: Sums | None = None, step: Step = silent) -> Packed:
    """Pack a bundle, or what of it a receiver that has `against` lacks, into the folder `out`.

    Every file is hashed first: nothing is packed that would not verify. Raises Refused or Failure.
    """
    tree = look(folder)
    content = read_small(folder / SUMS, LARGEST)
    sums = read_sums(content)
    check_listing(tree, sums.files)
    done = iter(range(1, len(sums.files) + 1))
    check_hashes(tree, sums.files, lambda path, _: step(f"hashing {path}", next(done), len(sums.files)))
    chosen = list(sums.files) if against is None else _lacking(sums, against)
    head = sums.header
    name = f"{head.product}-{head.version}-{head.arch}"
    top = name if head.channel == "app" else f"{head.product}-{head.channel}-{head.version}"
    ending = ".tar" if against is None else f"-from-{against.header.seq}.gwd"
    file = out / f"{identity(content, top)}{ending}"
    out.mkdir(parents=True, exist_ok=True)
    _write(file, folder, top, [SUMS, *tree.beside, *chosen], int(head.created.timestamp()))
    return Packed(
        file=file,
        bytes=file.stat().st_size,
        sha256=digest(file),
        files=len(chosen),
        whole=sum(tree.files.values()),
        signatures=len(tree.beside),
    )


def _lacking(sums: Sums, against: Sums) -> list[str]:
    """One path for each content the receiver lacks."""
    if sums.header.channel != against.header.channel:
        raise Failure(
            f"the receiver's bundle is of the channel `{against.header.channel}`, not `{sums.header.channel}`"
        )
    had = set(against.files.values())
    first = {sha256: path for path, sha256 in sorted(sums.files.items(), reverse=True) if sha256 not in had}
    return sorted(first.values())


def _write(file: Path, folder: Path, top: str, paths: Iterable[str], epoch: int) -> None:
    every = sorted(paths)
    folders = {path[:at] for path in every for at, one in enumerate(path) if one == "/"}
    with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(_info(top, epoch, folder=True))
        for path in sorted([*every, *folders]):
            info = _info(f"{top}/{path}", epoch, folder=path in folders)
            if info.isdir():
                archive.addfile(info)
                continue
            info.size = (folder / path).stat().st_size
            archive.format = _format(info)
            with (folder / path).open("rb") as content:
                archive.addfile(info, content)


def _format(info: tarfile.TarInfo) -> Literal[0, 2]:
    """Plain ustar; with one pax record for a name that it cannot hold, such as a wheel's with three tags."""
    try:
        info.tobuf(tarfile.USTAR_FORMAT)
    except ValueError:
        return PAX
    return USTAR


def _info(name: str, epoch: int, *, folder: bool) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    info.mode = 0o755 if folder or name.endswith(RUNNABLE) else 0o644
    info.mtime = epoch
    return info
