"""Backups: made while the gateway runs, checked before they are believed, restored only where no gateway is.

A backup is a folder (0700) of `store.db`, `ledger.db`, `config.yaml` and `manifest.json` (0600). The master key is
never in it. Everything here blocks; run it from a verb, or in a thread.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from appliance.domain.errors import Conflict, StoreUnavailable
from appliance.ports.clock import Clock
from appliance.store import manifest as manifests
from appliance.store.engine import connect
from appliance.store.failures import translated
from appliance.store.folder import PRIVATE_FILE, PRIVATE_FOLDER, DataFolder
from appliance.store.lock import hold_shared
from appliance.store.manifest import CONFIG, LEDGER, STORE, Manifest
from appliance.store.moments import micros
from appliance.store.schema import NEEDED, Database
from appliance.store.standing import found_in

__all__ = ["Manifest", "create", "verify"]


def create(data_dir: Path, target: Path, clock: Clock, *, version: str, config: Path | None = None) -> Manifest:
    """Back a data folder up into `target`, which appears whole or not at all, and checked.

    Each database is copied as it is at one moment, without holding up its writers. Raises Conflict when `target`
    exists and is not an empty folder, ConfigError when there is no store, StoreUnavailable when it cannot be read or
    the copy cannot be written.
    """
    folder = DataFolder(data_dir)
    folder.check()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise Conflict(f"`{target}` exists; choose a new folder for the backup")
    partial = target.parent / f".{target.name}.partial-{os.getpid()}"
    with hold_shared(folder.use_lock, f"`{data_dir}` is being restored; try again when that is done"), _said(target):
        try:
            partial.mkdir(mode=PRIVATE_FOLDER, parents=True)
            _copy_database(folder.store, partial / STORE)
            _copy_database(folder.ledger, partial / LEDGER, clock)
            if config is not None:
                _copy_config(config, partial / CONFIG)
            manifest = _describe(partial, clock, version)
            _write(partial / manifests.NAME, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
            manifests.check_files(partial, manifest)
            sync(partial)
            partial.replace(target)
            sync(target.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return manifest


def verify(backup: Path) -> Manifest:
    """Check every file against the manifest, and both databases for damage.

    Raises StoreUnavailable for anything missing, changed or damaged, ConfigError for a backup of a newer release.
    """
    manifest = manifests.read(backup)
    manifests.check_files(backup, manifest)
    return manifest


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, survive a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _said(target: Path) -> Iterator[None]:
    try:
        with translated("the backup"):
            yield
    except OSError as error:
        raise StoreUnavailable(f"the backup `{target}` cannot be written: {error.strerror or error}") from error


def _copy_database(source: Path, target: Path, clock: Clock | None = None) -> None:
    """With a clock: it is the ledger, and the copy's run ends here, cleanly."""
    _write(target, b"")
    with closing(connect(source, "FULL")) as live, closing(sqlite3.connect(target, isolation_level=None)) as copy:
        live.backup(copy)  # all pages in one step: one moment, and no starting again when somebody writes
        copy.execute("PRAGMA journal_mode = DELETE")  # the copy is one file
        if clock is not None:
            copy.execute("UPDATE runs SET stopped_at = ? WHERE stopped_at IS NULL", (micros(clock.now()),))
    sync(target)


def _copy_config(source: Path, target: Path) -> None:
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb") as opened:
        opened.write(source.read_bytes())
    sync(target)


def _write(file: Path, content: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def _describe(partial: Path, clock: Clock, version: str) -> Manifest:
    databases: dict[Database, Path] = {"store": partial / STORE, "ledger": partial / LEDGER}
    found = {database: found_in(databases[database]) for database, _ in NEEDED}
    return Manifest(
        version=version,
        at=clock.now(),
        schema={database: str(one.number) for database, one in found.items()},
        compatible_from={database: str(one.compatible_from) for database, one in found.items()},
        files={file.name: manifests.measure(file) for file in sorted(partial.iterdir())},
    )
