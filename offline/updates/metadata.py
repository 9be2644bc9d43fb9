"""The four kinds of TUF metadata as a medium holds them: made, signed, written, read."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from securesystemslib.signer import Key, Signer
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, MetaFile, Role, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from offline.updates.fault import Fault, UpdateRefused
from offline.updates.keys import Holders, Roles

METADATA, TARGETS = "metadata", "targets"
LASTS = timedelta(days=400)  # a medium a year is enough to stay alive
ROOT_LASTS = timedelta(days=3650)
CREATED = "x-redoubt-created"  # of the timestamp: when the medium was made, under its signature

S = TypeVar("S", Root, Targets, Snapshot, Timestamp)


def first_root(roles: Roles, now: datetime) -> Root:
    return _root(roles, 1, now)


def next_root(old: Root, roles: Roles, now: datetime) -> Root:
    return _root(roles, old.version + 1, now)


def _root(roles: Roles, number: int, now: datetime) -> Root:
    holders = {Root.type: roles.root, Targets.type: roles.root}
    holders |= {Snapshot.type: roles.medium, Timestamp.type: roles.medium}
    return Root(
        version=number,
        expires=now + ROOT_LASTS,
        keys=_by_id(roles.root.keys, roles.medium.keys),
        roles={name: Role([key.keyid for key in one.keys], one.threshold) for name, one in holders.items()},
        consistent_snapshot=True,
    )


def targets_of(roles: Roles, number: int, now: datetime) -> Targets:
    """Carries nothing itself: each channel may sign for its own folder of the medium, and no other."""
    delegated = {
        channel: DelegatedRole(
            channel, [key.keyid for key in one.keys], one.threshold, terminating=True, paths=[f"{channel}/*"]
        )
        for channel, one in sorted(roles.channels.items())
    }
    keys = _by_id(*(one.keys for one in roles.channels.values()))
    return Targets(version=number, expires=now + ROOT_LASTS, delegations=Delegations(keys, delegated))


def _by_id(*groups: Iterable[Key]) -> dict[str, Key]:
    return {key.keyid: key for keys in groups for key in keys}


def signed(made: Metadata[S], signers: Sequence[Signer]) -> Metadata[S]:
    """With these signatures besides those it has."""
    for signer in signers:
        made.sign(signer, append=True)
    return made


def write(medium: Path, name: str, made: Metadata[S], signers: Sequence[Signer], holders: Holders) -> None:
    """Sign with those who hold the role, and save. Raises UpdateRefused when they are too few."""
    mine = {key.keyid for key in holders.keys}
    signing = [one for one in signers if one.public_key.keyid in mine]
    if (given := len({one.public_key.keyid for one in signing})) < holders.threshold:
        raise UpdateRefused(Fault.KEYS, f"`{name}` takes {holders.threshold} keys of its holders; {given} given")
    save(medium, name, signed(made, signing))


def save(medium: Path, name: str, made: Metadata[S]) -> None:
    made.to_file(str(_file(medium, name, made.signed.version)), JSONSerializer())


def numbers(medium: Path, name: str) -> list[int]:
    """The versions of a role that the medium holds, in order."""
    return sorted(int(one.name.partition(".")[0]) for one in (medium / METADATA).glob(f"[0-9]*.{name}.json"))


def latest(medium: Path, kind: type[S]) -> Metadata[S]:
    return read(medium, kind.type, kind)


def read(medium: Path, name: str, kind: type[S]) -> Metadata[S]:
    """The newest metadata of a role. Raises UpdateRefused."""
    there = numbers(medium, name)
    if not there:
        raise UpdateRefused(Fault.UNREADABLE, f"`{medium}` holds no metadata of `{name}`; create the medium first")
    try:
        found: Metadata[S] = Metadata.from_file(str(_file(medium, name, there[-1])))
    except RepositoryError as error:
        raise UpdateRefused(Fault.UNREADABLE, f"the metadata of `{name}` does not read: {error}") from error
    if not isinstance(found.signed, kind):
        raise UpdateRefused(Fault.UNREADABLE, f"the metadata of `{name}` is not of its kind")
    return found


def file_meta(medium: Path, name: str) -> MetaFile:
    """Number, length and hash of the newest metadata of a role: what another role says of it."""
    number = numbers(medium, name)[-1]
    return MetaFile.from_data(number, _file(medium, name, number).read_bytes(), ["sha256"])


def _file(medium: Path, name: str, number: int) -> Path:
    # TUF §6.2: only the timestamp has no number in its name, since it is asked for first
    return medium / METADATA / (f"{name}.json" if name == Timestamp.type else f"{number}.{name}.json")
