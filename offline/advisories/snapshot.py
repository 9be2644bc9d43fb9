"""A snapshot of advisories, read and checked: the only way any advisory comes to an audit."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from offline.advisories.fault import BadAdvisories
from offline.advisories.record import Raw, Record, normal_name, read_moment, read_record
from offline.rules.refusal import Refused
from offline.rules.tree import read_small
from offline.rules.verify import SLACK

DATA, META = "osv.json.gz", "meta.json"
FORMAT = "redoubt-advisories v1"
MOST_PACKED = 128 * 1024 * 1024  # bytes; the whole of PyPI took 0.7 million in 2024
MOST_DATA = 1024 * 1024 * 1024
MOST_META = 64 * 1024

Packages = Mapping[str, Mapping[str, list[Raw]]]  # ecosystem -> package -> records


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where records come from, and what their licence asks to be said."""

    name: str  # e.g. `pypa/advisory-database`
    commit: str  # of a repository, or the date of an export
    licence: str  # SPDX
    attribution: str


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    records: int
    packages: int
    withdrawn: int = 0  # left out: their authors took them back
    merged: int = 0  # left out: told by another record under an alias
    elsewhere: int = 0  # left out: of ecosystems nobody asked for


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """`meta.json`."""

    format: str
    seq: int
    created: str
    max_modified: str  # the newest change in the data: this is what its age is counted from
    sources: list[Source]
    ecosystems: list[str]
    counts: Counts
    data_sha256: str  # of the JSON inside osv.json.gz


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Data that agrees with what is said of it."""

    meta: Meta
    packages: Packages
    sha256: str  # of osv.json.gz, as it was read
    meta_sha256: str  # of meta.json, as it was read

    @property
    def max_modified(self) -> datetime:
        return read_moment(self.meta.max_modified, META)

    @property
    def created(self) -> datetime:
        return read_moment(self.meta.created, META)

    def holds(self, ecosystem: str) -> bool:
        """Whether silence about a package of that ecosystem means anything."""
        return bool(self.packages.get(ecosystem))

    def of(self, ecosystem: str, name: str) -> list[tuple[Raw, Record]]:
        """The records about a package, raw and read. The name may be spelled in any way that means the same."""
        found = self.packages.get(ecosystem, {}).get(normal_name(ecosystem, name), ())
        return [(raw, read_record(raw, str(raw.get("id")))) for raw in found]


def load(folder: Path) -> Snapshot:
    """Read a folder of the channel `advisories`. Raises BadAdvisories for data that is missing, broken, empty, or not
    what its own description says. Whether anybody signed it is asked elsewhere (`offline.rules.verify`).
    """
    described = _read(folder / META, MOST_META)
    meta = _meta(described)
    packed = _read(folder / DATA, MOST_PACKED)
    data = unpacked(packed, DATA)
    if (found := hashlib.sha256(data).hexdigest()) != meta.data_sha256:
        raise BadAdvisories(f"`{DATA}` is not what `{META}` describes: its JSON has the sha256 {found}")
    snapshot = Snapshot(
        meta=meta,
        packages=_packages(data),
        sha256=hashlib.sha256(packed).hexdigest(),
        meta_sha256=hashlib.sha256(described).hexdigest(),
    )
    _check(snapshot)
    return snapshot


def unpacked(packed: bytes, name: str) -> bytes:
    """Gunzip, bounded. Raises BadAdvisories."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            content = stream.read(MOST_DATA + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadAdvisories(f"`{name}` is not a whole gzip file ({error}); carry it again") from error
    if len(content) > MOST_DATA:
        raise BadAdvisories(f"`{name}` unpacks to more than {MOST_DATA} bytes")
    return content


def _read(file: Path, most: int) -> bytes:
    try:
        return read_small(file, most)
    except Refused as error:
        raise BadAdvisories(error.message) from error


def _meta(content: bytes) -> Meta:
    try:
        meta = msgspec.json.decode(content, type=Meta)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadAdvisories(f"`{META}` does not read: {error}") from error
    if meta.format != FORMAT:
        raise BadAdvisories(f"`{META}` says `{meta.format[:40]}`; this program reads `{FORMAT}`")
    return meta


def _packages(data: bytes) -> Packages:
    try:
        packages = msgspec.json.decode(data, type=dict[str, dict[str, list[Raw]]])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadAdvisories(f"`{DATA}` does not read: {error}") from error
    for ecosystem, named in packages.items():
        for name, records in named.items():
            if name != normal_name(ecosystem, name):
                raise BadAdvisories(f"`{DATA}`: `{name[:60]}` is not how {ecosystem} writes that name")
            if not records:
                raise BadAdvisories(f"`{DATA}`: there is no record under `{name[:60]}`")
            for raw in records:
                _check_record(ecosystem, name, raw)
    return packages


def _check_record(ecosystem: str, name: str, raw: Raw) -> None:
    record = read_record(raw, str(raw.get("id", name)))
    if not any(one.ecosystem == ecosystem and one.name == name for one in record.packages()):
        raise BadAdvisories(f"`{DATA}`: `{record.id}` stands under `{name[:60]}`, which it does not name")


def _check(snapshot: Snapshot) -> None:
    """What the description says must be what is there: an empty or cut snapshot finds nothing, and looks clean."""
    meta, packages = snapshot.meta, snapshot.packages
    records = {str(raw["id"]): raw for named in packages.values() for found in named.values() for raw in found}
    if not records:
        raise BadAdvisories(f"`{DATA}` holds no advisory at all")
    there = (len(records), sum(len(named) for named in packages.values()), sorted(packages))
    said = (meta.counts.records, meta.counts.packages, meta.ecosystems)
    if there != said:
        raise BadAdvisories(f"`{META}` speaks of {said}, and there is {there} (records, packages, ecosystems)")
    newest = max(read_moment(str(raw["modified"]), name) for name, raw in records.items())
    if newest != snapshot.max_modified:
        raise BadAdvisories(f"`{META}` says the newest change is of {meta.max_modified}; it is of {newest}")
    if newest > snapshot.created + SLACK:
        raise BadAdvisories(f"an advisory is dated {newest}, after the snapshot was made ({meta.created})")
