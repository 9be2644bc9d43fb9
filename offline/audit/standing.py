"""Advisory data that may be believed: signed by who may sign it, or named by a hash that was typed by hand."""

import hashlib
from pathlib import Path

import msgspec

from offline.advisories.fault import BadAdvisories
from offline.advisories.snapshot import DATA, META, Snapshot, load
from offline.rules.names import SUMS
from offline.rules.openssl import Check
from offline.rules.refusal import Refused
from offline.rules.sums import LARGEST, Sums, read_sums
from offline.rules.tree import check_hashes, check_listing, look, read_small
from offline.rules.trust import Trust
from offline.rules.verify import Asked, verify

CHANNEL = "advisories"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot, and who vouches for it."""

    snapshot: Snapshot
    by: tuple[str, ...]  # ids of signers, or one word for the pinned hash
    sums_sha256: str


def signed(folder: Path, trust: Trust, asked: Asked, check: Check) -> Standing:
    """Raises BadAdvisories unless the channel's signers made the folder, and it is whole."""
    try:
        verified = verify(folder, trust, asked, check)
    except Refused as error:
        raise BadAdvisories(f"the advisories in `{folder.name}` are refused: {error}") from error
    return _standing(folder, verified.sums, tuple(sorted(verified.by)), verified.sha256)


def pinned(folder: Path, sha256: str) -> Standing:
    """Raises BadAdvisories unless SHA256SUMS has exactly that hash, and the folder is what it lists."""
    try:
        tree = look(folder)
        content = read_small(folder / SUMS, LARGEST)
        found = hashlib.sha256(content).hexdigest()
        if found != sha256.lower():
            raise BadAdvisories(f"`{SUMS}` has the sha256 {found}, which is not the one given")
        sums = read_sums(content)
        check_listing(tree, sums.files)
        check_hashes(tree, sums.files)
    except Refused as error:
        raise BadAdvisories(f"the advisories in `{folder.name}` are refused: {error}") from error
    return _standing(folder, sums, ("pinned by hash",), found)


def _standing(folder: Path, sums: Sums, by: tuple[str, ...], sha256: str) -> Standing:
    if sums.header.channel != CHANNEL:
        raise BadAdvisories(f"this is of the channel `{sums.header.channel}`, not `{CHANNEL}`")
    snapshot = load(folder)
    if (snapshot.sha256, snapshot.meta_sha256) != (sums.files.get(DATA), sums.files.get(META)):
        raise BadAdvisories(f"`{folder.name}` changed while it was read; copy it to a disk of this host first")
    if snapshot.meta.seq != sums.header.seq:
        raise BadAdvisories(f"the data says number {snapshot.meta.seq}, what was signed says {sums.header.seq}")
    return Standing(snapshot=snapshot, by=by, sums_sha256=sha256)
