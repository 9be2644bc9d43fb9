"""Putting a backup in the place of a data folder's databases. What was there is moved aside, never deleted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from appliance.domain.errors import Conflict, StoreUnavailable
from appliance.ports.clock import Clock
from appliance.store import manifest as manifests
from appliance.store.backup import sync, verify
from appliance.store.folder import PRIVATE_FOLDER, DataFolder, create_private, make_private
from appliance.store.lock import hold_alone
from appliance.store.manifest import CONFIG, LEDGER, STORE, File, Manifest
from appliance.store.mounts import refuse_network_file_system

BESIDE = ("", "-wal", "-shm", "-journal")  # what SQLite keeps with a database; a stale one would corrupt the new

Name = Annotated[str, Meta(pattern=r"^(store|ledger)\.db(-wal|-shm|-journal)?\Z")]


class Half(msgspec.Struct, frozen=True, kw_only=True):
    """`restoring.json`: what a restore that has not ended was about to move, and where to."""

    aside: Annotated[str, Meta(pattern=r"^replaced-[0-9TZ]+\Z")]
    old: tuple[Name, ...]


def restore(backup: Path, data_dir: Path, clock: Clock, *, config: Path | None = None) -> Manifest:
    """Check a backup, then make it the databases of `data_dir`; with `config`, write its configuration there.

    The old databases are moved to `replaced-<time>` inside the data folder. A backup of an older release still needs
    `redoubt db migrate`. Raises Conflict while anybody has the data folder open or when `config` exists, and whatever
    `verify` raises. When it fails, the old databases are where they were; when it is killed, nobody opens the folder
    until it is run again.
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
    """Whoever kills this finds the databases closed to everybody until it is run again, which first takes it back."""
    _take_back(folder)
    new = {STORE: folder.path / ".store.restoring", LEDGER: folder.path / ".ledger.restoring"}
    aside = folder.path / f"replaced-{clock.now():%Y%m%dT%H%M%S%fZ}"
    old = _old(folder)
    try:
        for name, file in new.items():
            _bring(backup / name, file, manifest.files[name])
        _mark(folder, Half(aside=aside.name, old=tuple(file.name for file in old)))
        for file in old:
            aside.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            file.replace(aside / file.name)
        if old:
            sync(aside)
        for name, file in new.items():
            file.replace(folder.path / name)
        sync(folder.path)
        folder.restoring.unlink()
        sync(folder.path)
    except BaseException:
        _take_back(folder)
        raise
    finally:
        for file in new.values():
            file.unlink(missing_ok=True)


def _mark(folder: DataFolder, half: "Half") -> None:
    partial = folder.restoring.with_suffix(".new")
    create_private(partial)
    partial.write_bytes(msgspec.json.encode(half))
    sync(partial)
    partial.replace(folder.restoring)
    sync(folder.path)


def _take_back(folder: DataFolder) -> None:
    """Put the old databases where they were before a restore that did not end. Killed, it can be run again."""
    try:
        half = msgspec.json.decode(folder.restoring.read_bytes(), type=Half)
    except FileNotFoundError:
        return
    except msgspec.MsgspecError as error:
        raise StoreUnavailable(
            f"`{folder.restoring}` is damaged ({error}); look for the databases beside it"
        ) from error
    aside = folder.path / half.aside
    for name in half.old:
        if (aside / name).exists():
            (aside / name).replace(folder.path / name)
    for name in {STORE, LEDGER} - {*half.old}:
        (folder.path / name).unlink(missing_ok=True)  # a copy from the backup, where none was
    sync(folder.path)
    folder.restoring.unlink()
    sync(folder.path)
    with suppress(OSError):
        aside.rmdir()


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
