"""A bundle looked at, and a bundle verified: from its folder, a `.tar`, or a `.gwd` and what it is an update of."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from offline.rules.archive import of_bundle, rebuild, unpack
from offline.rules.manifest import LARGEST as LARGEST_MANIFEST
from offline.rules.manifest import Manifest, read_manifest
from offline.rules.names import SUMS
from offline.rules.openssl import Check
from offline.rules.refusal import Fault, Refused
from offline.rules.release import MANIFEST, check_release
from offline.rules.sums import LARGEST, Header, read_sums
from offline.rules.tree import Progress, look, read_small
from offline.rules.trust import LARGEST as LARGEST_TRUST
from offline.rules.trust import Trust, read_trust
from offline.rules.verify import Asked, Verified, check_trust_time, first_trust, follow, verify


@contextmanager
def opened(place: Path, against: Path | None = None) -> Iterator[Path]:
    """The folder of a bundle: the one given, or one unpacked for as long as this lasts. Raises Refused."""
    if place.is_dir():
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="redoubt-open-") as scratch:
        if place.suffix != ".gwd":
            yield unpack(place, Path(scratch))
        elif against is None:
            raise Refused(Fault.MISSING, f"`{place.name}` is an update: name the bundle it follows with `--against`")
        else:
            yield rebuild(place, of_bundle(against), Path(scratch))


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a bundle says of itself. Nothing of it is verified."""

    header: Header
    sha256: str  # of SHA256SUMS
    files: int
    bytes: int
    sizes: dict[str, int]  # top folder or file -> bytes
    signatures: tuple[str, ...]
    manifest: Manifest | None  # of the channel `app`


def inspect(folder: Path) -> Seen:
    """Raises Refused when it is no bundle."""
    tree = look(folder)
    content = read_small(folder / SUMS, LARGEST)
    header = read_sums(content).header
    sizes: dict[str, int] = {}
    for path, size in tree.files.items():
        top = path.split("/", 1)[0]
        sizes[top] = sizes.get(top, 0) + size
    manifest = None
    if header.channel == "app":
        manifest = read_manifest(read_small(folder / MANIFEST, LARGEST_MANIFEST))
    return Seen(
        header=header,
        sha256=hashlib.sha256(content).hexdigest(),
        files=len(tree.files),
        bytes=sum(tree.files.values()),
        sizes=sizes,
        signatures=tuple(sorted(tree.beside)),
        manifest=manifest,
    )


def believed(folder: Path, start: Path | None, paper: str | None, check: Check) -> Trust:
    """The newest trust file that leads on from what the caller knows: a file, or a fingerprint. Raises Refused."""
    inside = folder / "trust"
    if start is not None:
        trust = read_trust(read_small(start, LARGEST_TRUST))
    else:
        trust = first_trust(read_small(_first(inside, paper or ""), LARGEST_TRUST), paper or "")
    links = follow(trust, inside, check)
    return read_trust(links[-1]) if links else trust


def verified(
    folder: Path, trust: Trust, asked: Asked, check: Check, progress: Progress | None = None
) -> tuple[Verified, Manifest | None]:
    """Steps 1 to 5 of docs/decisions/0009. Raises Refused."""
    check_trust_time(trust, asked)
    found = verify(folder, trust, asked, check, progress)
    manifest = check_release(folder, found.sums, progress) if asked.channel == "app" else None
    return found, manifest


def _first(inside: Path, paper: str) -> Path:
    """The trust file that the paper is about: any of the chain may be the first that a site believes."""
    files = sorted(inside.glob("*.trust")) if inside.is_dir() else []
    if not files:
        raise Refused(Fault.TRUST, "the bundle holds no `trust/1.trust`; name the trust file you know with `--trust`")
    for file in files:
        try:
            first_trust(read_small(file, LARGEST_TRUST), paper)
        except Refused:
            continue
        return file
    return files[0]
