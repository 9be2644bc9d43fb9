"""Folders of the channel `advisories`, made, signed and spoilt."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from offline.advisories.build import LICENCE, Plan, build, packed, sums
from offline.advisories.snapshot import DATA, META, Source
from offline.rules.openssl import OpenSSL
from offline.rules.trust import Trust, read_trust
from offline.rules.verify import Asked

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SEED_DATA = LICENCE.with_name("pysec-2024-10-10.osv.json.gz")
SEED_SOURCE = Source(
    name="pypa/advisory-database",
    commit="3ccb612573e2511ab5cad7dafecd838605c80cda",
    licence="CC-BY-4.0",
    attribution="Python Packaging Advisory Database, Python Packaging Authority and contributors",
)
SOURCE = Source(name="example/advisories", commit="abc123", licence="CC-BY-4.0", attribution="Example")
OPENSSL = OpenSSL()
_HEAD = "# redoubt-trust v1 product=redoubt number=1 created={} expires={} root=1 app=1 advisories=1"
_MOMENTS = ("2024-01-01T00:00:00Z", "2036-01-01T00:00:00Z")

Raw = dict[str, Any]


class Signer:
    """A key holder."""

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(id_.encode()).digest())

    def line(self, role: str) -> str:
        spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"{role} {self.id} ed25519 {base64.b64encode(spki).decode()}"

    def sign(self, folder: Path) -> None:
        signature = self.key.sign((folder / "SHA256SUMS").read_bytes())
        (folder / f"SHA256SUMS.{self.id}.ed25519.sig").write_bytes(signature)


CARA = Signer("cara")  # of the advisories
ANN = Signer("ann")  # of the application


def trust() -> Trust:
    head = _HEAD.format(*_MOMENTS)
    lines = [head, *sorted([ANN.line("root"), ANN.line("app"), CARA.line("advisories")])]
    return read_trust("".join(f"{line}\n" for line in lines).encode())


def asked(now: datetime = NOW, **more: Any) -> Asked:
    return Asked(channel="advisories", arch="x86_64", now=now, known=more.pop("known", now), **more)


def advisory(id_: str = "PYSEC-2026-1", package: str = "leaky", fixed: str = "2.0", **more: Any) -> Raw:
    """A record about every version of a package before `fixed`."""
    return {
        "id": id_,
        "modified": "2026-11-20T10:00:00Z",
        "published": "2026-11-19T10:00:00Z",
        "aliases": [],
        "details": f"{package} leaks",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            }
        ],
    } | more


def folder_of(where: Path, *records: Raw) -> Path:
    """Records as files, one each, as a publisher's repository has them."""
    where.mkdir(parents=True, exist_ok=True)
    for number, raw in enumerate(records):
        (where / f"{number}.json").write_text(json.dumps(raw))
    return where


def plan(source: Path, seq: int = 1, **more: Any) -> Plan:
    told: Raw = {"inputs": [source], "sources": [SOURCE], "seq": seq, "created": NOW - timedelta(days=1)} | more
    return Plan(**told)


def channel(where: Path, *records: Raw, seq: int = 1, signer: Signer | None = CARA, **more: Any) -> Path:
    """A built and signed folder."""
    source = folder_of(where.with_name(f"{where.name}-source"), *(records or (advisory(),)))
    build(plan(source, seq, **more), where)
    if signer is not None:
        signer.sign(where)
    return where


def spoil(folder: Path, change: Callable[[Raw], None], *, said: Callable[[Raw], None] | None = None) -> Path:
    """Change the data, and perhaps what is said of it; sign anew, so that only the content is wrong."""
    data = json.loads(gzip.decompress((folder / DATA).read_bytes()))
    change(data)
    plain = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
    meta = json.loads((folder / META).read_bytes())
    meta["data_sha256"] = hashlib.sha256(plain).hexdigest()
    if said is not None:
        said(meta)
    (folder / DATA).write_bytes(packed(plain))
    (folder / META).write_bytes(json.dumps(meta).encode())
    return again(folder)


def again(folder: Path) -> Path:
    """Sums and signature over what lies there now."""
    for name in ("SHA256SUMS", "SHA256SUMS.cara.ed25519.sig"):
        (folder / name).unlink(missing_ok=True)
    (folder / "SHA256SUMS").write_bytes(sums(plan(folder, licences=[LICENCE]), folder))
    CARA.sign(folder)
    return folder
