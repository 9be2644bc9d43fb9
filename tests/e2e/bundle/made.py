"""Real bundles of this checkout and of later trees, signed by two throw-away keys, each built once per content.

    maker = Maker(ROOT / ".cache" / "bundle")
    first = maker.release(this_release(), seq=1)
    update = maker.release(later_release(folder, "9.1.0"), seq=2)

They lie below the cache, by what went in: the tree, its locks, the keys. Throw-away: the keys lie there too.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from tests.system.releases import FILES, METADATA, PACKAGES, ROOT, Release

ARCH = platform.machine()
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
SIGNERS, SIGNING = ("alice", "bob", "carol"), ("alice", "bob")
SEED = ROOT / "offline/advisories/seed/pysec-2024-10-10.osv.json.gz"
SEED_COMMIT = "3ccb612573e2511ab5cad7dafecd838605c80cda"
IDENTITY = ("-c", "user.name=tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false")
KEPT = 8  # bundles in the cache


class Made(msgspec.Struct, frozen=True):
    """A signed bundle, and what the paper of its site says."""

    folder: Path
    fingerprint: str

    @property
    def files(self) -> int:
        return sum(one.is_file() for one in self.folder.rglob("*"))

    @property
    def bytes(self) -> int:
        return sum(one.stat().st_size for one in self.folder.rglob("*") if one.is_file())


class Maker:
    """Keys, trust and advisories of one cache, and the bundles that are made with them."""

    def __init__(self, cache: Path, wheels: Path | None = None) -> None:
        self._cache = cache
        self.wheels = wheels or ROOT / ".cache" / "wheels"
        self.frame = _once(cache / f"frame-{_hash(SEED.parent, [SEED])}", self._make_frame)

    @property
    def trust(self) -> Path:
        return self.frame / "trust"

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256((self.trust / "1.trust").read_bytes()).hexdigest()

    def release(self, of: Release, seq: int, pythons: Sequence[str] = (PYTHON,)) -> Made:
        """The bundle of that tree, signed by two of three."""
        key = f"{_hash(of.tree, sources(of.tree))}-{self.fingerprint[:8]}-{seq}-{'-'.join(pythons)}"

        def make(place: Path) -> None:
            self.sign(self.build(of.tree, place, seq, pythons))

        [folder] = _once(self._cache / f"made-{hashlib.sha256(key.encode()).hexdigest()[:20]}", make).iterdir()
        return Made(folder, self.fingerprint)

    def build(
        self, tree: Path, out: Path, seq: int, pythons: Sequence[str] = (PYTHON,), wheels: Path | None = None
    ) -> Path:
        """Build only; the folder. `wheels`: another cache."""
        chosen = [word for python in pythons for word in ("--python", python)]
        carried = ("--trust", self.trust, "--advisories", self.frame / "advisories", "--wheels", wheels or self.wheels)
        bundle(
            "build", "--source", tree, "--arch", ARCH, *chosen, "--seq", seq, "--out", out, "--dirty", *carried
        )  # fmt: skip
        [made] = out.iterdir()
        return made

    def sign(self, folder: Path) -> None:
        for one in SIGNING:
            bundle("sign", folder, "--id", one, "--key", self.frame / f"keys/{one}.key")

    def _make_frame(self, place: Path) -> None:
        keys = place / "keys"
        keys.mkdir(mode=0o700)
        for one in SIGNERS:
            bundle("keys", "make", one, "--out", keys / f"{one}.key", "--no-passphrase")
        public = [word for one in SIGNERS for word in ("--key", keys / f"{one}.key.pub")]
        bundle("trust", "make", place / "trust", *public)
        told = ("--seq", 1, "--commit", SEED_COMMIT, "--out", place / "advisories")
        bundle("advisories", "build", SEED, *told)
        signer = ("--id", "alice", "--key", keys / "alice.key")
        bundle("sign", place / "advisories", *signer, "--trust", place / "trust")


def bundle(*words: object) -> str:
    """`redoubt bundle …` of this tree; what it printed. Fails with what it said."""
    ran = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "bundle", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"redoubt bundle {' '.join(map(str, words))}: {ran.stderr[-3000:]}"
    return ran.stdout


def committed(release: Release) -> Release:
    """A later tree as a repository of its own, with the date of this checkout's commit: a bundle is built of one."""
    when = _git(ROOT, "show", "--no-patch", "--format=%ct", "HEAD")
    shutil.rmtree(release.tree / METADATA, ignore_errors=True)  # tells a running program its version; a wheel tells it
    _git(release.tree, "-c", "init.defaultBranch=main", "init", "--quiet")
    _git(release.tree, "add", "--all")
    _git(release.tree, "commit", "--quiet", "--message", "a later release", date=f"{when} +0000")
    return release


def sources(tree: Path) -> Iterator[Path]:
    """Every file that a bundle of the tree is made of."""
    for package in PACKAGES:
        yield from (one for one in (tree / package).rglob("*") if one.is_file() and "__pycache__" not in one.parts)
    yield from (tree / name for name in FILES if (tree / name).is_file())


def _git(folder: Path, *words: str, date: str = "") -> str:
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
    ran = subprocess.run(
        ["git", *IDENTITY, *words],
        cwd=folder,
        env={**os.environ, **dates},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def _hash(tree: Path, files: Iterable[Path]) -> str:
    together = hashlib.sha256()
    for file in sorted(files):
        together.update(f"{file.relative_to(tree)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return together.hexdigest()[:16]


def _once(place: Path, make: Callable[[Path], None]) -> Path:
    """`place`, made when it is not there. It appears whole or not at all; the oldest go."""
    if place.is_dir():
        os.utime(place)
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as scratch:
        made = Path(scratch) / "one"
        made.mkdir()
        make(made)
        try:
            made.rename(place)
        except OSError:  # another run was faster
            if not place.is_dir():
                raise
    kept = sorted(place.parent.glob("made-*"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in kept[KEPT:]:
        shutil.rmtree(old)
    return place
