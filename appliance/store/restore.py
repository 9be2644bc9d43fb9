"""Putting a backup in the place of a data folder's databases. What was there is moved aside, never deleted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from appliance.domain.errors import Conflict, StoreUnavailable
from appliance.ports.clock import Clock
from appliance.store import manifest as manifests
from appliance.store.backup import sync, verify
from appliance.store.folder import PRIVATE_FOLDER, DataFolder, create_private, make_private
from appliance.store.lock import hold_alone
from appliance.store.manifest import CONFIG, LEDGER, STORE, File, Manifest
from appliance.store.mounts import refuse_network_file_system

BESIDE = ("", "-wal", "-shm", "-journal")  # what SQLite keeps with a database; a stale one would corrupt the new


def restore(backup: Path, data_dir: Path, clock: Clock, *, config: Path | None = None) -> Manifest:
    """Check a backup, then make it the databases of `data_dir`; with `config`, write its configuration there.

    The old databases are moved to `replaced-<time>` inside the data folder. A backup of an older release still needs
    `redoubt db migrate`. Raises Conflict while anybody has the data folder open or when `config` exists, and whatever
    `verify` raises. When it fails, the old databases are where they were.
    """
    manifest = verify(backup)
    if config is not None and (config.exists() or CONFIG not in manifest.files):
        raise Conflict(
            f"`{config}` exists; move it away first" if config.exists() else f"`{backup}` holds no configuration"
        )
    folder = DataFolder(data_dir)
    with _said(data_dir):
        folder.path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        refuse_network_file_system(folder.path)
        make_private(folder.path, PRIVATE_FOLDER)
        with (
            hold_alone(folder.gateway_lock, f"a gateway serves `{data_dir}`; stop it first"),
            hold_alone(folder.use_lock, f"somebody has `{data_dir}` open; end that first"),
        ):
            _replace(backup, manifest, folder, clock)
        if config is not None:
            _bring(backup / CONFIG, config, manifest.files[CONFIG])
    return manifest


@contextmanager
def _said(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"`{data_dir}` cannot be restored: {error.strerror or error}") from error


def _replace(backup: Path, manifest: Manifest, folder: DataFolder, clock: Clock) -> None:
    new = {STORE: folder.path / ".store.restoring", LEDGER: folder.path / ".ledger.restoring"}
    aside = folder.path / f"replaced-{clock.now():%Y%m%dT%H%M%S%fZ}"
    moved: list[tuple[Path, Path]] = []  # (from, to)
    try:
        for name, file in new.items():
            _bring(backup / name, file, manifest.files[name])
        for old in _old(folder):
            aside.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            moved.append((old, old.replace(aside / old.name)))
        for name, file in new.items():
            moved.append((file, file.replace(folder.path / name)))
        sync(folder.path)
    except BaseException:
        for origin, now in reversed(moved):
            now.replace(origin)
        with suppress(OSError):
            aside.rmdir()
        raise
    finally:
        for file in new.values():
            file.unlink(missing_ok=True)


def _old(folder: DataFolder) -> list[Path]:
    files = [file.with_name(file.name + more) for file in (folder.store, folder.ledger) for more in BESIDE]
    return [file for file in files if file.exists()]


def _bring(source: Path, target: Path, expected: File) -> None:
    """Copy, private and synced. What is copied is measured again: it may have changed since it was verified."""
    create_private(target)
    with target.open("wb") as opened:
        copied = manifests.copy(source, opened)
        opened.flush()
        os.fsync(opened.fileno())
    if copied != expected:
        target.unlink()
        raise StoreUnavailable(f"`{source}` changed while it was read; use another copy of the backup")
