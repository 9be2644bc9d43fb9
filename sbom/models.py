"""Models that the operator added: `NAME/VERSION/` with a `SHA256SUMS`, whose every line is held against its file."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from sbom.model import Refused

Kind = Literal["changed", "missing", "unknown"]
Problem = tuple[Kind, str, str]  # what kind of drift, at which path, what is wrong
SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  ([\w.@+-]+(?:/[\w.@+-]+)*)", re.ASCII)


class Model(msgspec.Struct, frozen=True):
    """One that lies there, and where it is not what was added."""

    name: str
    version: str
    problems: tuple[Problem, ...]


def look(place: Path, named: Mapping[Path, str]) -> list[Model]:
    """Every model below `place`. `named`: folder -> the sha256 that the site's settings demand of its SHA256SUMS.

    Raises Refused when one cannot be read.
    """
    try:
        folders = sorted(one for one in place.glob("[!.]*/*") if one.is_dir()) if place.is_dir() else []
        return [Model(one.parent.name, one.name, tuple(_problems(one, named.get(one)))) for one in folders]
    except OSError as error:
        raise Refused(f"the models in `{place}` cannot be read: {error.strerror}") from error


def _problems(folder: Path, demanded: str | None) -> list[Problem]:
    told = folder.parent.name
    if not (folder / SUMS).is_file():
        return [("missing", f"{folder}/{SUMS}", f"no list of what `{told}` is made of")]
    sums = (folder / SUMS).read_bytes()
    found: list[Problem] = []
    if demanded is not None and hashlib.sha256(sums).hexdigest() != demanded:
        found.append(("changed", f"{folder}/{SUMS}", "is not the one that `privacy.model` names"))
    listed = {line[2]: line[1] for line in map(_LINE.fullmatch, sums.decode(errors="replace").splitlines()) if line}
    there = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_symlink() or not one.is_dir()}
    for path in sorted(listed.keys() | there - {SUMS}):
        if path not in there or ".." in path.split("/"):
            found.append(("missing", f"{folder}/{path}", f"the list of `{told}` names it"))
        elif path not in listed:
            found.append(("unknown", f"{folder}/{path}", f"the list of `{told}` does not name it"))
        elif (folder / path).is_symlink() or _digest(folder / path) != listed[path]:
            found.append(("changed", f"{folder}/{path}", f"is not what was added of `{told}`"))
    return found


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
