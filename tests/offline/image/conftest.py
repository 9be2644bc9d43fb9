"""A real bundle of this checkout with the image's root file system in it, and the image that a site builds of it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from offline.build import Order
from offline.build import build as build_bundle
from offline.describe import describe
from offline.image.build import Image, build
from offline.image.rootfs import PYTHON, Rootfs, cached
from offline.image.verified import image as verified_image
from offline.rules.names import SUMS
from offline.rules.release import machine
from offline.rules.sums import read_sums
from tests.fakes.bundle import ALICE, BOB, sign, trust
from tests.system.needs import missing, need

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".cache"
MAKER = ("Example project", "security@redoubt.example")


@pytest.fixture(scope="session")
def rootfs() -> Rootfs:
    if os.geteuid() != 0:
        missing("building an image needs root")
    for program, package in (("mmdebstrap", "mmdebstrap"), ("buildah", "buildah"), ("unshare", "util-linux")):
        need(program, package)
    return cached(CACHE)


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trust file of a site."""
    file = tmp_path_factory.mktemp("trust") / "1.trust"
    file.write_text(str(trust()))
    return file


@pytest.fixture(scope="session")
def order(rootfs: Rootfs, trusted: Path, tmp_path_factory: pytest.TempPathFactory) -> Order:
    return Order(
        source=ROOT,
        arch=machine(),
        pythons=(PYTHON,),
        seq=1,
        out=tmp_path_factory.mktemp("bundle"),
        trust=trusted.parent,
        wheels=CACHE / "wheels",
        image_root=rootfs.tar.parent,
        dirty=True,
    )


@pytest.fixture(scope="session")
def bundle(order: Order) -> Path:
    """This checkout as `redoubt bundle build` makes it, signed by two."""
    folder = build_bundle(order, describe(None, MAKER)).folder
    sign(folder, ALICE, "ed25519")
    sign(folder, BOB, "p384")
    return folder


@pytest.fixture(scope="session")
def image(bundle: Path, trusted: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """As `redoubt bundle image` makes it."""
    target = tmp_path_factory.mktemp("image") / "redoubt.oci.tar"
    return verified_image(bundle, target, (trusted, None), _nobody, root=None, expired=False)


@pytest.fixture(scope="session")
def unpacked(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the image, with the owners and modes they have in it."""
    layout, root = tmp_path_factory.mktemp("layout"), tmp_path_factory.mktemp("unpacked")
    subprocess.run(["tar", "--extract", "-f", image.tar, "-C", layout], check=True)
    layer = max((layout / "blobs" / "sha256").iterdir(), key=lambda blob: blob.stat().st_size)
    subprocess.run(["tar", "--extract", "--gzip", "--same-permissions", "-f", layer, "-C", root], check=True)
    root.chmod(0o755)
    return root


def epoch_of(bundle: Path) -> int:
    return int(read_sums((bundle / SUMS).read_bytes()).header.created.timestamp())


def _nobody(_line: str) -> None:
    """Progress is for people."""


@pytest.fixture(scope="session")
def again(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Image]:
    """A second build: another folder, other times, another storage driver."""

    def build_again() -> Image:
        other = tmp_path_factory.mktemp("other") / "bundle"
        shutil.copytree(bundle, other, copy_function=shutil.copyfile)
        return build(other, other.with_name("again.tar"), epoch=epoch_of(bundle), say=_nobody, driver="vfs")

    return build_again
