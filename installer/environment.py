"""An environment made of wheels, without pip: a folder that Python takes for a virtual one (PEP 405).

Nothing of the medium runs here. A wheel's files go to site-packages and nowhere else: scripts, headers and data files
are left in the wheel, since every program of ours is called as `python -I -m`. What is written is hashed while it is
written, and must be what manifest.json says of the wheel.
"""

import csv
import fnmatch
import hashlib
import io
import os
import platform
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from installer.layout import Release
from offline.rules.lock import read_lock
from offline.rules.manifest import LARGEST, Environment, Manifest, WheelEntry
from offline.rules.refusal import Fault, Refused
from offline.rules.release import OWN
from offline.rules.tree import read_small
from offline.rules.wheel import record_digest

FILE, FOLDER = 0o644, 0o755
CHUNK = 1024 * 1024
# Nobody reads these while the gateway runs, and they were more than half of what compiling took: tests, and 20 MB of
# tables that tell town and carrier of a telephone number. Python compiles one itself, should it ever be imported.
UNCOMPILED = ("*/tests/*", "phonenumbers/carrierdata/*", "phonenumbers/geodata/*")


def chosen(bundle: Path, manifest: Manifest, environment: Environment) -> list[WheelEntry]:
    """The wheels of an environment: those its lock pins, and ours. The rules have held them against each other."""
    pins = read_lock(read_small(bundle / environment.lock, LARGEST).decode("ascii"))
    by_hash = {entry.sha256: entry for entry in manifest.wheels}
    own = [entry for entry in manifest.wheels if entry.name == OWN]
    return [*own, *(by_hash[pin.sha256] for pin in pins if pin.name != OWN)]


def environment_for(manifest: Manifest, kind: str, tag: str) -> Environment:
    """Raises Refused when the release has none for this Python."""
    for one in manifest.environments:
        if one.kind == kind and one.python == tag:
            return one
    there = ", ".join(sorted({one.python for one in manifest.environments if one.kind == kind}))
    raise Refused(Fault.PLATFORM, f"this release has no `{kind}` environment for {tag}; there is one for {there}")


def site_packages(folder: Path, tag: str) -> Path:
    """`tag`: `cp311`."""
    return folder / "lib" / f"python{tag[2]}.{tag[3:]}" / "site-packages"


@dataclass
class Builder:
    """Makes the environments of one release. What an earlier one unpacked and compiled, a later one links."""

    release: Release
    python: Path
    compile_all: Callable[[Path, Sequence[str]], None]  # site-packages, and sources below it
    progress: Callable[[str, int], None]
    tag: str
    _done: dict[str, tuple[Path, list[str]]] = field(default_factory=dict)  # sha256 of a wheel -> where, what

    def build(self, kind: str, entries: Iterable[WheelEntry]) -> None:
        """Make `release/kind`, which must not be there. Raises Refused or OSError."""
        site = self._empty(kind)
        made: set[Path] = set()
        fresh: list[str] = []
        for entry in entries:
            if entry.sha256 in self._done:
                self._link(*self._done[entry.sha256], site, made)
            else:
                written = unpack(self.release.bundle / "wheels" / entry.file, entry, site, made)
                self._done[entry.sha256] = (site, written)
                fresh += [path for path in written if compiled(path)]
            self.progress(entry.file, entry.size)
        self.compile_all(site, fresh)

    def _empty(self, kind: str) -> Path:
        folder = self.release.folder / kind
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(self.python)
        home, version = self.python.parent, platform.python_version()
        told = f"home = {home}\ninclude-system-site-packages = false\nversion = {version}\n"
        _write(folder / "pyvenv.cfg", [told.encode()])
        site = site_packages(folder, self.tag)
        site.mkdir(parents=True)
        return site

    def _link(self, source: Path, paths: Iterable[str], site: Path, made: set[Path]) -> None:
        for path in paths:
            for one in (path, self._cached(path)):
                if one == path or (one and (source / one).exists()):
                    _make_folder(site / one, made)
                    os.link(source / one, site / one)

    def _cached(self, path: str) -> str:
        """Where the byte code of a source lies; empty for what is none."""
        folder, _, name = path.rpartition("/")
        if not name.endswith(".py"):
            return ""
        cached = f"__pycache__/{name.removesuffix('.py')}.cpython-{self.tag.removeprefix('cp')}.pyc"
        return f"{folder}/{cached}" if folder else cached


def compiled(path: str) -> bool:
    """Whether byte code is made of a file when it is installed."""
    return path.endswith(".py") and not any(fnmatch.fnmatchcase(path, one) for one in UNCOMPILED)


def tag_of() -> str:
    """Of the Python that runs this."""
    major, minor, _ = platform.python_version_tuple()
    return f"cp{major}{minor}"


def unpack(wheel: Path, entry: WheelEntry, site: Path, made: set[Path]) -> list[str]:
    """Write what the wheel puts into site-packages; the paths. Raises Refused unless that is what the manifest says."""
    hashes: dict[str, str] = {}
    written: list[str] = []
    with wheel.open("rb") as opened, zipfile.ZipFile(opened) as archive:
        info = next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD")).split("/")[0]
        for member in archive.infolist():
            if member.is_dir():
                continue
            target = destination(member.filename, info)
            digest = hashlib.sha256()
            with archive.open(member) as content:
                chunks = iter(lambda: content.read(CHUNK), b"")
                if target is None:
                    for chunk in chunks:
                        digest.update(chunk)
                else:
                    _make_folder(site / target, made)
                    _write(site / target, chunks, digest.update)
                    written.append(target)
            if member.filename not in {f"{info}/{name}" for name in ("RECORD", "RECORD.jws", "RECORD.p7s")}:
                hashes[member.filename] = digest.hexdigest()
    _settle_record(site / f"{info}/RECORD", info)
    if record_digest(hashes) != entry.record:
        raise Refused(Fault.RECORD, f"`{entry.file}` unpacked to something else than manifest.json says")
    return written


def _settle_record(record: Path, info: str) -> None:
    """An installed RECORD lists what was installed, where it was installed (PyPA: recording installed projects)."""
    rows = list(csv.reader(io.StringIO(record.read_text(encoding="utf-8"))))
    places = [(destination(path, info), sha256, size) for path, sha256, size in rows]
    if [place for place, _, _ in places] != [row[0] for row in rows]:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(row for row in places if row[0] is not None)
        record.write_text(out.getvalue(), encoding="utf-8")


def destination(member: str, info: str) -> str | None:
    """Below site-packages; None for what is left in the wheel."""
    data = info.removesuffix(".dist-info") + ".data/"
    if not member.startswith(data):
        return member
    scheme, _, rest = member.removeprefix(data).partition("/")
    return rest if scheme in {"purelib", "platlib"} else None


def _make_folder(target: Path, made: set[Path]) -> None:
    if target.parent not in made:
        target.parent.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        made.add(target.parent)


def _write(target: Path, chunks: Iterable[bytes], seen: Callable[[bytes], None] = lambda _: None) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE)
    with os.fdopen(descriptor, "wb") as opened:
        for chunk in chunks:
            seen(chunk)
            opened.write(chunk)
