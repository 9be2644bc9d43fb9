"""What a bundle carries so that its image can be built without a network: a recipe always, a root file system if asked.

The recipe is the committed tree's; the root file system comes out of Debian packages (`rootfs.py`) and is named by its
sha256 in packages.json, in the provenance and in the SBOM.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from offline.failure import Failure
from offline.image.debian import ImageError
from offline.image.rootfs import PYTHON, Rootfs, read

FOLDER = "image"  # of a bundle
CONTAINERFILE, ROOT, PACKAGES = "Containerfile", "rootfs.tar", "packages.json"
ARCHIVE = "redoubt.oci.tar"  # a built image, where the bundle carries one
RECIPE = (CONTAINERFILE, "offline/image/fill.py")  # of the tree
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}  # as Debian calls them


def place(tree: Path, bundle: Path, root: Rootfs | None = None) -> None:
    """Fill `bundle/image/`. Raises Failure for a tree without the recipe."""
    folder = bundle / FOLDER
    folder.mkdir(exist_ok=True)
    for name in RECIPE:
        if not (tree / name).is_file():
            raise Failure(f"the tree has no `{name}`, of which the other side builds its image")
        shutil.copyfile(tree / name, folder / Path(name).name)
    if root is not None:
        place_root(root, folder)


def place_root(root: Rootfs, folder: Path) -> None:
    for file in (root.tar, root.tar.with_name(PACKAGES)):
        shutil.copyfile(file, folder / file.name)


def fitting(folder: Path, machine: str, pythons: Iterable[str]) -> Rootfs:
    """The root file system in `folder`, for that machine and one of these Pythons (`3.11`). Raises ImageError."""
    root = read(folder)
    made = {_MACHINES.get(one.architecture, one.architecture) for one in root.packages} - {"all"}
    if made != {machine}:
        raise ImageError(f"the root file system in `{folder}` is for {', '.join(sorted(made))}, not for {machine}")
    if PYTHON not in pythons:
        raise ImageError(
            f"the image runs Python {PYTHON}, and the bundle has no wheels for it; add `--python {PYTHON}`"
        )
    return root
