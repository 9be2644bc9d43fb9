"""Make the folder of the channel `advisories`, ready to be signed. Same input, same bytes."""

import gzip
import hashlib
import io
import json
import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from offline.advisories.fault import BadAdvisories
from offline.advisories.gather import Told, gather
from offline.advisories.merge import Merge
from offline.advisories.record import PYPI, Raw, read_moment
from offline.advisories.snapshot import DATA, FORMAT, META, Counts, Meta, Source, load
from offline.rules.moments import write_moment
from offline.rules.names import SUMS
from offline.rules.sums import Header, write_sums
from offline.rules.tree import digest

LICENCE = Path(__file__).parent / "seed" / "LICENSE-CC-BY-4.0.txt"
LASTS = timedelta(days=400)  # as media do; how old the data may be is the audit's policy


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot is made from."""

    inputs: Sequence[Path]  # folders, zips or `.json.gz`
    sources: Sequence[Source]
    seq: int
    created: datetime
    expires: datetime | None = None  # 400 days after `created`
    ecosystems: frozenset[str] = frozenset({PYPI})
    licences: Sequence[Path] = (LICENCE,)


def build(plan: Plan, out: Path, told: Told | None = None) -> Meta:
    """Write the folder `out`, with its SHA256SUMS and without signatures. Raises BadAdvisories and writes nothing."""
    if out.exists():
        raise BadAdvisories(f"`{out}` is there already; name a folder that is not")
    if not plan.sources or not plan.licences:
        raise BadAdvisories("say where the advisories come from and under which licence; attribution travels with them")
    merge = Merge(plan.ecosystems)
    for one in plan.inputs:
        merge.add(gather(one, told))
    records, merged = merge.records()
    if not records:
        raise BadAdvisories(f"none of the advisories is about {', '.join(sorted(plan.ecosystems))}")
    packages = _by_package(records, plan.ecosystems)
    data = json.dumps(packages, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    meta = Meta(
        format=FORMAT,
        seq=plan.seq,
        created=write_moment(plan.created),
        max_modified=_stamp(max(read_moment(str(raw["modified"]), str(raw["id"])) for raw in records)),
        sources=list(plan.sources),
        ecosystems=sorted(packages),
        counts=Counts(
            records=len(records),
            packages=sum(len(named) for named in packages.values()),
            withdrawn=merge.withdrawn,
            merged=merged,
            elsewhere=merge.elsewhere,
        ),
        data_sha256=hashlib.sha256(data).hexdigest(),
    )
    _write(plan, out, meta, data)
    return meta


def _write(plan: Plan, out: Path, meta: Meta, data: bytes) -> None:
    staged = out.with_name(f".{out.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    try:
        (staged / DATA).write_bytes(packed(data))
        (staged / META).write_bytes(msgspec.json.format(msgspec.json.encode(meta, order="sorted"), indent=2) + b"\n")
        for licence in plan.licences:
            shutil.copyfile(licence, staged / licence.name)
        load(staged)  # what is sent is what can be read
        (staged / SUMS).write_bytes(sums(plan, staged))
        staged.rename(out)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def sums(plan: Plan, folder: Path) -> bytes:
    """SHA256SUMS of the folder: what the key holders of the channel sign."""
    header = Header(
        channel="advisories",
        version=plan.created.strftime("%Y.%m.%d"),
        arch="any",
        seq=plan.seq,
        created=plan.created,
        expires=plan.expires or plan.created + LASTS,
    )
    return write_sums(header, {file.name: digest(file) for file in folder.iterdir()})


def packed(data: bytes) -> bytes:
    """Gzip without a name or a moment in it."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=out, mtime=0) as stream:
        stream.write(data)
    return out.getvalue()


def _by_package(records: Iterable[Raw], ecosystems: frozenset[str]) -> dict[str, dict[str, list[Raw]]]:
    packages: dict[str, dict[str, list[Raw]]] = {}
    for raw in records:
        named = {(one["package"]["ecosystem"], one["package"]["name"]) for one in raw["affected"] if one.get("package")}
        for ecosystem, name in sorted(named):
            if ecosystem in ecosystems:
                packages.setdefault(ecosystem, {}).setdefault(name, []).append(raw)
    return packages


def _stamp(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat() + "Z"
