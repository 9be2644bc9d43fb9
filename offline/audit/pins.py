"""What must be audited, counted by ourselves: an audit that leaves something out is not to be told by the audit."""

import base64
import csv
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
from packaging.metadata import parse_email
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from offline.rules.names import shown

MOST_LOCK = 4 * 1024 * 1024  # bytes
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*==\s*(?P<version>[^\s;,=*]+)(?:\s*;[^\\]*?)?(?:\s+--hash=sha256:[0-9a-f]{64})+"
)
_COMMENT = re.compile(r"(^|\s)#.*$")


class Pin(msgspec.Struct, frozen=True, order=True):
    """One package at one version, both in their normal form (PEP 503, PEP 440)."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Skip(msgspec.Struct, frozen=True, order=True):
    """What was not audited, and why."""

    name: str
    reason: str


class Native(msgspec.Struct, frozen=True, order=True):
    """A library inside a wheel, by the curated list. `ecosystem`: the OSV database that knows it; None: none does."""

    name: str
    version: str
    ecosystem: str | None = None


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one lock or one environment says it holds."""

    kind: str  # `lock` or `environment`
    where: str
    sha256: str
    pins: frozenset[Pin]
    skipped: tuple[Skip, ...]
    text: bytes = b""  # of a lock, as it was hashed: what is audited is what was read


def pin(name: str, version: str) -> Pin | Skip:
    """A Skip for a version that PEP 440 does not know: nothing can be said about it."""
    try:
        return Pin(canonicalize_name(name), str(Version(version)))
    except InvalidVersion:
        return Skip(name, f"`{version[:60]}` is not a version (PEP 440)")


def of_lock(file: Path) -> Demand:
    """Every requirement of a lock: whatever is not a plain pin counts as skipped. Raises OSError."""
    with file.open("rb") as opened:
        text = opened.read(MOST_LOCK + 1)
    told: list[Pin | Skip] = [Skip(file.name, f"has more than {MOST_LOCK} bytes")]
    if len(text) <= MOST_LOCK:
        told = list(_required(text))
    return _demand("lock", str(file), hashlib.sha256(text).hexdigest(), told, text)


def of_environment(folder: Path) -> Demand:
    """Every package installed under a folder, by its RECORD: an environment, or a plain folder. Raises OSError."""
    told = [one for place in _places(folder) for one in _installed(place)]
    listed = "".join(f"{one}\n" for one in sorted(one for one in told if isinstance(one, Pin)))
    return _demand("environment", str(folder), hashlib.sha256(listed.encode()).hexdigest(), told)


def _demand(kind: str, where: str, sha256: str, told: list[Pin | Skip], text: bytes = b"") -> Demand:
    pins = frozenset(one for one in told if isinstance(one, Pin))
    skipped = tuple(sorted(one for one in told if isinstance(one, Skip)))
    return Demand(kind=kind, where=where, sha256=sha256, pins=pins, skipped=skipped, text=text)


def _required(text: bytes) -> Iterator[Pin | Skip]:
    try:
        lines = text.decode("utf-8").replace("\\\n", " ").splitlines()
    except UnicodeDecodeError:
        yield Skip("lock", "is not text")
        return
    for line in lines:
        plain = _COMMENT.sub("", line).strip()
        if not plain:
            continue
        found = _PIN.fullmatch(plain)
        if found is None:
            yield Skip(shown(plain[:80]), "is not a pin such as `name==1.0 --hash=sha256:…`, so it cannot be looked up")
        else:
            yield pin(found["name"], found["version"])


def _places(folder: Path) -> list[Path]:
    """Where packages lie under an environment; the folder itself, when they lie right there."""
    found = [one for lib in ("lib", "lib64") for one in sorted(folder.glob(f"{lib}/python3*/site-packages"))]
    # lib64 is a link to lib in most environments
    return sorted({one.resolve() for one in found}) or [folder]


def _installed(place: Path) -> Iterator[Pin | Skip]:
    for entry in sorted(place.iterdir()):
        if entry.name.endswith(".dist-info"):
            yield _recorded(entry)
        elif entry.suffix in {".egg-info", ".egg", ".egg-link"}:
            yield Skip(entry.name, "was installed without a RECORD; nothing says what it is")


def _recorded(info: Path) -> Pin | Skip:
    """The package a `.dist-info` is of, as METADATA says, when RECORD vouches for METADATA."""
    try:
        metadata = (info / "METADATA").read_bytes()
        record = (info / "RECORD").read_text()
    except (OSError, UnicodeDecodeError) as error:
        return Skip(info.name, f"has no readable METADATA and RECORD: {error}")
    digest = base64.urlsafe_b64encode(hashlib.sha256(metadata).digest()).rstrip(b"=").decode()
    if [f"{info.name}/METADATA", f"sha256={digest}"] not in [row[:2] for row in csv.reader(record.splitlines())]:
        return Skip(info.name, "its RECORD does not vouch for its METADATA")
    told, _ = parse_email(metadata)
    name, version = told.get("name", ""), told.get("version", "")
    if canonicalize_name(name) != canonicalize_name(info.name.partition("-")[0]):
        return Skip(info.name, f"its METADATA is of `{name[:60]}`")
    return pin(name, version)
