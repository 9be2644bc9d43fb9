"""A folder becomes an OCI image: by buildah, without a daemon, without a network, the same bytes every time."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from offline.image.debian import ImageError
from offline.image.place import CONTAINERFILE, FOLDER, ROOT
from offline.image.tar import write_tar

Say = Callable[[str], None]


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A built image: an OCI layout in one tar, and the names it goes by."""

    tar: Path
    manifest: str  # `sha256:…`: what a registry and a cluster pin
    config: str  # the image id that podman and docker show
    size: int


def check_host() -> None:
    """Raises ImageError for a host that cannot build an image; before anything is read."""
    if os.geteuid() != 0:
        raise ImageError("building an image here needs root; docs/container.md has the commands for other users")
    for program, package in (("buildah", "buildah"), ("unshare", "util-linux")):
        if shutil.which(program) is None:
            raise ImageError(f"`{program}` is missing: apt-get install {package}")


def build(bundle: Path, target: Path, *, epoch: int, say: Say, driver: str = "overlay") -> Image:
    """Write the image of `bundle` to `target`, every file in it dated `epoch`. Raises ImageError. Needs root.

    buildah refuses `--network=none` together with chroot isolation, and any other isolation wants more of the host than
    a build machine may grant: the namespace without a network is therefore made around it.
    """
    check_host()
    for name in (CONTAINERFILE, ROOT):
        if not (bundle / FOLDER / name).is_file():
            raise ImageError(f"`{bundle}` has no `{FOLDER}/{name}`, of which an image is made")
    with tempfile.TemporaryDirectory(prefix="redoubt-image-") as work:
        store = Path(work)
        store_words = ("--root", f"{store}/root", "--runroot", f"{store}/run", "--storage-driver", driver)
        buildah = ("unshare", "--net", "buildah", *store_words)
        layout = store / "oci"
        try:
            _run(say, [*buildah, *_build_words(bundle, epoch)])
            _run(say, [*buildah, "push", "--quiet", "localhost/redoubt:bundle", f"oci:{layout}:redoubt"])
            manifest, config = _names(layout)
            write_tar(layout, target, epoch=epoch)
        finally:  # also when it was interrupted: what buildah mounted would outlive it, and the folder with it
            _run(say, [*buildah, "rm", "--all"])
            _run(say, [*buildah, "rmi", "--all", "--force"])
    return Image(tar=target, manifest=manifest, config=config, size=target.stat().st_size)


def _build_words(bundle: Path, epoch: int) -> list[str]:
    # No identity label: it names buildah's version, and podman's build of the same bundle would differ by it.
    return [
        "bud", "--isolation=chroot", "--pull-never", "--no-cache", "--layers=false", "--identity-label=false",
        "--timestamp", str(epoch), "--format=oci", "--tag", "localhost/redoubt:bundle",
        "--file", str(bundle / FOLDER / CONTAINERFILE), str(bundle),
    ]  # fmt: skip


def _names(layout: Path) -> tuple[str, str]:
    """The digests of manifest and config. OCI image-spec v1.1, image layout."""
    manifest: str = json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"]
    told = json.loads((layout / "blobs" / manifest.replace(":", "/")).read_bytes())
    return manifest, told["config"]["digest"]


def _run(say: Say, command: Sequence[str]) -> None:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603 -- no shell
    last: list[str] = []
    with process:
        for line in process.stdout or ():
            last = [*last[-19:], line.rstrip()]
            if " STEP " in line:
                say(line.strip())
    if process.returncode:
        raise ImageError(f"`buildah` failed: {' / '.join(last)[-1500:]}")
