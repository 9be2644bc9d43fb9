"""`python -m offline.image`: the two steps by hand, on the connected machine."""

import argparse
import os
import sys
from pathlib import Path

from offline.image.build import build, place
from offline.image.debian import ImageError
from offline.image.rootfs import cached


def main() -> None:
    """Exit 1 with one line when something is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m offline.image",
        description=__doc__,
        epilog="example: python -m offline.image place .cache/redoubt-0.1.0-x86_64",
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    placing = verbs.add_parser("place", help="put the root file system and the Containerfile into a bundle's folder")
    placing.add_argument("bundle", type=Path)
    placing.add_argument("--cache", type=Path, default=Path(".cache"), help="where root file systems are kept")
    building = verbs.add_parser("build", help="build the image of a bundle, offline, as an OCI layout in one tar")
    building.add_argument("bundle", type=Path)
    building.add_argument("target", type=Path)
    building.add_argument(
        "--epoch", type=int, required=True, help="the moment every file carries: the bundle's `created`"
    )
    building.add_argument("--driver", default="overlay", choices=("overlay", "vfs"), help="buildah's storage")
    asked = parser.parse_args()
    try:
        if asked.verb == "place":
            rootfs = cached(asked.cache)
            place(asked.bundle, rootfs)
            _say(
                f"root file system {rootfs.sha256}: {len(rootfs.packages)} packages, {rootfs.tar.stat().st_size} bytes"
            )
        else:
            made = build(asked.bundle, asked.target, epoch=asked.epoch, say=_say, driver=asked.driver)
            _say(f"{made.tar}: manifest {made.manifest}, image id {made.config}, {made.size} bytes")
    except ImageError as problem:
        sys.exit(f"image: {problem}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.umask(0o022)
    main()
