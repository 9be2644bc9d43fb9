"""Making locks: asks pip which wheels an environment comes to, and writes one sha256 for each. See `rules.lock`.

A wheel must have been out for some days (the cooldown): stolen accounts are mostly found out within hours. Only an
index that tells when a file was uploaded can say so; one that does not tell is said not to.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from offline.fetch import target
from offline.rules.lock import Pin, normalised
from offline.rules.moments import write_moment
from sbom import leftout
from sbom.leftout import LeftOut
from sbom.model import Refused, Target
from sbom.requirements import edges, reached

FOLDER = "offline/locks"
PYTHONS = ("3.11", "3.12", "3.13")
ARCHITECTURES = ("x86_64", "aarch64")
SETS: Mapping[str, str] = {"serve": ".", "tools": ".[tools]", "dev": ".[tools,dev]", "build": "setuptools>=80"}
ORDER = ("serve", "tools", "dev", "build")  # `tools` and `dev` take the versions of `serve`
OWN = "redoubt-gateway"


class LockError(Exception):
    """A lock that cannot be made; says which package."""


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What an environment comes to."""

    pins: tuple[Pin, ...]
    unknown_age: tuple[str, ...]  # names whose place tells no moment of upload: the cooldown says nothing of them
    left_out: tuple[tuple[str, str], ...] = ()  # name, why: what pip chose and this environment does without


def file_of(kind: str, python: str, architecture: str) -> str:
    """Where a lock lies in a checkout: `offline/locks/serve-cp311-x86_64.txt`."""
    return f"{FOLDER}/{kind}-cp{python.replace('.', '')}-{architecture}.txt"


def resolve(
    source: Path,
    kind: str,
    target_: tuple[str, str],
    *,
    before: datetime | None = None,
    constraints: Iterable[Pin] = (),
    told: Iterable[LeftOut] = (),
) -> Resolved:
    """Ask pip which wheels a set of the checkout comes to on a Linux of that Python and machine. Raises LockError.

    `before`: only what an index says was uploaded earlier. `constraints`: versions that must be these. `told`: what
    environments do without.
    Environment markers are judged by the running Python: run under the version locked for where they matter.
    """
    with tempfile.TemporaryDirectory(prefix="redoubt-lock-") as folder:
        report, fixed = Path(folder) / "report.json", Path(folder) / "constraints.txt"
        fixed.write_text("".join(f"{pin.name}=={pin.version}\n" for pin in constraints), encoding="ascii")
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-input"),
            *(*target(*target_), f"--target={folder}/never", f"--report={report}", f"--constraint={fixed}"),
            *(() if before is None else (f"--uploaded-prior-to={write_moment(before)}",)),
            SETS[kind],
        ]
        ran = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)  # noqa: S603 -- our own words
        if ran.returncode:
            where = f"cp{target_[0]} {target_[1]}"
            raise LockError(f"pip found no set of wheels for {kind} on {where}: {ran.stderr.strip()[-600:]}")
        return read_report(report.read_bytes(), Target(kind, *target_), told)


def read_report(report: bytes, target_: Target, told: Iterable[LeftOut] = ()) -> Resolved:
    """Pins out of pip's installation report (pypa installation-report, version 1). Raises LockError."""
    pins: list[Pin] = []
    local: list[str] = []
    items = {normalised(item["metadata"]["name"]): item for item in json.loads(report)["install"]}
    without = _without(items, target_, leftout.of(told, target_.environment))
    for name, item in items.items():
        if name == OWN or name in without:
            continue
        source = item["download_info"]
        sha256 = source.get("archive_info", {}).get("hashes", {}).get("sha256")
        if not sha256:
            raise LockError(f"the index names no sha256 for `{name}`; nothing was written")
        # pip does not hold files of a folder to `--uploaded-prior-to`: nothing says when they came
        if source["url"].startswith("file:"):
            local.append(name)
        pins.append(Pin(name, item["metadata"]["version"], sha256))
    return Resolved(pins=tuple(sorted(pins)), unknown_age=tuple(sorted(local)), left_out=tuple(sorted(without.items())))


@dataclass(frozen=True)
class _Chosen:
    """`requirements.Distribution`, out of pip's report."""

    file: str
    version: str
    metadata: Mapping[str, list[str]]


def _without(items: Mapping[str, Any], target_: Target, left: Mapping[str, LeftOut]) -> dict[str, str]:
    """Name -> why, of what this environment does without: what was told, and what then nobody asks for."""
    if not left:
        return {}
    if stale := sorted(left.keys() - items.keys()):
        raise LockError(
            f"{leftout.ADD} leaves `{stale[0]}` out of {target_}, where it would not be; take it away there"
        )
    kept = {
        name: _Chosen(name, item["metadata"]["version"], {"requires_dist": item["metadata"].get("requires_dist", [])})
        for name, item in items.items()
        if name not in left
    }
    extras = items[OWN].get("requested_extras", []) if OWN in items else []
    try:
        needed = reached(edges(target_, kept, {OWN: set(extras)}), [OWN])
    except Refused as error:
        raise LockError(str(error)) from error
    alone = dict.fromkeys(kept.keys() - needed, "only what is left out asks for it")
    return alone | {name: one.reason for name, one in left.items()}
