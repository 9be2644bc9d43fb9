"""A stand-in bundle: the real wheels of the serve lock, pip, and our own; laid out as decision 0009 says."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from offline.image.build import Image, build
from offline.image.place import place
from offline.image.rootfs import Rootfs, cached
from tests.system.needs import missing, need

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".cache"
EPOCH = 1_767_225_600
LOCK = ROOT / "offline" / "locks" / f"serve-cp311-{os.uname().machine}.txt"
TOOLS = LOCK.with_name(LOCK.name.replace("serve-", "tools-"))


def _wheels() -> Path:
    """Downloaded once for each lock."""
    pip = next(line for line in TOOLS.read_text().splitlines() if line.startswith("pip=="))
    text = f"{LOCK.read_text()}{pip}\n"
    folder = CACHE / f"image-wheels-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if not folder.is_dir():
        making = folder.with_suffix(".new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        (making / "lock.txt").write_text(text)
        words = ("--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--python-version=3.11")
        platforms = [f"--platform=manylinux_2_{minor}_{os.uname().machine}" for minor in (28, 17)]
        _pip("download", *words, *platforms, "-r", str(making / "lock.txt"), "-d", str(making))
        making.rename(folder)
    return folder


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *words]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)


@pytest.fixture(scope="session")
def rootfs() -> Rootfs:
    if os.geteuid() != 0:
        missing("building an image needs root")
    for program, package in (("mmdebstrap", "mmdebstrap"), ("buildah", "buildah"), ("unshare", "util-linux")):
        need(program, package)
    return cached(CACHE)


@pytest.fixture(scope="session")
def bundle(rootfs: Rootfs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    shutil.copytree(_wheels(), folder / "wheels", ignore=shutil.ignore_patterns("*.txt"))
    (folder / "locks").mkdir()
    shutil.copy(LOCK, folder / "locks" / "serve-cp311.txt")
    _pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder / "wheels"), str(ROOT))
    place(ROOT, folder, rootfs)
    return folder


@pytest.fixture(scope="session")
def image(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build(bundle, tmp_path_factory.mktemp("image") / "redoubt.oci.tar", epoch=EPOCH, say=_nobody)


@pytest.fixture(scope="session")
def unpacked(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the image, with the owners and modes they have in it."""
    layout, root = tmp_path_factory.mktemp("layout"), tmp_path_factory.mktemp("unpacked")
    with tarfile.open(image.tar) as told:
        told.extractall(layout, filter="data")
    layer = max((layout / "blobs" / "sha256").iterdir(), key=lambda blob: blob.stat().st_size)
    subprocess.run(["tar", "--extract", "--gzip", "--same-permissions", "-f", layer, "-C", root], check=True)
    root.chmod(0o755)
    return root


def _nobody(_line: str) -> None:
    """Progress is for people."""


@pytest.fixture(scope="session")
def again(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Image]:
    """A second build: another folder, other times, another storage driver."""

    def build_again() -> Image:
        other = tmp_path_factory.mktemp("other") / "bundle"
        shutil.copytree(bundle, other, copy_function=shutil.copyfile)
        return build(other, other.with_name("again.tar"), epoch=EPOCH, say=_nobody, driver="vfs")

    return build_again
