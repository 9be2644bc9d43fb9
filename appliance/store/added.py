"""Models that find names, which the operator carried in: `models/NAME/VERSION/` of the data folder."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.domain.errors import Conflict, StoreUnavailable
from appliance.store.folder import PRIVATE_FILE, PRIVATE_FOLDER
from appliance.store.lock import hold_alone

STAGE = ".adding"


class AddedModels:
    def __init__(self, data: Path) -> None:
        self.folder = data / "models"
        self._lock = data / "models.lock"

    def place(self, name: str, version: str) -> Path:
        return self.folder / name / version

    @contextmanager
    def stage(self) -> Iterator[Path]:
        """An empty folder beside where models lie; gone afterwards. Raises Conflict while another model is added."""
        with hold_alone(self._lock, "another model is being added"):
            stage = self.folder / STAGE
            try:
                self.folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
                shutil.rmtree(stage, ignore_errors=True)  # of one that was cut short
                stage.mkdir(mode=PRIVATE_FOLDER)
                yield stage
            except OSError as error:
                raise StoreUnavailable(f"`{self.folder}` cannot be written: {error.strerror}") from error
            finally:
                shutil.rmtree(stage, ignore_errors=True)

    def keep(self, staged: Path, name: str, version: str) -> Path:
        """Give a staged model its place, to the owner of the data folder. Raises Conflict when something lies there."""
        target = self.place(name, version)
        if target.exists():
            raise Conflict(f"`{target}` is there already")
        target.parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        _protect(staged)
        staged.rename(target)
        for folder in (self.folder, target.parent):
            _give(folder, self.folder.parent.stat())
        return target

    def drop(self, name: str, version: str) -> None:
        """Take one away again."""
        target = self.place(name, version)
        shutil.rmtree(target)
        if not any(target.parent.iterdir()):
            target.parent.rmdir()


def _protect(model: Path) -> None:
    """Close every file to group and others; of what root unpacked the service has to be the owner to read it."""
    owner = model.parents[2].stat()  # DATA/models/.adding/…
    for path in (model, *model.rglob("*")):
        path.chmod(PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE)
        _give(path, owner)


def _give(path: Path, owner: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
