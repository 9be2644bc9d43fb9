"""Make the folder of an overlay, ready to be signed by the site: wheels, other files, the site's trust files."""

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from offline.chain import carry
from offline.failure import Failure
from offline.files import write_whole
from offline.rules.names import SUMS, beside
from offline.rules.overlay import Overlay, read_overlay
from offline.rules.sums import Header, read_header, write_sums
from offline.rules.tree import digest
from offline.rules.wheel import read_wheel

ROLE = "overlay"
SITE = "redoubt-site"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an overlay is made of."""

    name: str  # with its version: `acme-adapter-1.2.0`
    seq: int
    created: datetime
    expires: datetime
    files: Sequence[Path]  # wheels go into `wheels/`, all else into `files/`
    trust: Path  # the folder of the site's own trust files


def make(plan: Plan, out: Path) -> Overlay:
    """Write the new folder `out/NAME`, with its SHA256SUMS and without signatures. Raises Failure or Refused."""
    header = Header(
        channel=ROLE, version=plan.name, arch="any", seq=plan.seq, created=plan.created, expires=plan.expires
    )
    read_header(str(header))  # the name becomes a path below
    final = out / plan.name
    if final.exists():
        raise Failure(f"`{final}` is there already; name another folder with `--out`, or move it away")
    staged = out / f".{plan.name}.part"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    try:
        trust = carry(plan.trust, staged / "trust", ROLE)
        if trust.product != SITE:
            raise Failure(f"`{plan.trust}` is of `{trust.product}`; an overlay is signed by the site: `{SITE}`")
        trust.threshold(ROLE)
        for file in plan.files:
            _copy(file, staged)
        files = {one.relative_to(staged).as_posix(): digest(one) for one in staged.rglob("*") if one.is_file()}
        write_whole(staged / SUMS, write_sums(header, files))
        read_overlay(staged)
        staged.rename(final)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return read_overlay(final)


def _copy(file: Path, into: Path) -> None:
    wheel = file.suffix == ".whl"
    if wheel:
        read_wheel(file)
    target = into / ("wheels" if wheel else "files") / file.name
    if target.exists() or beside(file.name) is not None:
        raise Failure(f"`{file.name}` is given twice, or is the name of a signature")
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(file, target)
