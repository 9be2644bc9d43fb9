"""What a new lock brings that the one before had not: told from the wheels' own bytes, for a person to judge.

A stolen account shows here: a package nobody asked for, code that runs at every start, a new program, native code
where there was none, a wheel that grew.
"""

import configparser
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from offline.rules.lock import Pin
from offline.rules.wheel import read_wheel

GREW = 1.5  # times; more is told
KINDS = ("new", "removed", "upgraded", "native", "pth", "entry-point", "size")


@dataclass(frozen=True, order=True, kw_only=True)
class Finding:
    """One thing that changed."""

    package: str
    kind: str  # one of KINDS
    detail: str


@dataclass(frozen=True, kw_only=True)
class Content:
    """What matters of a wheel."""

    version: str
    size: int  # bytes, of the file
    native: frozenset[str] = field(default_factory=frozenset)
    startup: Mapping[str, str] = field(default_factory=dict)
    programs: frozenset[str] = field(default_factory=frozenset)  # entry points, and files for `bin`


def content(wheel: Path) -> Content:
    """Read a wheel whole. Raises Refused for one that is not what its RECORD says."""
    read = read_wheel(wheel)
    return Content(
        version=read.version,
        size=read.size,
        native=frozenset(_plain(one) for one in read.native),
        startup=read.startup,
        programs=frozenset(_programs(wheel, read.scripts)),
    )


def changes(before: Mapping[str, Content], after: Mapping[str, Content]) -> list[Finding]:
    """By package. A new package tells all it brings."""
    found: list[Finding] = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if new is None:
            found.append(Finding(package=name, kind="removed", detail=old.version if old else ""))
            continue
        if old is None:
            found.append(Finding(package=name, kind="new", detail=f"{new.version}, {new.size} bytes"))
        elif old.version != new.version:
            found.append(Finding(package=name, kind="upgraded", detail=f"{old.version} -> {new.version}"))
        found += _within(name, old or Content(version="", size=0), new)
    return found


def unchanged(before: Sequence[Pin], after: Sequence[Pin]) -> set[str]:
    """Names whose very file is the same: they need not be read."""
    return {pin.name for pin in {*before} & {*after}}


def _within(name: str, old: Content, new: Content) -> list[Finding]:
    found = [
        Finding(package=name, kind="pth", detail=f"{path} runs at every start of Python (sha256 {sha256})")
        for path, sha256 in sorted(new.startup.items())
        if old.startup.get(path) != sha256
    ]
    if new.native and not old.native:
        found.append(Finding(package=name, kind="native", detail=f"{len(new.native)} files: {min(new.native)}"))
    elif added := sorted(new.native - old.native):
        found.append(Finding(package=name, kind="native", detail=f"{len(added)} more: {added[0]}"))
    if added := sorted(new.programs - old.programs):
        found.append(Finding(package=name, kind="entry-point", detail=", ".join(added)))
    if old.size and new.size > GREW * old.size:
        found.append(Finding(package=name, kind="size", detail=f"{old.size} -> {new.size} bytes"))
    return found


def _plain(path: str) -> str:
    """A compiled member without the tags in its name, which differ between Pythons: `_speed.so`."""
    folder, _, name = path.rpartition("/")
    if ".so" not in name:
        return path
    return f"{folder}/{name.split('.', 1)[0]}.so".lstrip("/")


def _programs(wheel: Path, scripts: Sequence[str]) -> set[str]:
    """`group: name = target` of every entry point, and files for `bin`. Source: PyPA entry points specification."""
    with zipfile.ZipFile(wheel) as archive:
        names = [one for one in archive.namelist() if one.endswith(".dist-info/entry_points.txt")]
        text = archive.read(names[0]).decode("utf-8") if names else ""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case, as the specification says
    parser.read_string(text)  # rules.wheel has read it before
    points = {(group, name): target for group in parser.sections() for name, target in parser.items(group)}
    made = {name for group, name in points if group in {"console_scripts", "gui_scripts"}}
    return {
        *(f"{group}: {name} = {target}" for (group, name), target in points.items()),
        *(f"bin/{one}" for one in scripts if one not in made),
    }
