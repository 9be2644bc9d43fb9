"""Receipts: what was done here, by whom it was signed, what was overruled. Each names the hash of the one before.

A copy lies in the release and one in `state/receipts`; the chain shows whether one was taken out or changed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from installer.disk import write_json
from installer.layout import Layout


def chain(layout: Layout) -> Iterator[tuple[Path, Mapping[str, Any], str]]:
    """Oldest first: the file, what it says, its sha256."""
    for file in sorted(layout.receipts.glob("*.json")):
        content = file.read_bytes()
        yield file, _read(content), hashlib.sha256(content).hexdigest()


def _read(content: bytes) -> Mapping[str, Any]:
    """A damaged one follows nothing."""
    try:
        told = json.loads(content)
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {"before": None}


def broken(layout: Layout) -> list[str]:
    """One line for each receipt that does not name the one before it."""
    found: list[str] = []
    before = ""
    for file, told, sha256 in chain(layout):
        if told.get("before", "") != before:
            found.append(f"`{file.name}` does not follow the receipt before it")
        before = sha256
    return found


def last(layout: Layout) -> str:
    """The sha256 of the newest; empty when there is none."""
    found = ""
    for _, _, sha256 in chain(layout):
        found = sha256
    return found


def add(layout: Layout, operation: str, told: Mapping[str, Any]) -> tuple[bytes, str]:
    """The receipt's bytes and sha256. The same operation writes the same receipt, however often it is resumed."""
    file = layout.receipts / f"{operation}.json"
    if file.exists():
        content = file.read_bytes()
    else:
        content = write_json(file, {**told, "operation": operation, "before": last(layout)})
    return content, hashlib.sha256(content).hexdigest()


def take_back(layout: Layout, operation: str) -> None:
    """No receipt for what was not done. Nothing there is fine."""
    (layout.receipts / f"{operation}.json").unlink(missing_ok=True)
    if layout.receipts.is_dir() and not any(layout.receipts.iterdir()):
        layout.receipts.rmdir()
