"""The isolated end of a one-way link: a folder into which files fall, in any order, again and again, perhaps half.

    advisories-7.tar            the signed folder, packed
    advisories-7.tar.complete   its sha256, as `sha256sum` writes it; sent last

Nothing is looked at before its marker is there. What arrived before is told apart by its hash. What is wrong goes to
quarantine with the reason beside it, and the next repetition gets its chance. Nothing is ever written for the sender.
"""

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from offline.advisories.archive import MOST_TAR, unpack
from offline.advisories.fault import BadAdvisories
from offline.advisories.site import Receipt, Site
from offline.advisories.snapshot import Snapshot, load
from offline.rules.moments import write_moment
from offline.rules.openssl import Check
from offline.rules.refusal import Refused
from offline.rules.tree import read_small
from offline.rules.trust import Trust
from offline.rules.verify import Asked, Verified, check_trust_time, verify

COMPLETE = ".complete"
MOST_MARKER = 256  # bytes
MOST_QUARANTINED = 16  # whole files; after that only reasons are kept, so that a link cannot fill the disk
_TAR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.tar")
_MARKER = re.compile(rb"(?P<sha256>[0-9a-f]{64})(?:[ ]{1,2}\*?(?P<name>[A-Za-z0-9._-]{1,104}))?\n?")


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """Who may send, and what time it is."""

    trust: Trust
    check: Check
    now: datetime  # the host's clock
    known: datetime  # the newest moment this site has verified in any channel
    accepted: dict[str, str] = {}  # `expired` or `clock` -> the reason somebody gave


class _Arrival(msgspec.Struct, frozen=True):
    sums: Verified
    snapshot: Snapshot


def waiting(drop: Path) -> list[str]:
    """Files whose marker has not come yet."""
    there = {one.name for one in _plain(drop)}
    return sorted(name for name in there if _TAR.fullmatch(name) and f"{name}{COMPLETE}" not in there)


def import_drop(drop: Path, site: Site, gate: Gate) -> list[Receipt]:
    """Take in everything that is complete; a receipt for each.

    Raises BadAdvisories only for what is wrong with this site itself: a drop folder that is not there, a lost mark.
    """
    if not drop.is_dir():
        raise BadAdvisories(f"`{drop}` is not a folder; name the one into which the link delivers")
    with site.alone():
        names = {one.name for one in _plain(drop)}
        ready = [name for name in names if _TAR.fullmatch(name) and f"{name}{COMPLETE}" in names]
        ready.sort(key=lambda name: ([int(one) for one in re.findall(r"[0-9]+", name)], name))  # 9 before 10
        receipts = [_arrived(drop / name, site, gate) for name in ready]
        for receipt in receipts:
            site.receive(receipt)
        return receipts


def import_folder(folder: Path, site: Site, gate: Gate) -> Receipt:
    """Take in a signed folder from a medium. Raises BadAdvisories when it is refused; the medium stays as it is."""
    with site.alone(), _staging(site) as staging:
        copied = staging / "folder"
        try:
            shutil.copytree(folder, copied, symlinks=True)
        except (OSError, shutil.Error) as error:
            raise BadAdvisories(f"`{folder}` cannot be read: {error}") from error
        receipt = _taken(copied, site, gate, folder.name, "")
        site.receive(receipt)
        return receipt


def _plain(drop: Path) -> Iterator[Path]:
    for one in sorted(drop.iterdir()):
        if stat.S_ISREG(one.lstat().st_mode):
            yield one


def _arrived(file: Path, site: Site, gate: Gate) -> Receipt:
    """Never raises for what arrived: that becomes a receipt."""
    with _staging(site) as staging:
        sha256 = ""
        try:
            said = _said(file)
            sha256 = _copied(file, staging / "arrived.tar")
            _compare(sha256, said)
            unpack(staging / "arrived.tar", staging / "folder")
            receipt = _taken(staging / "folder", site, gate, file.name, sha256)
        except BadAdvisories as error:
            receipt = Receipt(
                at=write_moment(gate.now), file=file.name, sha256=sha256, result="quarantined", reason=str(error)
            )
            _quarantine(staging / "arrived.tar", site, receipt)
        # Not a word to the sender: what is dealt with is only taken out of the way.
        for done in (file.with_name(file.name + COMPLETE), file):
            done.unlink(missing_ok=True)
        return receipt


def _compare(sha256: str, said: str) -> None:
    if sha256 != said:
        raise BadAdvisories(f"its sha256 is {sha256}, its marker says {said}: it arrived broken")


def _said(file: Path) -> str:
    try:
        content = read_small(file.with_name(file.name + COMPLETE), MOST_MARKER)
    except Refused as error:
        raise BadAdvisories(error.message) from error
    found = _MARKER.fullmatch(content)
    if found is None or (found["name"] and found["name"].decode() != file.name):
        raise BadAdvisories("its marker is not `<sha256>  <name>`, as `sha256sum` writes it")
    return found["sha256"].decode()


def _copied(file: Path, to: Path) -> str:
    """Copy and hash in one pass: what is verified is what is used, whatever happens in the drop folder meanwhile."""
    digest = hashlib.sha256()
    left = MOST_TAR
    try:
        with (
            os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as source,
            to.open("xb") as out,
        ):
            while block := source.read(min(1024 * 1024, left + 1)):
                left -= len(block)
                if left < 0:
                    raise BadAdvisories(f"it has more than {MOST_TAR} bytes")
                digest.update(block)
                out.write(block)
    except OSError as error:
        raise BadAdvisories(f"it cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _taken(folder: Path, site: Site, gate: Gate, name: str, sha256: str) -> Receipt:
    """Verify a private copy and put it into use. Raises BadAdvisories."""
    arrival = _verified(folder, site, gate)
    header, seen = arrival.sums.sums.header, site.seen()
    same = seen is not None and (seen.seq, seen.sums_sha256) == (header.seq, arrival.sums.sha256)
    if seen is not None and header.seq <= seen.seq and not same:
        raise BadAdvisories(f"its number is {header.seq}; the site has seen {seen.seq} and takes only higher ones")
    if not (same and _in_use(site, gate, arrival.sums.sha256)):
        site.take(folder, site.mark(header.seq, arrival.sums.sha256, header.created))
    return Receipt(
        at=write_moment(gate.now),
        file=name,
        sha256=sha256,
        result="same" if same else "imported",
        seq=header.seq,
        max_modified=arrival.snapshot.meta.max_modified,
        signed_by=sorted(arrival.sums.by),
        accepted=[f"{what}: {why}" for what, why in sorted(gate.accepted.items())],
    )


def _in_use(site: Site, gate: Gate, sums_sha256: str) -> bool:
    """Whether the snapshot in use is that one, and whole: a repetition repairs what a disk or a power cut spoilt."""
    try:
        return _verified(site.current.resolve(), site, gate).sums.sha256 == sums_sha256
    except BadAdvisories:
        return False


def _verified(folder: Path, site: Site, gate: Gate) -> _Arrival:
    asked = Asked(
        channel="advisories",
        arch="any",
        now=gate.now,
        known=max(gate.known, site.known()),
        accept_expired="expired" in gate.accepted,
        accept_clock="clock" in gate.accepted,
    )
    try:
        check_trust_time(gate.trust, asked)
        verified = verify(folder, gate.trust, asked, gate.check)
    except Refused as error:
        raise BadAdvisories(str(error)) from error
    snapshot = load(folder)
    if snapshot.meta.seq != verified.sums.header.seq:
        raise BadAdvisories(f"the data says number {snapshot.meta.seq}, what was signed {verified.sums.header.seq}")
    return _Arrival(verified, snapshot)


def _quarantine(arrived: Path, site: Site, receipt: Receipt) -> None:
    place = site.folder / "quarantine"
    place.mkdir(mode=0o700, exist_ok=True)
    name = f"{receipt.at.replace(':', '')}-{(receipt.sha256 or 'unread')[:12]}-{receipt.file}"
    if arrived.exists() and len(list(place.glob("*.tar"))) < MOST_QUARANTINED:
        arrived.rename(place / name)
    (place / f"{name}.reason").write_text(f"{receipt.reason}\n")


@contextmanager
def _staging(site: Site) -> Iterator[Path]:
    """A private folder beside the state, so that a rename out of it is atomic."""
    folder = Path(tempfile.mkdtemp(prefix=".import-", dir=site.folder))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
