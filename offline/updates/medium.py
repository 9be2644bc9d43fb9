"""Make a medium of updates: `create` once, then `add` and `sign` for each channel, then `seal`.

    MEDIUM/metadata/1.root.json … 7.app.json … 12.snapshot.json, timestamp.json
    MEDIUM/targets/app/<sha256>.redoubt-0.2.0-x86_64.tar

Root holders sign root and targets, holders of a channel sign what it carries, the medium's key seals. Signatures may be
added one by one, on machines of their own, between `add` and `seal`.
"""

import re
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import Signer
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import DelegatedRole, Metadata, Root, Snapshot, TargetFile, Targets, Timestamp

from offline.rules.moments import write_moment
from offline.updates.fault import Fault, UpdateRefused
from offline.updates.keys import Roles
from offline.updates.metadata import (
    CREATED,
    LASTS,
    METADATA,
    TARGETS,
    file_meta,
    first_root,
    latest,
    next_root,
    numbers,
    read,
    save,
    signed,
    targets_of,
    write,
)

_NAME = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9._+-]{0,99}")


def create(medium: Path, roles: Roles, signers: Sequence[Signer], now: datetime) -> None:
    """A medium that carries nothing yet. Raises UpdateRefused."""
    if (medium / METADATA).exists():
        raise UpdateRefused(Fault.KEYS, f"`{medium}` is a medium already; add to it, or name an empty folder")
    root, targets = Metadata(first_root(roles, now)), Metadata(targets_of(roles, 1, now))
    (medium / METADATA).mkdir(parents=True)
    (medium / TARGETS).mkdir()
    try:
        write(medium, Root.type, root, signers, roles.root)
        write(medium, Targets.type, targets, signers, roles.root)
    except UpdateRefused:
        shutil.rmtree(medium / METADATA)
        shutil.rmtree(medium / TARGETS)
        raise


def rotate(medium: Path, roles: Roles, signers: Sequence[Signer], now: datetime) -> int:
    """Other keys: a next root, signed by enough of the old holders and of the new, and the channels' new keys.

    A channel whose signers changed must be signed again (`add` without files) before the medium can be sealed.
    The number of the new root. Raises UpdateRefused and changes nothing.
    """
    old = latest(medium, Root).signed
    root = next_root(old, roles, now)
    either = {*old.roles[Root.type].keyids, *root.roles[Root.type].keyids}
    made = signed(Metadata(root), [one for one in signers if one.public_key.keyid in either])
    try:
        old.verify_delegate(Root.type, made.signed_bytes, made.signatures)
        root.verify_delegate(Root.type, made.signed_bytes, made.signatures)
    except RepositoryError as error:
        raise UpdateRefused(Fault.KEYS, f"too few of the old or of the new root holders signed: {error}") from error
    number = latest(medium, Targets).signed.version + 1
    write(medium, Targets.type, Metadata(targets_of(roles, number, now)), signers, roles.root)
    save(medium, Root.type, made)
    return root.version


def add(medium: Path, channel: str, files: Sequence[Path], signers: Sequence[Signer], now: datetime) -> int:
    """Put packed folders on the medium; without files, vouch for the channel anew. The channel's new number.

    Takes as many signatures as there are signers; `sign` adds others. Raises UpdateRefused.
    """
    _demand_keys(channel, _holders_of(medium, channel), signers)
    targets: dict[str, TargetFile] = {}
    number = 1
    if numbers(medium, channel):
        before = read(medium, channel, Targets).signed
        targets, number = dict(before.targets), before.version + 1
    for file in files:
        if not _NAME.fullmatch(file.name) or not file.is_file():
            raise UpdateRefused(Fault.UNKNOWN, f"`{file}` is not a file with a plain name; pack the folder first")
        path = f"{channel}/{file.name}"
        target = TargetFile.from_file(path, str(file), ["sha256"])
        place = medium / TARGETS / channel / f"{target.hashes['sha256']}.{file.name}"
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, place)
        targets[path] = target
    made = Metadata(Targets(version=number, expires=now + LASTS, targets=targets))
    save(medium, channel, signed(made, signers))
    return number


def sign(medium: Path, channel: str, signers: Sequence[Signer]) -> int:
    """Add signatures to what `add` wrote; how many the channel has now. Raises UpdateRefused."""
    _demand_keys(channel, _holders_of(medium, channel), signers)
    made = signed(read(medium, channel, Targets), signers)
    save(medium, channel, made)
    return len(made.signatures)


def seal(medium: Path, signers: Sequence[Signer], now: datetime) -> int:
    """Vouch for the medium as it is now. Its number. Raises UpdateRefused while a role lacks signatures."""
    root, targets = latest(medium, Root).signed, latest(medium, Targets)
    _check(root, Targets.type, targets)
    meta = {f"{Targets.type}.json": file_meta(medium, Targets.type)}
    for channel in channels(targets.signed):
        if numbers(medium, channel):
            _check(targets.signed, channel, read(medium, channel, Targets))
            meta[f"{channel}.json"] = file_meta(medium, channel)
    holders = root.roles[Timestamp.type]
    mine = [one for one in signers if one.public_key.keyid in holders.keyids]
    if len(mine) < holders.threshold:
        raise UpdateRefused(Fault.KEYS, "none of the given keys is the medium's")
    number = max(numbers(medium, Snapshot.type), default=0) + 1
    snapshot = Metadata(Snapshot(version=number, expires=now + LASTS, meta=meta))
    save(medium, Snapshot.type, signed(snapshot, mine))
    timestamp = Timestamp(
        version=number,
        expires=now + LASTS,
        snapshot_meta=file_meta(medium, Snapshot.type),
        unrecognized_fields={CREATED: write_moment(now)},
    )
    save(medium, Timestamp.type, signed(Metadata(timestamp), mine))
    return number


def channels(targets: Targets) -> dict[str, DelegatedRole]:
    """Who signs for which channel."""
    return dict(targets.delegations.roles or {}) if targets.delegations else {}


def _holders_of(medium: Path, channel: str) -> DelegatedRole:
    found = channels(latest(medium, Targets).signed)
    if channel not in found:
        raise UpdateRefused(Fault.CHANNEL, f"this medium has no channel `{channel}`; it has {', '.join(sorted(found))}")
    return found[channel]


def _demand_keys(channel: str, holders: DelegatedRole, signers: Sequence[Signer]) -> None:
    if foreign := [one.public_key.keyid[:12] for one in signers if one.public_key.keyid not in holders.keyids]:
        raise UpdateRefused(Fault.KEYS, f"the key {foreign[0]}… is not one of the channel `{channel}`")
    if not signers:
        raise UpdateRefused(Fault.KEYS, f"name a key of the channel `{channel}`")


def _check(delegator: Root | Targets, role: str, made: Metadata[Targets]) -> None:
    try:
        delegator.verify_delegate(role, made.signed_bytes, made.signatures)
    except RepositoryError as error:
        raise UpdateRefused(Fault.KEYS, f"`{role}` lacks signatures: {error}; add them with `sign`") from error
