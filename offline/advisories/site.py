"""What this site holds of the channel: the snapshot in use, the number it has seen, and what became of every arrival.

STATE/current -> 7-0f3a…      the snapshot in use
STATE/7-0f3a…/                a signed folder, as it arrived; the last two are kept
STATE/seen.json               the newest number and moment that were verified; neither ever falls
STATE/receipts.jsonl          one line for each arrival
STATE/quarantine/             what was refused, each with its reason
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from offline.advisories.fault import BadAdvisories
from offline.rules.moments import read_moment, write_moment
from offline.rules.refusal import Refused

KEPT = 2  # snapshots
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The high-water mark: deleting a snapshot does not let an older one back in."""

    seq: int
    sums_sha256: str
    created: str  # the newest `created` that was verified, in this channel

    @property
    def known(self) -> datetime:
        return read_moment(self.created)


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one arrival."""

    at: str
    file: str
    sha256: str  # of the tar
    result: str  # `imported`, `same` or `quarantined`
    seq: int | None = None
    max_modified: str | None = None
    signed_by: list[str] = []
    reason: str | None = None
    accepted: list[str] = []  # reasons somebody gave for taking what would have been refused


class Site:
    """The state folder of one site."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def current(self) -> Path:
        return self.folder / "current"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One importer at a time. Raises BadAdvisories when there is another."""
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BadAdvisories(f"another import is at work in `{self.folder}`; wait for it") from None
            yield

    def seen(self) -> Seen | None:
        """Raises BadAdvisories when the mark is there and does not read: without it, anything old could come back."""
        file = self.folder / "seen.json"
        try:
            found = msgspec.json.decode(file.read_bytes(), type=Seen)
            read_moment(found.created)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, Refused) as error:
            raise BadAdvisories(f"`{file}` does not read: {error}; restore it from the site's backup") from error
        return found

    def known(self) -> datetime:
        """The newest moment that was verified here; 1970 when there is none."""
        seen = self.seen()
        return seen.known if seen else NEVER

    def take(self, folder: Path, seen: Seen) -> None:
        """Put a verified folder into use: mark first, so that a power cut loses at most this one arrival."""
        place = self.folder / f"{seen.seq}-{seen.sums_sha256[:12]}"
        for file in folder.iterdir():
            file.chmod(0o644)
            _sync(file)
        folder.chmod(0o755)
        if place.exists():
            shutil.rmtree(place)  # spoilt, or it would not be taken anew
        folder.rename(place)
        self._replace("seen.json", msgspec.json.encode(seen, order="sorted") + b"\n")
        staged = self.folder / ".current"
        staged.unlink(missing_ok=True)
        staged.symlink_to(place.name)
        staged.replace(self.current)
        _sync(self.folder)
        self._forget(place)

    def receive(self, receipt: Receipt) -> None:
        with (self.folder / "receipts.jsonl").open("ab") as out:
            out.write(msgspec.json.encode(receipt) + b"\n")
            out.flush()
            os.fsync(out.fileno())

    def last(self) -> Receipt | None:
        """The newest receipt; None when there is none, or its line was cut by a power failure."""
        try:
            lines = (self.folder / "receipts.jsonl").read_bytes().splitlines()
            return msgspec.json.decode(lines[-1], type=Receipt)
        except (OSError, IndexError, msgspec.MsgspecError):
            return None

    def mark(self, seq: int, sums_sha256: str, created: datetime) -> Seen:
        """The mark after this arrival: the moment never falls."""
        return Seen(seq=seq, sums_sha256=sums_sha256, created=write_moment(max(created, self.known())))

    def _replace(self, name: str, content: bytes) -> None:
        staged = self.folder / f".{name}"
        staged.write_bytes(content)
        _sync(staged)
        staged.replace(self.folder / name)
        _sync(self.folder)

    def _forget(self, used: Path) -> None:
        kept = sorted(
            (one for one in self.folder.glob("[0-9]*-*") if one != used),
            key=lambda one: int(one.name.partition("-")[0]),
        )
        for old in kept[: max(0, len(kept) - KEPT + 1)]:
            shutil.rmtree(old)


def _sync(path: Path) -> None:
    held = os.open(path, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
