"""One OSV record: the fields that decide, typed; the whole of it kept beside them as it came.

Source: OSV schema 1.x (id, modified, withdrawn, aliases, affected[].package|ranges|versions).
"""

import re
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from packaging.utils import canonicalize_name

from offline.advisories.fault import BadAdvisories

PYPI = "PyPI"
_ID = re.compile(r"[A-Za-z][A-Za-z0-9]*-[A-Za-z0-9._:-]{1,100}")
_NAME = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9@._/:+-]{0,199}")


class Package(msgspec.Struct, frozen=True):
    ecosystem: str
    name: str


class Event(msgspec.Struct, frozen=True):
    """One of them is set."""

    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class Range(msgspec.Struct, frozen=True):
    type: Literal["ECOSYSTEM", "SEMVER", "GIT"]
    events: list[Event] = []


class Affected(msgspec.Struct, frozen=True):
    package: Package | None = None  # absent where only commits are named
    ranges: list[Range] = []
    versions: list[str] = []


class Record(msgspec.Struct, frozen=True):
    """What an audit reads of a record."""

    id: str
    modified: str
    affected: list[Affected] = []
    aliases: list[str] = []
    schema_version: str = "1.0.0"
    published: str | None = None
    withdrawn: str | None = None
    summary: str | None = None
    details: str | None = None

    def packages(self) -> set[Package]:
        return {one.package for one in self.affected if one.package is not None}

    def said(self) -> str:
        """One line for a person."""
        line = " ".join((self.summary or self.details or "no description").split())[:200]
        return "".join(one if one.isprintable() else "?" for one in line)  # it goes to terminals


Raw = dict[str, Any]  # a record as it came: unknown fields and credits travel with it


def normal_name(ecosystem: str, name: str) -> str:
    """PEP 503 for Python packages; every other ecosystem means what it writes."""
    return str(canonicalize_name(name)) if ecosystem == PYPI else name


def read_record(raw: object, where: str) -> Record:
    """Raises BadAdvisories, naming `where`, for anything an audit could not rely on."""
    try:
        record = msgspec.convert(raw, Record)
    except msgspec.ValidationError as error:
        raise BadAdvisories(f"`{where}` is no OSV record: {error}") from error
    if _ID.fullmatch(record.id) is None:
        raise BadAdvisories(f"`{where}`: `{record.id[:60]}` is no id of an advisory")
    if not record.schema_version.startswith("1."):
        raise BadAdvisories(f"`{where}`: schema version `{record.schema_version[:20]}` is not 1.x")
    for package in record.packages():
        if _NAME.fullmatch(package.name) is None or _NAME.fullmatch(package.ecosystem.replace(" ", "-")) is None:
            raise BadAdvisories(f"`{where}`: `{package.name[:60]}` is no name of a package")
    read_moment(record.modified, where)
    return record


def read_moment(text: str, where: str) -> datetime:
    """RFC 3339, any offset. Raises BadAdvisories."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in text:
        raise BadAdvisories(f"`{where}`: `{text[:40]}` is not a moment such as 2026-11-22T00:00:00Z")
    # the epoch stands for records so old that their moment cannot be moved to UTC
    return moment.astimezone(UTC) if moment.year > 1 else datetime(1, 1, 1, tzinfo=UTC)


def normalised(raw: Raw, record: Record) -> Raw:
    """The record with names and moments in the one spelling that every reader takes, pip-audit among them."""
    clean: Raw = {key: raw[key] for key in sorted(raw)}
    for field in ("modified", "published", "withdrawn"):
        if isinstance(clean.get(field), str):
            moment = read_moment(clean[field], record.id)
            # strftime writes years before 1000 without their zeros
            clean[field] = moment.replace(tzinfo=None).isoformat() + "Z"
    clean["affected"] = [_named(one) for one in raw.get("affected", ())]
    return clean


def _named(affected: Raw) -> Raw:
    package = affected.get("package")
    if not package:
        return affected
    name = normal_name(package["ecosystem"], package["name"])
    return affected | {"package": package | {"name": name}}
