"""The data folder: where the two databases lie, who may read them, and what kind of disk they need."""

import os
import stat
from pathlib import Path

from appliance.domain.errors import ConfigError, StoreUnavailable
from appliance.store.mounts import refuse_network_file_system

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


class DataFolder:
    """Paths inside a data folder. Making one touches nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = path / "store.db"
        self.ledger = path / "ledger.db"
        self.gateway_lock = path / "gateway.lock"  # held by the one gateway that serves this folder
        self.use_lock = path / "use.lock"  # shared by everybody who has the databases open
        self.restoring = path / "restoring.json"  # there while a restore is not finished, however it ended

    def prepare(self) -> None:
        """Make the folder (0700) and empty database files (0600) where missing.

        Raises ConfigError for a network file system, a folder that is not ours to protect, or half a restore.
        """
        self.refuse_half_a_restore()
        try:
            self.path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"the data folder `{self.path}` cannot be made: {error.strerror}") from error
        refuse_network_file_system(self.path)
        make_private(self.path, PRIVATE_FOLDER)
        for file in (self.store, self.ledger):
            create_private(file)

    def check(self) -> None:
        """Raises ConfigError unless both databases are here, on a local disk; closes them to group and others."""
        self.refuse_half_a_restore()
        if not (self.store.is_file() and self.ledger.is_file()):
            raise ConfigError(f"there is no store in `{self.path}`; make one with `redoubt init`")
        refuse_network_file_system(self.path)
        make_private(self.path, PRIVATE_FOLDER)
        for file in (self.store, self.ledger):
            make_private(file, PRIVATE_FILE)

    def refuse_half_a_restore(self) -> None:
        """Raises ConfigError when one was cut short: some databases may be the old ones, some missing."""
        if self.restoring.exists():
            raise ConfigError(
                f"a restore of `{self.path}` was cut short; run `redoubt backup restore` again, with that backup or "
                "another: nothing is lost"
            )


def create_private(file: Path) -> None:
    """Make an empty file (0600) unless it exists; an existing one is closed to group and others.

    When root makes it, it belongs to the owner of the folder, so that a verb run by root locks no service out.
    """
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, PRIVATE_FILE)
        try:
            if os.geteuid() == 0:
                owner = file.parent.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreUnavailable(f"`{file}` cannot be made: {error.strerror}") from error
    make_private(file, PRIVATE_FILE)


def make_private(path: Path, mode: int) -> None:
    """Take every right of group and others away. Raises ConfigError when that is not ours to do."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & ~mode & 0o077:
            path.chmod(mode)
    except OSError as error:
        raise ConfigError(
            f"`{path}` can be read by others, and its rights cannot be changed ({error.strerror}); "
            f"give it to the gateway's user and set mode {mode:o}"
        ) from error
