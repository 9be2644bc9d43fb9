"""What the gateway that serves a data folder says of itself, for verbs on the host: never over the network.

`gateway.json` (0600) is believed only while the process it names holds `gateway.lock`: a stale one says nothing.
"""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from appliance.domain.errors import StoreUnavailable
from appliance.store.folder import PRIVATE_FILE, DataFolder
from appliance.store.lock import holder_of


class Running(msgspec.Struct, frozen=True, kw_only=True):
    process: int
    version: str
    api: str  # base urls, without /v1
    admin: str
    since: datetime


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a data folder now."""

    process: int | None  # None: it has not said yet
    told: Running | None  # None: it does not answer requests yet, or it is a migration


def tell(data_dir: Path, running: Running) -> None:
    """Raises StoreUnavailable when the file cannot be written."""
    file = _file(data_dir)
    partial = file.with_name(f".{file.name}.{running.process}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(msgspec.json.format(msgspec.json.encode(running), indent=2) + b"\n")
        partial.replace(file)
    except OSError as error:
        raise StoreUnavailable(f"`{file}` cannot be written: {error.strerror or error}") from error


def withdraw(data_dir: Path, process: int) -> None:
    """Take back what `process` told. Never raises: what is left behind is stale, and known to be."""
    with suppress(OSError, msgspec.MsgspecError):
        if _read(data_dir).process == process:
            _file(data_dir).unlink()


def serving(data_dir: Path) -> Serving | None:
    """None when nobody serves the folder. Raises StoreUnavailable."""
    holder = holder_of(DataFolder(data_dir).gateway_lock)
    if holder is None:
        return None
    try:
        told: Running | None = _read(data_dir)
    except FileNotFoundError:
        told = None
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreUnavailable(f"`{_file(data_dir)}` cannot be read: {error}") from error
    return Serving(process=holder.process, told=told if told is not None and told.process == holder.process else None)


def _read(data_dir: Path) -> Running:
    return msgspec.json.decode(_file(data_dir).read_bytes(), type=Running)


def _file(data_dir: Path) -> Path:
    return data_dir / "gateway.json"
