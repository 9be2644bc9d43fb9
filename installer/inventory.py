"""`files.sha256`: everything that a release's folder holds, hashed when it was made, and held against at every start.

The same form as SHA256SUMS, so that `sha256sum -c` can read it. Links are not in it: the only ones are `bin/python`.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from installer.failure import Failed
from installer.layout import INVENTORY, KINDS, RECEIPT, Release
from offline.rules.refusal import Refused
from offline.rules.tree import digest

BESIDE = (INVENTORY, RECEIPT)
LINKS = tuple(f"{kind}/bin/python" for kind in KINDS)


def files_of(folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every entry that is no folder, links among them, by its path below `folder`."""
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                path = f"{prefix}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{path}/")
                else:
                    yield path, entry


def take(release: Release, progress: Callable[[str, int], None]) -> dict[str, str]:
    """Path -> sha256 of what is there now. Raises Failed for a link or device nobody made here, Refused, OSError."""
    paths: list[tuple[str, int]] = []
    twins: dict[int, str] = {}  # inode -> the first of its names: both environments share most of their files
    same: dict[str, str] = {}
    for path, entry in files_of(release.folder):
        if entry.is_file(follow_symlinks=False):
            told = entry.stat(follow_symlinks=False)
            if path in BESIDE:
                continue
            if told.st_nlink > 1 and twins.setdefault(told.st_ino, path) != path:
                same[path] = twins[told.st_ino]
            else:
                paths.append((path, told.st_size))
        elif path not in LINKS or not entry.is_symlink():
            raise Failed(f"`{release.folder / path}` is no plain file")
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 4)) as pool:
        hashes = list(pool.map(lambda one: digest(release.folder / one[0]), paths))
    for path, size in paths:
        progress(path, size)
    found = {path: one for (path, _), one in zip(paths, hashes, strict=True)}
    found.update({path: found[first] for path, first in same.items()})
    return dict(sorted(found.items()))


def text_of(files: Mapping[str, str]) -> bytes:
    return "".join(f"{files[path]}  {path}\n" for path in sorted(files)).encode()


def read(release: Release) -> tuple[dict[str, str], str]:
    """What was written, and the sha256 of that. Raises Failed."""
    try:
        content = release.inventory.read_bytes()
        lines = [line.split("  ", 1) for line in content.decode().splitlines()]
        return {path: one for one, path in lines}, hashlib.sha256(content).hexdigest()
    except (OSError, ValueError) as error:
        raise Failed(f"`{release.inventory}` cannot be read: {error}") from error


def differences(release: Release, expected: Mapping[str, str]) -> list[str]:
    """One line for each file that is changed, missing or unknown; an empty list when all is as it was."""
    try:
        found = take(release, lambda _path, _size: None)
    except (Failed, Refused) as error:
        return [error.message]
    changed = sorted(path for path in expected.keys() & found.keys() if expected[path] != found[path])
    return [
        *(f"changed: {path}" for path in changed),
        *(f"missing: {path}" for path in sorted(expected.keys() - found.keys())),
        *(f"unknown: {path}" for path in sorted(found.keys() - expected.keys())),
    ]
