"""manifest.json: what a release says of itself. Read strictly: an unknown or missing field is a refusal."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar, get_args, get_type_hints

from offline.rules.dsse import canonical
from offline.rules.refusal import Fault, Refused

SCHEMA = 1
LARGEST = 8 * 1024 * 1024  # bytes
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Source:
    commit: str  # git, 40 hex, with `-dirty` when the tree was not what was committed
    tree: str


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment for one Python."""

    kind: str  # `serve` or `tools`
    python: str  # `cp311`
    lock: str  # path in the bundle


@dataclass(frozen=True, kw_only=True)
class WheelEntry:
    file: str  # below `wheels/`
    name: str
    version: str
    sha256: str
    sha512: str
    size: int  # bytes
    native: bool
    record: str  # sha256 over what it installs: rules.wheel.record_digest


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The database schema a release needs, and the oldest program that may use it."""

    database: str
    needs: str
    compatible_from: str


@dataclass(frozen=True, kw_only=True)
class Advisories:
    seq: int
    max_modified: str  # newest advisory in it
    sha256: str  # of its SHA256SUMS


@dataclass(frozen=True, kw_only=True)
class Model:
    name: str
    version: str
    file: str
    sha256: str
    licence: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a release says of itself. The header of SHA256SUMS says the same where both speak."""

    schema: int = SCHEMA
    product: str
    channel: str
    version: str
    arch: str
    seq: int
    min_from: int
    created: str
    expires: str
    support_until: str
    source: Source
    glibc: str
    environments: tuple[Environment, ...]
    wheels: tuple[WheelEntry, ...]
    databases: tuple[Schema, ...]
    advisories: Advisories
    models: tuple[Model, ...]
    sbom_sha256: str  # of sbom/redoubt.cdx.json
    trust_fingerprint: str  # of the newest trust file inside, plain hex
    bytes: int  # of all files, for the free-space check


def write_manifest(manifest: Manifest) -> bytes:
    return canonical(asdict(manifest))


def read_manifest(content: bytes) -> Manifest:
    """Raises Refused for everything that `write_manifest` would not have written."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused(Fault.MANIFEST, f"manifest.json cannot be read: {error}") from error
    manifest = _read(told, Manifest, "manifest.json")
    if manifest.schema != SCHEMA:
        raise Refused(Fault.MANIFEST, f"manifest.json has the schema {manifest.schema}; this installer knows {SCHEMA}")
    if write_manifest(manifest) != content:
        raise Refused(Fault.MANIFEST, "manifest.json is not written in its one form")
    return manifest


def _read(told: object, kind: type[T], where: str) -> T:
    if not isinstance(told, Mapping):
        raise Refused(Fault.MANIFEST, f"{where}: expected an object")
    hints = get_type_hints(kind)
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # every kind here is a dataclass
    if names != told.keys():
        odd = min(names ^ set(told.keys()))
        raise Refused(Fault.MANIFEST, f"{where}: `{str(odd)[:60]}` is {'missing' if odd in names else 'unknown'}")
    return kind(**{name: _value(told[name], hints[name], f"{where}: {name}") for name in names})


def _value(told: object, hint: Any, where: str) -> object:
    if inner := get_args(hint):
        if not isinstance(told, list):
            raise Refused(Fault.MANIFEST, f"{where}: expected a list")
        return tuple(_value(one, inner[0], f"{where}[{at}]") for at, one in enumerate(told))
    if hint in {str, int, bool}:
        if type(told) is not hint:
            raise Refused(Fault.MANIFEST, f"{where}: expected {hint.__name__}")
        return told
    return _read(told, hint, where)
