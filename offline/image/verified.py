"""The image of a bundle that somebody else built: copied, verified as a copy, and only then built from."""

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from offline.image.build import Image, Say, build, check_host
from offline.image.debian import ImageError
from offline.image.place import FOLDER, ROOT, fitting, place_root
from offline.look import believed, opened, verified
from offline.rules.names import SUMS
from offline.rules.openssl import OpenSSL
from offline.rules.release import machine
from offline.rules.tree import look
from offline.rules.verify import Asked


def image(
    place: Path, target: Path, trusted: tuple[Path | None, str | None], say: Say, *, root: Path | None, expired: bool
) -> Image:
    """Build the image of the bundle at `place` (a folder, or a `.tar`) to `target`. Raises Failure or Refused.

    `trusted`: a trust file, or a fingerprint; `root`: a root file system, for a bundle that carries none.
    """
    check_host()
    with tempfile.TemporaryDirectory(prefix="redoubt-image-") as scratch, opened(place) as given:
        say("copying the bundle to where nobody else can change it")
        folder = _copied(given, Path(scratch) / "bundle")
        trust = believed(folder, *trusted, OpenSSL())
        asked = Asked(channel="app", arch=machine(), now=datetime.now(UTC), known=trust.created, accept_expired=expired)
        say("verifying every file of the copy")
        found, manifest = verified(folder, trust, asked, OpenSSL())
        if manifest is not None and root is not None:
            pythons = {f"{one.python[2:3]}.{one.python[3:]}" for one in manifest.environments}
            place_root(fitting(root, manifest.arch, pythons), folder / FOLDER)
        if not (folder / FOLDER / ROOT).is_file():
            raise ImageError(
                f"the bundle carries no `{FOLDER}/{ROOT}`: name a root file system with `--image-root`, which "
                "`redoubt bundle image-root` makes on a connected machine"
            )
        return build(folder, target, epoch=int(found.sums.header.created.timestamp()), say=say)


def _copied(given: Path, folder: Path) -> Path:
    """Plain files alone, followed nowhere; raises Refused for anything else."""
    tree = look(given)
    for path in (*tree.files, *tree.beside, SUMS):
        if (given / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(given / path, folder / path, follow_symlinks=False)
    return folder
