"""What differs between two bundles, and how much of the newer one a receiver of the older would have to be brought."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from offline.rules.names import SUMS
from offline.rules.sums import LARGEST, Header, Sums, read_sums
from offline.rules.tree import look, read_small
from offline.rules.wheel import read_name


@dataclass(frozen=True, kw_only=True)
class Change:
    """One file or package: what it was and what it is; empty where there is none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """From one bundle to another."""

    before: Header
    after: Header
    packages: tuple[Change, ...]  # versions
    files: tuple[Change, ...]  # sha256; wheels left out
    carry: int  # bytes of contents the older has not
    whole: int  # bytes of the newer


def compare(before: Path, after: Path) -> Difference:
    """Raises Refused for a folder that holds no SHA256SUMS. Nothing is verified here."""
    old, new = _sums(before), _sums(after)
    sizes = look(after).files
    had = set(old.files.values())
    lacking = {sha256: path for path, sha256 in new.files.items() if sha256 not in had}
    return Difference(
        before=old.header,
        after=new.header,
        packages=_changes(_packages(old), _packages(new)),
        files=_changes(_others(old), _others(new)),
        carry=sum(sizes.get(path, 0) for path in lacking.values()),
        whole=sum(sizes.values()),
    )


def _sums(folder: Path) -> Sums:
    return read_sums(read_small(folder / SUMS, LARGEST))


def _packages(sums: Sums) -> dict[str, str]:
    """Versions of each name, comma between."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sums.files:
        if path.startswith("wheels/"):
            name = read_name(path.removeprefix("wheels/"))
            found[name.name].add(name.version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def _others(sums: Sums) -> dict[str, str]:
    return {path: sha256 for path, sha256 in sums.files.items() if not path.startswith("wheels/")}


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return tuple(Change(name=name, before=before.get(name, ""), after=after.get(name, "")) for name in names)
