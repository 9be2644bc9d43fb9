"""Wheels by what they are: `CACHE/<two hex>/<sha256>/<file name>`. A file is checked when it comes and when it goes."""

import shutil
import tempfile
from pathlib import Path

from offline.failure import Failure
from offline.rules.refusal import Refused
from offline.rules.tree import digest


class WheelCache:
    """A folder of wheels, shared by builds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, sha256: str) -> Path | None:
        """The wheel with that hash; None when it is not here, or is no longer what it was."""
        place = self._place(sha256)
        found = sorted(place.glob("*.whl")) if place.is_dir() else []
        if len(found) == 1 and _is(found[0], sha256):
            return found[0]
        return None

    def take(self, sha256: str, name: str) -> Path:
        """As `find`. Raises Failure when it is not here: `name` says what is missing."""
        if (found := self.find(sha256)) is None:
            raise Failure(f"`{name}` is not in `{self._folder}`; build where an index can be reached, to fetch it")
        return found

    def put(self, wheel: Path) -> Path:
        """Copy a wheel in. It appears whole or not at all."""
        sha256 = digest(wheel)
        place = self._place(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as scratch:
            made = Path(scratch) / "one"
            made.mkdir()
            shutil.copyfile(wheel, made / wheel.name)
            if place.exists():
                shutil.rmtree(place)
            made.rename(place)
        return place / wheel.name

    def _place(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256


def _is(file: Path, sha256: str) -> bool:
    try:
        return digest(file) == sha256
    except Refused:
        return False
