"""Media of updates, their key holders, and the ways to spoil them."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Metadata, Snapshot, Targets, Timestamp

from offline.updates.client import Clock, Medium, look
from offline.updates.keys import Holders, Roles, signer_of
from offline.updates.medium import add, create, seal
from offline.updates.metadata import file_meta, numbers, read, save, signed
from tests.offline.channel import NOW

DAY = timedelta(days=1)


def holder(name: str) -> CryptoSigner:
    return signer_of(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))


def p384(_name: str) -> CryptoSigner:
    return signer_of(generate_private_key(SECP384R1()))


class Keys:
    """2 of 3 for root and app, 1 for advisories, 2 for models, the site's own for config, one for the medium."""

    def __init__(self, made: Any = holder) -> None:
        self.root = [made(f"root-{n}") for n in range(3)]
        self.app = [made(f"app-{n}") for n in range(3)]
        self.advisories = [made("advisories")]
        self.models = [made(f"models-{n}") for n in range(2)]
        self.config = [made("site")]
        self.medium = made("medium")

    def roles(self) -> Roles:
        return Roles(
            root=holders(self.root, 2),
            medium=holders([self.medium], 1),
            channels={
                "app": holders(self.app, 2),
                "advisories": holders(self.advisories, 1),
                "models": holders(self.models, 2),
                "config": holders(self.config, 1),
            },
        )


def holders(signers: Sequence[CryptoSigner], threshold: int) -> Holders:
    return Holders(tuple(public(one) for one in signers), threshold)


def public(signer: CryptoSigner) -> SSlibKey:
    key = signer.public_key
    assert isinstance(key, SSlibKey)
    return key


class Sender:
    """Who makes media, and one site that reads them."""

    def __init__(self, tmp_path: Path, made: Any = holder) -> None:
        self.tmp_path = tmp_path
        self.keys = Keys(made)
        self.medium = tmp_path / "medium"
        self.state = tmp_path / "state"
        create(self.medium, self.keys.roles(), self.keys.root[:2], NOW)
        self.root = (self.medium / "metadata" / "1.root.json").read_bytes()

    def file(self, name: str, content: bytes = b"a packed folder") -> Path:
        file = self.tmp_path / "packed" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        return file

    def ship(self, name: str = "redoubt-1.tar", channel: str = "app", now: datetime = NOW) -> int:
        signers = {"app": self.keys.app[:2], "advisories": self.keys.advisories}[channel]
        add(self.medium, channel, [self.file(name, name.encode())], signers, now)
        return seal(self.medium, [self.keys.medium], now)

    def look(self, now: datetime = NOW, medium: Path | None = None, **more: Any) -> Medium:
        return look(medium or self.medium, self.state, self.root, Clock(now, **more))

    def forge(self, channel: str, targets: Targets, signers: Sequence[CryptoSigner]) -> None:
        """Metadata of a channel by keys of the attacker's choice, sealed with a stolen key of the medium."""
        save(self.medium, channel, signed(Metadata(targets), signers))
        self.reseal()

    def reseal(self, now: datetime = NOW) -> None:
        """Snapshot and timestamp over whatever lies there, without the checks of `seal`."""
        before = read(self.medium, "snapshot", Snapshot).signed
        names = {"targets", *(name.removesuffix(".json") for name in before.meta)}
        names |= {one for one in self.keys.roles().channels if numbers(self.medium, one)}
        meta = {f"{name}.json": file_meta(self.medium, name) for name in names}
        number, keys = before.version + 1, [self.keys.medium]
        save(self.medium, "snapshot", signed(Metadata(Snapshot(number, expires=now + 400 * DAY, meta=meta)), keys))
        old = read_timestamp(self.medium)
        stamp = Timestamp(
            number,
            expires=now + 400 * DAY,
            snapshot_meta=file_meta(self.medium, "snapshot"),
            unrecognized_fields=old.signed.unrecognized_fields,
        )
        save(self.medium, "timestamp", signed(Metadata(stamp), keys))


def read_timestamp(medium: Path) -> Metadata[Timestamp]:
    return Metadata.from_file(str(medium / "metadata" / "timestamp.json"))


def change(file: Path, work: Any) -> None:
    """Edit metadata without signing it anew."""
    told = json.loads(file.read_bytes())
    work(told)
    file.write_text(json.dumps(told))
