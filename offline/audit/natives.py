"""Libraries inside wheels: no Python database knows them, so the SBOM lists them and a table says which database does.

Rust crates stand in OSV's `crates.io`. For C libraries OSV has commits and distributions' versions, not their own
release numbers: whoever makes a release may carry records of their own for those, under the ecosystem `redoubt-native`.
Without them, such a library is listed in every report as watched by no database.
"""

import hashlib
import re
from collections.abc import Sequence
from urllib.parse import unquote

import msgspec

from offline.advisories.record import PYPI
from offline.advisories.snapshot import Snapshot
from offline.advisories.versions import about, affects, comparable, fixes
from offline.audit.library import Hit
from offline.audit.pins import Native, Pin, Skip

CURATED = "redoubt-native"
# purl type -> OSV ecosystem; a name means the same in both. None: asked in CURATED, when the snapshot has it.
ECOSYSTEMS: dict[str, str | None] = {"cargo": "crates.io", "pypi": PYPI, "generic": None, "deb": "Debian"}
DISTRIBUTION = "Debian"  # packages of an image's root: a snapshot without it says so of each, and does not stop
MARK = "redoubt:known-by"  # the property by which our SBOM tells libraries inside wheels from everything else
_PURL = re.compile(r"pkg:(?P<type>[a-z]+)/(?P<name>[^@?#]+)@(?P<version>[^?#]+)(?:\?[^#]*)?")


class _Property(msgspec.Struct):
    name: str


class _Component(msgspec.Struct):
    name: str
    version: str = ""
    purl: str = ""
    properties: list[_Property] = []


class _Document(msgspec.Struct):
    components: list[_Component]


class Natives(msgspec.Struct, frozen=True, kw_only=True):
    """What the snapshot says of them."""

    sha256: str  # of the list that was asked
    audited: int
    skipped: tuple[Skip, ...]
    unwatched: tuple[str, ...]
    hits: tuple[Hit, ...]


def of_sbom(content: bytes) -> tuple[Native, ...]:
    """The libraries inside wheels that our CycloneDX document names. Raises ValueError when it does not read."""
    try:
        listed = msgspec.json.decode(content, type=_Document).components
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"the SBOM does not read: {error}") from error
    return tuple(sorted({_native(one) for one in listed if any(told.name == MARK for told in one.properties)}))


def _native(one: _Component) -> Native:
    found = _PURL.fullmatch(one.purl)
    if found is None:
        return Native(one.name, one.version, "no purl")  # held by no snapshot: it shows as skipped
    kind = found["type"]
    return Native(unquote(found["name"]), unquote(found["version"]), ECOSYSTEMS.get(kind, f"purl type {kind}"))


def ask_natives(snapshot: Snapshot, natives: Sequence[Native]) -> Natives:
    """A library whose database is not in the snapshot was not audited, and says so."""
    skipped: list[Skip] = []
    unwatched: list[str] = []
    hits: list[Hit] = []
    audited = 0
    curated = CURATED if snapshot.holds(CURATED) else None
    asked = {Native(one.name, one.version, one.ecosystem or curated) for one in natives}
    for one in sorted(asked, key=str):
        if one.ecosystem is None or (one.ecosystem == DISTRIBUTION and not snapshot.holds(DISTRIBUTION)):
            unwatched.append(f"{one.name} {one.version}")
        elif not snapshot.holds(one.ecosystem):
            skipped.append(Skip(f"{one.name} {one.version}", f"the snapshot knows nothing of {one.ecosystem}"))
        elif reason := _undecided(snapshot, one, one.ecosystem):
            skipped.append(Skip(f"{one.name} {one.version}", reason))
        else:
            audited += 1
            hits += _hits(snapshot, one, one.ecosystem)
    listed = "".join(f"{one.ecosystem or ''} {one.name} {one.version}\n" for one in sorted(asked, key=str))
    return Natives(
        sha256=hashlib.sha256(listed.encode()).hexdigest(),
        audited=audited,
        skipped=tuple(skipped),
        unwatched=tuple(unwatched),
        hits=tuple(sorted(hits)),
    )


def _undecided(snapshot: Snapshot, native: Native, ecosystem: str) -> str:
    """Why a version such as `1.1.1w` cannot be placed in a range; empty when it can, or none asks for it."""
    if comparable(native.version):
        return ""
    for _, record in snapshot.of(ecosystem, native.name):
        ranged = any(one.type != "GIT" for part in about(record, ecosystem, native.name) for one in part.ranges)
        if ranged and not affects(record, ecosystem, native.name, native.version):
            return f"`{record.id}` speaks of ranges, and `{native.version}` cannot be placed in one"
    return ""


def _hits(snapshot: Snapshot, native: Native, ecosystem: str) -> list[Hit]:
    name = f"{ecosystem}:{native.name}" if ecosystem != PYPI else native.name
    return [
        Hit(
            Pin(name, native.version),
            record.id,
            tuple(sorted(record.aliases)),
            tuple(str(one) for one in fixes(record, ecosystem, native.name, native.version)),
            record.said(),
        )
        for _, record in snapshot.of(ecosystem, native.name)
        if affects(record, ecosystem, native.name, native.version)
    ]
