"""Read a medium on the isolated side: what it offers, and the packed folders themselves, through python-tuf.

    STATE/metadata/         TUF's cache: what this site has seen, and so will not go below
    STATE/known.json        the newest moment that a medium vouched for
    STATE/receipts.jsonl    one line for each medium that was accepted past its time, and why

All of it changes together, when a whole medium was found right; of a refused one only newer root keys are kept.
"""

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec
from tuf.api.exceptions import DownloadError, ExpiredMetadataError, RepositoryError
from tuf.api.metadata import TargetFile, Targets

from offline.rules.moments import read_moment, write_moment
from offline.rules.names import check_path, shown
from offline.rules.refusal import Refused
from offline.rules.verify import SLACK
from offline.updates.explain import explained
from offline.updates.fault import Fault, UpdateRefused
from offline.updates.keys import CHANNELS
from offline.updates.metadata import TARGETS
from offline.updates.tuf import SiteUpdater

MOST_LATE = timedelta(days=400)  # past expiry; as long again as a medium lasts
BEFORE = ".metadata-before"
_BLOCK = 1024 * 1024
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Offer(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One packed folder on the medium."""

    channel: str
    name: str
    size: int  # bytes
    sha256: str
    number: int  # of the channel


class Medium(msgspec.Struct, frozen=True, kw_only=True):
    """What a medium offers, verified."""

    folder: Path
    number: int
    created: str
    expires: str
    root: int  # number of the newest root
    late: str | None  # the reason it was accepted with, when it is past its time
    offers: list[Offer]


class Clock(msgspec.Struct, frozen=True):
    """Two clocks, of which the later one counts, and reasons to overrule what they say."""

    now: datetime  # the host's
    known: datetime = _NEVER  # the newest moment this site has verified in any channel
    accept_expired: str | None = None
    accept_clock: str | None = None

    def at(self, known: datetime) -> datetime:
        return max(self.now, self.known, known)


def look(medium: Path, state: Path, root: bytes, clock: Clock) -> Medium:
    """Verify a medium and remember its numbers. `root`: the TUF root of the release that is installed.

    Raises UpdateRefused. With `accept_expired`, timestamps, snapshot and channels may be past their time, by 400 days
    at most and never past what this site knew before; the root never, and nothing else is forgiven.
    """
    with _staged(state) as cache:
        known = _known(state)
        judged = clock.at(known)
        late = None
        try:
            seen = _walk(medium, cache, root, judged)
        except ExpiredMetadataError as error:
            if clock.accept_expired is None:
                raise explained(error, medium, state / "metadata") from error
            seen, late = _late(medium, cache, root, clock, known), clock.accept_expired
        _check_clock(seen, clock, max(clock.known, known))
        _keep(state, cache, max(known, seen.created()))
        if late is not None:
            _receive(state, seen, late, judged)
        return _told(medium, seen, late)


def fetch(found: Medium, offer: Offer, into: Path) -> Path:
    """Copy a packed folder off the medium; what is copied is what is verified. Raises UpdateRefused, leaves nothing.

    It is still only a packed folder: unpack it, and verify it as if it had come alone.
    """
    source = found.folder / TARGETS / offer.channel / f"{offer.sha256}.{offer.name}"
    place = into / offer.name
    staged = into / f".{offer.name}.part"
    into.mkdir(parents=True, exist_ok=True)
    try:
        held = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(held, "rb") as opened, staged.open("wb") as out:
            if _copied(opened, out, offer.size) != offer.sha256:
                raise UpdateRefused(Fault.ALTERED, f"`{offer.name}` is not what was signed; carry the medium again")
        staged.replace(place)
    except OSError as error:
        raise UpdateRefused(Fault.ALTERED, f"`{offer.name}` cannot be read: {error.strerror}") from error
    finally:
        staged.unlink(missing_ok=True)
    return place


def _copied(source: BinaryIO, out: BinaryIO, size: int) -> str:
    """The sha256 of exactly `size` bytes; of anything else, a word that is none."""
    digest, left = hashlib.sha256(), size
    while block := source.read(min(_BLOCK, left + 1)):
        left -= len(block)
        if left < 0:
            return "longer"
        digest.update(block)
        out.write(block)
    out.flush()
    os.fsync(out.fileno())
    return digest.hexdigest() if left == 0 else "shorter"


def _walk(medium: Path, cache: Path, root: bytes, at: datetime) -> SiteUpdater:
    """Raises ExpiredMetadataError for what is past its time at that moment, UpdateRefused for everything else."""
    try:
        seen = SiteUpdater(cache, medium, root, at)
        seen.refresh()
        if seen.top().targets:
            raise UpdateRefused(Fault.CHANNEL, "the medium offers something outside of every channel")
        for channel in seen.carried():
            _check_channel(channel, seen.channel(channel))
    except ExpiredMetadataError:
        raise
    except (RepositoryError, DownloadError, OSError, ValueError, Refused) as error:
        raise explained(error, medium, cache) from error
    return seen


def _check_channel(channel: str, targets: Targets) -> None:
    if channel not in CHANNELS:
        raise UpdateRefused(Fault.CHANNEL, f"`{channel[:40]}` is no channel of this product")
    foreign = sorted(shown(path) for path in targets.targets if path.rpartition("/")[0] != channel)
    if foreign:
        raise UpdateRefused(
            Fault.CHANNEL,
            f"the keys of `{channel}` signed for `{foreign[0][:80]}`, which is not theirs: take them for stolen",
        )
    if targets.delegations is not None:
        raise UpdateRefused(Fault.CHANNEL, f"the keys of `{channel}` hand it on to others, which they may not")
    for path, target in targets.targets.items():
        check_path(path)
        if re.fullmatch("[0-9a-f]{64}", str(target.hashes.get("sha256"))) is None:
            raise UpdateRefused(Fault.UNREADABLE, f"`{path}` has no sha256")


def _late(medium: Path, cache: Path, root: bytes, clock: Clock, known: datetime) -> SiteUpdater:
    """Judge by the oldest moment that can be defended: this site knew no later one, and 400 days are the end."""
    judged = clock.at(known)
    at = max(clock.known, known, judged - MOST_LATE)
    try:
        seen = _walk(medium, cache, root, at)
    except ExpiredMetadataError as error:
        raise UpdateRefused(
            Fault.EXPIRED, f"{error}, and too long ago for any reason: this site or the calendar is past it by far"
        ) from error
    if seen.root_expires() <= judged:
        raise UpdateRefused(Fault.EXPIRED, "the root keys themselves are past their time; a reason cannot mend that")
    return seen


def _check_clock(seen: SiteUpdater, clock: Clock, known: datetime) -> None:
    signed = max(seen.created(), known)
    if clock.now < signed - SLACK and clock.accept_clock is None:
        raise UpdateRefused(
            Fault.CLOCK,
            f"the clock says {write_moment(clock.now)}, before {write_moment(signed)}, which was signed already; "
            "set the clock, or accept it with a reason",
        )


def _told(medium: Path, seen: SiteUpdater, late: str | None) -> Medium:
    offers = [
        _offer(channel, path, target, seen.channel(channel).version)
        for channel in seen.carried()
        for path, target in seen.channel(channel).targets.items()
    ]
    return Medium(
        folder=medium,
        number=seen.number(),
        created=write_moment(seen.created()),
        expires=write_moment(seen.expires()),
        root=seen.root_number(),
        late=late,
        offers=sorted(offers),
    )


def _offer(channel: str, path: str, target: TargetFile, number: int) -> Offer:
    name = path.partition("/")[2]
    return Offer(channel=channel, name=name, size=target.length, sha256=target.hashes["sha256"], number=number)


def _known(state: Path) -> datetime:
    """Raises UpdateRefused when it is there and does not read."""
    file = state / "known.json"
    try:
        return read_moment(msgspec.json.decode(file.read_bytes(), type=dict[str, str])["created"])
    except FileNotFoundError:
        return _NEVER
    except (OSError, KeyError, msgspec.MsgspecError, Refused) as error:
        raise UpdateRefused(Fault.UNREADABLE, f"`{file}` does not read: {error}; restore it from a backup") from error


@contextmanager
def _staged(state: Path) -> Iterator[Path]:
    """A copy of the cache to work on, and nobody else at work on it."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpdateRefused(Fault.BUSY, f"another look is at work in `{state}`; wait for it") from None
        with _copy(state) as cache:
            yield cache


@contextmanager
def _copy(state: Path) -> Iterator[Path]:
    if (state / BEFORE).exists() and not (state / "metadata").exists():
        (state / BEFORE).rename(state / "metadata")  # the power went while they changed places
    folder = Path(tempfile.mkdtemp(prefix=".look-", dir=state))
    cache = folder / "metadata"
    try:
        if (state / "metadata").is_dir():
            shutil.copytree(state / "metadata", cache, symlinks=True)
        else:
            cache.mkdir()
        try:
            yield cache
        except UpdateRefused:
            _keep_roots(cache, state / "metadata")
            raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _keep_roots(cache: Path, to: Path) -> None:
    """Root keys that were verified stay, whatever else was wrong: a revoked key is to be revoked from then on."""
    history = to / "root_history"
    history.mkdir(parents=True, exist_ok=True)
    for file in sorted((cache / "root_history").glob("*.root.json")):
        if not (history / file.name).exists():
            shutil.copyfile(file, history / file.name)


def _keep(state: Path, cache: Path, known: datetime) -> None:
    """The new cache takes the place of the old one; a power cut in between leaves the old one under its second name."""
    place, old = state / "metadata", state / BEFORE
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    cache.rename(place)
    shutil.rmtree(old, ignore_errors=True)
    staged = state / ".known.json"
    staged.write_bytes(msgspec.json.encode({"created": write_moment(known)}))
    staged.replace(state / "known.json")


def _receive(state: Path, seen: SiteUpdater, reason: str, at: datetime) -> None:
    told = {
        "at": write_moment(at),
        "result": "accepted past its time",
        "number": seen.number(),
        "expired": write_moment(seen.expires()),
        "reason": reason,
    }
    with (state / "receipts.jsonl").open("ab") as out:
        out.write(msgspec.json.encode(told) + b"\n")
        out.flush()
        os.fsync(out.fileno())


def named(found: Medium, path: str) -> Offer:
    """The offer `channel/name`. Raises UpdateRefused."""
    for one in found.offers:
        if f"{one.channel}/{one.name}" == path:
            return one
    there = ", ".join(f"{one.channel}/{one.name}" for one in found.offers) or "nothing"
    raise UpdateRefused(Fault.UNKNOWN, f"`{path[:80]}` is not on this medium; it offers {there}")
