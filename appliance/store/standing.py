"""How the databases of a data folder stand to this release. Reads and changes nothing else; a gateway may serve."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from appliance.domain.errors import ConfigError
from appliance.store import schema
from appliance.store.engine import BUSY, file_uri
from appliance.store.failures import translated
from appliance.store.folder import DataFolder
from appliance.store.lock import hold_shared
from appliance.store.schema import NEEDED, Action, Database, Found, find, why_unfit

ORDER: tuple[Action, ...] = ("none", "migrate", "restore")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One database. With `newer` and nothing to do, a later release has widened it, and this one can use it."""

    database: Database
    found: str | None  # its schema; None: it is empty, or not there
    compatible_from: str | None  # the lowest schema a program must know to use it
    needed: str
    newer: bool
    action: Action
    why: str  # empty when there is nothing to do


def standing(data_dir: Path) -> tuple[Standing, ...]:
    """Raises Conflict while the folder is being restored, StoreUnavailable when a database cannot be read."""
    folder = DataFolder(data_dir)
    files = {"store": folder.store, "ledger": folder.ledger}
    try:
        folder.refuse_half_a_restore()
    except ConfigError as half:
        return tuple(_unknown(database, "restore", half.message) for database, _ in NEEDED)
    if not any(file.is_file() for file in files.values()):
        why = f"there is no store in `{data_dir}`; make one with `redoubt init`"
        return tuple(_unknown(database, "migrate", why) for database, _ in NEEDED)
    with hold_shared(folder.use_lock, f"`{data_dir}` is being restored; try again when that is done"):
        return tuple(_look(database, wanted, files[database]) for database, wanted in NEEDED)


def most(found: tuple[Standing, ...]) -> Action:
    """What the folder as a whole needs."""
    return max((one.action for one in found), key=ORDER.index)


def found_in(file: Path) -> Found:
    """What a database file says of itself. Raises sqlite3.Error."""
    with closing(sqlite3.connect(file_uri(file, "ro"), uri=True, timeout=BUSY)) as connection:
        return find(lambda query: connection.execute(query).fetchone()[0])


def _look(database: Database, wanted: str, file: Path) -> Standing:
    if not file.is_file():
        raise ConfigError(f"`{file}` is missing beside the other database; put a backup back: `redoubt backup restore`")
    with translated(f"the {database}"):
        found = found_in(file)
    return Standing(
        database=database,
        found=found.number,
        compatible_from=found.compatible_from,
        needed=wanted,
        newer=found.number is not None and found.number > wanted,
        action=schema.action(found, wanted),
        why=why_unfit(database, found),
    )


def _unknown(database: Database, action: Action, why: str) -> Standing:
    return Standing(
        database=database,
        found=None,
        compatible_from=None,
        needed=dict(NEEDED)[database],
        newer=False,
        action=action,
        why=why,
    )
