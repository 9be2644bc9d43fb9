"""Writes that survive a power cut, and removals that stay where they belong."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from installer.failure import Failed

PRIVATE = 0o600
PRIVATE_FOLDER = 0o700
CHUNK = 1024 * 1024


def write_whole(file: Path, content: bytes, mode: int = 0o644) -> None:
    """All of it or nothing, on disk when this returns."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as opened:
        os.fchmod(opened.fileno(), mode)
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    partial.replace(file)
    sync_folder(file.parent)


def write_json(file: Path, value: object, mode: int = 0o644) -> bytes:
    """What was written: sorted, two spaces, a newline at the end."""
    content = (json.dumps(value, sort_keys=True, indent=2, ensure_ascii=True) + "\n").encode()
    write_whole(file, content, mode)
    return content


def read_json(file: Path) -> Mapping[str, Any]:
    """An empty one when there is no such file. Raises Failed for one that is damaged."""
    try:
        told = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Failed(f"`{file}` cannot be read: {error}") from error
    if not isinstance(told, dict):
        raise Failed(f"`{file}` cannot be read: it is not an object")
    return told


def point(link: Path, target: str) -> None:
    """Make `link` a symbolic link to `target`, at once: there is no moment without one."""
    partial = link.with_name(f".{link.name}.new")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target)
    partial.replace(link)
    sync_folder(link.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(folder: Path) -> None:
    """Gone, whatever its modes; never through a link. Nothing there is fine."""
    if folder.is_symlink():
        raise Failed(f"`{folder}` is a symbolic link and is left alone; look at who made it")
    if not folder.exists():
        return
    for top, folders, _ in os.walk(folder):
        for name in folders:
            inner = Path(top, name)
            if not inner.is_symlink():
                inner.chmod(PRIVATE_FOLDER)
    shutil.rmtree(folder)


def copy_file(source: int, name: str, target: Path) -> int:
    """Copy `name` of the open folder `source`, never through a link; its bytes. Raises OSError."""
    read = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=source)
    with os.fdopen(read, "rb") as taken:
        write = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE)
        with os.fdopen(write, "wb") as given:
            shutil.copyfileobj(taken, given, CHUNK)
            return given.tell()
