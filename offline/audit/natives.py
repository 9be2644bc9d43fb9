"""Libraries inside wheels: no Python database knows them, so a curated list says which database does."""

import hashlib
from collections.abc import Sequence

import msgspec

from offline.advisories.record import PYPI
from offline.advisories.snapshot import Snapshot
from offline.advisories.versions import about, affects, comparable, fixes
from offline.audit.library import Hit
from offline.audit.pins import Native, Pin, Skip


class Natives(msgspec.Struct, frozen=True, kw_only=True):
    """What the snapshot says of them."""

    sha256: str  # of the list that was asked
    audited: int
    skipped: tuple[Skip, ...]
    unwatched: tuple[str, ...]
    hits: tuple[Hit, ...]


def ask_natives(snapshot: Snapshot, natives: Sequence[Native]) -> Natives:
    """A library whose database is not in the snapshot was not audited, and says so."""
    skipped: list[Skip] = []
    unwatched: list[str] = []
    hits: list[Hit] = []
    audited = 0
    for one in sorted(set(natives)):
        if one.ecosystem is None:
            unwatched.append(f"{one.name} {one.version}")
        elif not snapshot.holds(one.ecosystem):
            skipped.append(Skip(f"{one.name} {one.version}", f"the snapshot knows nothing of {one.ecosystem}"))
        elif reason := _undecided(snapshot, one, one.ecosystem):
            skipped.append(Skip(f"{one.name} {one.version}", reason))
        else:
            audited += 1
            hits += _hits(snapshot, one, one.ecosystem)
    listed = "".join(f"{one.ecosystem or ''} {one.name} {one.version}\n" for one in sorted(set(natives)))
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
