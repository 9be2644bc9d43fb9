"""What a backup says of itself, and whether that is true."""

import hashlib
import os
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from appliance.domain.errors import ConfigError, StoreUnavailable
from appliance.store.engine import file_uri
from appliance.store.failures import translated
from appliance.store.schema import Database, Found, action, needed

NAME = "manifest.json"
STORE, LEDGER, CONFIG = "store.db", "ledger.db", "config.yaml"
FORMAT = 1
MASTER_KEY = (
    "not in this backup, on purpose: without the site's master key the peppers in it stay sealed and no key works; "
    "keep the master key apart from the backups"
)
CHUNK = 1024 * 1024  # bytes


class File(msgspec.Struct, frozen=True, kw_only=True):
    size: int  # bytes
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`manifest.json`. It proves that nothing was damaged on the way, not who made it."""

    format: int = FORMAT
    version: str  # of the release that made it
    at: datetime
    schema: dict[Database, str]
    compatible_from: dict[Database, str] = {}  # the lowest schema a program must know; not said: its own
    files: dict[str, File]
    master_key: str = MASTER_KEY


def read(backup: Path) -> Manifest:
    """Raises StoreUnavailable when there is none or it makes no sense, ConfigError when a newer release made it."""
    try:
        manifest = msgspec.json.decode((backup / NAME).read_bytes(), type=Manifest)
    except OSError as error:
        raise StoreUnavailable(f"`{backup}` is no backup: `{NAME}` cannot be read ({error.strerror})") from error
    except msgspec.MsgspecError as error:
        raise StoreUnavailable(f"the manifest of the backup `{backup}` is damaged: {error}") from error
    if {STORE, LEDGER} - manifest.files.keys() or manifest.files.keys() - {STORE, LEDGER, CONFIG}:
        raise StoreUnavailable(f"the manifest of the backup `{backup}` does not list the files of a backup")
    unfit = [
        name
        for name, number in manifest.schema.items()
        if action(_found(manifest, name, number), needed(name)) == "restore"
    ]
    if manifest.format > FORMAT or unfit:
        raise ConfigError(
            f"the backup `{backup}` was made by a newer release ({manifest.version}) and this one cannot use it; "
            "use that one"
        )
    return manifest


def _found(manifest: Manifest, database: Database, number: str) -> Found:
    return Found(number=number, compatible_from=manifest.compatible_from.get(database, number))


def check_files(backup: Path, manifest: Manifest) -> None:
    """Raises StoreUnavailable unless every file is here, as it was, and both databases are sound."""
    for name, expected in manifest.files.items():
        if measure(backup / name) != expected:
            raise StoreUnavailable(f"`{name}` in the backup `{backup}` is not what was backed up; use another copy")
    for name in (STORE, LEDGER):
        check_soundness(backup / name)


def check_soundness(database: Path) -> None:
    """Raises StoreUnavailable when SQLite finds a database damaged. Reads all of it, writes nothing."""
    with translated(f"`{database.name}`"):
        connection = sqlite3.connect(file_uri(database, "ro") + "&immutable=1", uri=True)
        try:
            complaint = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        finally:
            connection.close()
    if complaint != "ok":
        raise StoreUnavailable(f"`{database}` is damaged: {complaint}")


def measure(file: Path) -> File:
    """Raises StoreUnavailable when it cannot be read, or is not a plain file."""
    try:
        with open_plain(file) as source:
            return _measured(source, None)
    except OSError as error:
        raise StoreUnavailable(f"`{file}` cannot be read: {error.strerror}") from error


def copy(source: Path, target: BinaryIO) -> File:
    """Copy and measure in one pass, so that what was measured is what was written. Raises OSError."""
    with open_plain(source) as opened:
        return _measured(opened, target)


def open_plain(file: Path) -> BinaryIO:
    """Never through a symbolic link: a backup that was carried about is not to be trusted with paths."""
    return os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb")


def _measured(source: BinaryIO, target: BinaryIO | None) -> File:
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if target is not None:
            target.write(chunk)
    return File(size=size, sha256=digest.hexdigest())
