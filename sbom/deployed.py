"""What is really there: every file of a release's environments is hashed anew and held against the shipped SBOM.

Each wheel component of the SBOM carries `redoubt:record-sha256`, a digest over `path,sha256,size` of every file it puts
into site-packages. The same digest is made from the live files of each installed distribution; equal digests show
equality with the SBOM alone, and the shipped wheels, where given, say which file differs. What an installer writes by
itself (RECORD, INSTALLER, REQUESTED, direct_url.json, byte code beside its source) is left out: the release's own
`files.sha256` covers those bytes.
"""

import base64
import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from packaging.metadata import parse_email
from packaging.utils import canonicalize_name

from sbom import wheel as wheels_
from sbom.model import Entry, Refused, Wheel
from sbom.models import Model
from sbom.view import View, shaped, walk

Json = dict[str, Any]
ENVIRONMENTS = ("serve", "tools")
MODELS = "models"  # where `Found` says that a model lies
IN_PLACE = "overlays"  # where `Found` says that a wheel lies which is not unpacked
Kind = Literal["changed", "missing", "unknown", "extra", "absent", "unreadable"]


class Drift(msgspec.Struct, frozen=True, order=True):
    """One difference between what was shipped, or added, and what lies there."""

    environment: str
    kind: Kind
    what: str  # a path below site-packages, or a distribution
    said: str


class Found(msgspec.Struct, frozen=True, order=True):
    """One distribution that is installed, or one model."""

    environment: str
    name: str
    version: str
    origin: Literal["shipped", "operator-supplied", "unknown"]


class Deployed(msgspec.Struct, frozen=True):
    """Equal when nothing drifted: shipped plus overlays, and not one file more."""

    found: tuple[Found, ...]
    drift: tuple[Drift, ...]

    @property
    def equal(self) -> bool:
        return any(one.environment in ENVIRONMENTS for one in self.found) and not self.drift


class _Shipped(msgspec.Struct, frozen=True):
    name: str
    version: str
    file: str
    record_sha256: str
    target: str  # `serve-cp311`


def compare(
    release: Path,
    shipped: View,
    wheels: Path | None = None,
    overlays: Iterable[Path] = (),
    in_place: Iterable[Path] = (),
    models: Iterable[Model] = (),
) -> Deployed:
    """Re-hash `release/serve` and `release/tools`. `wheels`: the shipped wheels, for telling which file differs;
    `overlays`: wheels the operator unpacked there; `in_place`: wheels of the operator's that are imported from where
    they lie, read to their last byte; `models`: those of the operator's, looked at. Raises Refused when there is no
    environment, or the SBOM is not ours.
    """
    told = _shipped(shipped)
    added = {one.name: one for one in map(wheels_.read, overlays)}
    found = [Found(IN_PLACE, one.name, one.version, "operator-supplied") for one in map(wheels_.read, in_place)]
    drift: list[Drift] = []
    for model in models:
        found.append(Found(MODELS, model.name, model.version, "operator-supplied"))
        drift += [Drift(MODELS, kind, what, said) for kind, what, said in model.problems]
    here = [name for name in ENVIRONMENTS if (release / name).is_dir()]
    asked = {one.target.partition("-")[0] for one in told}
    if not here:
        raise Refused(f"`{release}` has neither `serve` nor `tools`; name the folder of one release")
    drift += [Drift(name, "absent", name, "the whole environment is missing") for name in sorted(asked - set(here))]
    for name in here:
        _environment(name, release / name, told, (added, wheels), found, drift)
    return Deployed(tuple(sorted(found)), tuple(sorted(drift)))


@shaped()
def _shipped(document: View) -> tuple[_Shipped, ...]:
    listed = []
    for one in walk(document.raw.get("components") or []):
        properties = [(str(each.get("name")), str(each.get("value"))) for each in one.get("properties") or []]
        values = dict(properties)
        if "redoubt:record-sha256" not in values:
            continue
        for name, target in properties:
            if name == "redoubt:target":
                listed.append(
                    _Shipped(
                        name=str(one.get("name")),
                        version=str(one.get("version")),
                        file=values.get("bsi:component:filename", ""),
                        record_sha256=values["redoubt:record-sha256"],
                        target=target.rsplit("-", 1)[0],
                    )
                )
    if not listed:
        raise Refused("the SBOM has no component with `redoubt:record-sha256`; give the one of the bundle")
    return tuple(listed)


def _environment(
    name: str,
    folder: Path,
    told: tuple[_Shipped, ...],
    given: tuple[Mapping[str, Wheel], Path | None],
    found: list[Found],
    drift: list[Drift],
) -> None:
    overlays, wheels = given
    site, python = _site_packages(folder)
    expected = {one.name: one for one in told if one.target == f"{name}-cp{python}"}
    claimed: set[str] = set()
    seen: set[str] = set()
    for info in sorted(site.glob("*.dist-info")):
        installed, version, lines, problems = _installed(site, info)
        claimed |= lines.keys() | {f"{info.name}/{one}" for one in wheels_.INSTALLER_WRITES}
        one, overlay = expected.get(installed), overlays.get(installed)
        if installed in seen or (one is None and overlay is None):
            drift.append(
                Drift(name, "extra", installed, f"{version} is installed and was not shipped for {name}-cp{python}")
            )
            found.append(Found(name, installed, version, "unknown"))
            continue
        seen.add(installed)
        origin: Literal["shipped", "operator-supplied"] = "shipped" if one else "operator-supplied"
        found.append(Found(name, installed, version, origin))
        digest = one.record_sha256 if one else overlay.record_sha256 if overlay else ""
        if wheels_.canonical_sha256(lines) != digest or problems:
            wheel = overlay if one is None else _wheel(wheels, one)
            drift += _differences(name, installed, lines, wheel, problems)
            claimed |= _landed(wheel).keys() if wheel else set()
    drift += [
        Drift(name, "absent", one, f"{expected[one].version} was shipped") for one in sorted(expected.keys() - seen)
    ]
    drift += [Drift(name, "unknown", path, "no installed distribution brings it") for path in _unclaimed(site, claimed)]


def _site_packages(folder: Path) -> tuple[Path, str]:
    """Raises Refused when there is not exactly one."""
    sites = sorted((folder / "lib").glob("python3.*/site-packages"))
    if len(sites) != 1:
        raise Refused(f"`{folder}` holds {len(sites)} site-packages folders; an environment has one")
    return sites[0], sites[0].parent.name.removeprefix("python").replace(".", "")


def _installed(site: Path, info: Path) -> tuple[str, str, dict[str, Entry], list[Drift]]:
    """Name, version, the live files that its RECORD lists, and what of them is missing or cannot be read."""
    metadata, _ = parse_email((info / "METADATA").read_bytes()) if (info / "METADATA").is_file() else ({}, {})
    name = canonicalize_name(metadata.get("name") or info.name.rsplit("-", 1)[0])
    version = metadata.get("version") or ""
    lines: dict[str, Entry] = {}
    problems: list[Drift] = []
    if not (info / "RECORD").is_file():
        return name, version, lines, [Drift("", "missing", f"{info.name}/RECORD", name)]
    skipped = {f"{info.name}/{one}" for one in wheels_.INSTALLER_WRITES}
    for row in csv.reader(io.StringIO((info / "RECORD").read_text(encoding="utf-8", errors="replace"))):
        path = wheels_.landing(row[0], info.name) if row else ""  # RECORD may still be the wheel's own
        if not path or path in skipped or path.startswith(("../", "/")) or _byte_code(path):
            continue
        file = site / path
        if file.is_symlink() or not file.is_file():
            problems.append(Drift("", "missing", path, f"{name} lists it"))
        else:
            lines[path] = _entry(path, file)
    return name, version, lines, problems


def _entry(path: str, file: Path) -> Entry:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").digest()
    return Entry(path, base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), file.stat().st_size)


def _byte_code(path: str) -> bool:
    return path.endswith(".pyc") and "__pycache__/" in path


def _wheel(folder: Path | None, one: _Shipped) -> Wheel | None:
    path = folder / one.file if folder and one.file else None
    return wheels_.read(path) if path and path.is_file() else None


def _landed(wheel: Wheel) -> dict[str, Entry]:
    info = next(one.path.split("/", 1)[0] for one in wheel.entries if one.path.endswith(".dist-info/RECORD"))
    return wheels_.site_lines(wheel.entries, info)


def _differences(
    environment: str, name: str, lines: dict[str, Entry], wheel: Wheel | None, problems: list[Drift]
) -> list[Drift]:
    """File by file where the wheel is at hand; else that something in the distribution differs."""
    found = [Drift(environment, one.kind, one.what, one.said) for one in problems]
    if wheel is None:
        return found or [Drift(environment, "changed", name, "its files are not those of the shipped wheel")]
    shipped = _landed(wheel)
    told = {one.what for one in problems}
    for path in sorted(shipped.keys() | lines.keys()):
        before, after = shipped.get(path), lines.get(path)
        if before is None:
            found.append(
                Drift(environment, "unknown", path, f"RECORD of `{name}` lists it; the wheel does not bring it")
            )
        elif after is None and path not in told:
            found.append(Drift(environment, "missing", path, f"`{wheel.file}` brings it; RECORD does not list it"))
        elif after is not None and (before.sha256, before.size) != (after.sha256, after.size):
            found.append(Drift(environment, "changed", path, f"differs from `{wheel.file}`"))
    return found


def _unclaimed(site: Path, claimed: set[str]) -> list[str]:
    """Files nobody lists, links among them. Byte code counts as its source; without one it is unknown."""
    unknown = []
    for file in sorted(site.rglob("*")):
        path = file.relative_to(site).as_posix()
        if file.is_dir() and not file.is_symlink():
            continue
        if _byte_code(path) and _source_of(path) in claimed and not file.is_symlink():
            continue
        if path not in claimed:
            unknown.append(path)
    return unknown


def _source_of(path: str) -> str:
    """`a/__pycache__/b.cpython-311.pyc` -> `a/b.py`."""
    folder, _, name = path.rpartition("__pycache__/")
    return f"{folder}{name.split('.', 1)[0]}.py"
