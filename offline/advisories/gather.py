"""Advisories as their publishers hand them out: OSV JSON or PYSEC YAML, in a folder, a zip, or an older snapshot."""

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import yaml

from offline.advisories.fault import BadAdvisories
from offline.advisories.record import PYPI, Raw
from offline.advisories.snapshot import MOST_DATA, MOST_PACKED, unpacked

MOST_FILE = 4 * 1024 * 1024  # bytes of one advisory; the largest seen took 0.2 million
MOST_FILES = 500_000
_READ = re.compile(r"\.(json|ya?ml)$")

Told = Callable[[int], None]  # how many were read so far
Found = tuple[str, Raw]  # where, and the record as it came


def gather(source: Path, told: Told | None = None) -> Iterator[Found]:
    """Every advisory in `source`: a folder, a `.zip` of them, or one `.json.gz` of names and records.

    Raises BadAdvisories at the first that does not read: one that is passed over would never be missed.
    """
    if source.is_dir():
        found = _in_folder(source)
    elif source.suffix == ".zip":
        found = _in_zip(source)
    elif source.name.endswith(".json.gz"):
        found = _in_snapshot(source)
    else:
        raise BadAdvisories(
            f"`{source}` is neither a folder, a `.zip` nor a `.json.gz`; name one that holds advisories"
        )
    number = 0
    for number, one in enumerate(found, 1):
        if number > MOST_FILES:
            raise BadAdvisories(f"`{source}` holds more than {MOST_FILES} advisories")
        if told is not None and number % 1000 == 0:
            told(number)
        yield one
    if not number:
        raise BadAdvisories(f"`{source}` holds no `.json` and no `.yaml` file; nothing was written")


def _in_folder(folder: Path) -> Iterator[Found]:
    size = 0
    for file in sorted(folder.rglob("*")):
        where = str(file.relative_to(folder))
        if _hidden(where) or not _READ.search(file.name) or file.is_symlink() or not file.is_file():
            continue
        with file.open("rb") as opened:
            content = opened.read(MOST_FILE + 1)
        size = _counted(where, size, len(content))
        yield where, _decode(where, content)


def _in_zip(file: Path) -> Iterator[Found]:
    size = 0
    try:
        with zipfile.ZipFile(file) as archive:
            for member in sorted(archive.infolist(), key=lambda one: one.filename):
                if member.is_dir() or _hidden(member.filename) or not _READ.search(member.filename):
                    continue
                with archive.open(member) as opened:
                    content = opened.read(MOST_FILE + 1)  # never what the header claims
                size = _counted(member.filename, size, len(content))
                yield member.filename, _decode(member.filename, content)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadAdvisories(f"`{file}` does not read as a zip: {error}") from error


def _in_snapshot(file: Path) -> Iterator[Found]:
    """Either `{package: [record]}`, all of PyPI, or `{ecosystem: {package: [record]}}`."""
    if file.stat().st_size > MOST_PACKED:
        raise BadAdvisories(f"`{file}` has more than {MOST_PACKED} bytes")
    content = unpacked(file.read_bytes(), file.name)
    try:
        told = msgspec.json.decode(content, type=dict[str, list[Raw] | dict[str, list[Raw]]])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadAdvisories(f"`{file}` does not read: {error}") from error
    seen: set[str] = set()
    for key, value in told.items():
        named = value if isinstance(value, dict) else {key: value}
        for records in named.values():
            for raw in records:
                where = str(raw.get("id", f"{PYPI} {key}"))
                if where not in seen:
                    seen.add(where)
                    yield where, raw


def _hidden(where: str) -> bool:
    return any(part.startswith(".") for part in where.split("/"))


def _counted(where: str, size: int, more: int) -> int:
    if more > MOST_FILE:
        raise BadAdvisories(f"`{where}` has more than {MOST_FILE} bytes, which no advisory has")
    if size + more > MOST_DATA:
        raise BadAdvisories(f"at `{where}` there are more than {MOST_DATA} bytes of advisories")
    return size + more


def _decode(where: str, content: bytes) -> Raw:
    try:
        raw = msgspec.json.decode(content) if where.endswith(".json") else _yaml(content)
    except (msgspec.MsgspecError, yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        raise BadAdvisories(f"`{where}` does not read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(raw, dict):
        raise BadAdvisories(f"`{where}` is not one advisory")
    return raw


def _yaml(content: bytes) -> object:
    """Texts, lists and maps only: no tags, no dates, and no aliases, by which a small file can mean a huge one."""
    for event in yaml.parse(content, Loader=yaml.CBaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("it repeats itself by aliases, which advisories do not")
    return yaml.load(content, Loader=yaml.CBaseLoader)  # noqa: S506 -- the base loader makes texts, lists and maps only
