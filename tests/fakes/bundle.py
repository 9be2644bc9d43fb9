"""Bundles made in milliseconds: holders of keys, signed folders, and a release with wheels made by hand."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from offline.rules import dsse
from offline.rules.lock import Pin, write_lock
from offline.rules.manifest import (
    Advisories,
    Environment,
    Manifest,
    Model,
    Schema,
    Source,
    WheelEntry,
    write_manifest,
)
from offline.rules.moments import write_moment
from offline.rules.names import SUMS
from offline.rules.signatures import minisign_key_id, minisign_text
from offline.rules.sums import Header, write_sums
from offline.rules.trust import Key, Trust
from offline.rules.verify import Asked
from offline.rules.wheel import read_wheel

CREATED = datetime(2026, 11, 1, tzinfo=UTC)
EXPIRES = datetime(2027, 12, 6, tzinfo=UTC)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ARCH = "x86_64"


@dataclass(frozen=True)
class Holder:
    """Somebody who signs: an Ed25519 and a P-384 key, both the same at every run."""

    id: str
    seed: int = 0
    _edwards: ed25519.Ed25519PrivateKey = field(init=False, repr=False)
    _nist: ec.EllipticCurvePrivateKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        secret = hashlib.sha512(f"{self.id} {self.seed}".encode()).digest()
        object.__setattr__(self, "_edwards", ed25519.Ed25519PrivateKey.from_private_bytes(secret[:32]))
        object.__setattr__(self, "_nist", ec.derive_private_key(int.from_bytes(secret[16:]), ec.SECP384R1()))

    def spki(self, algorithm: str) -> bytes:
        return self._public(algorithm).public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def pem(self, algorithm: str) -> bytes:
        return self._public(algorithm).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def key(self, role: str, algorithm: str = "ed25519") -> Key:
        return Key(role, self.id, algorithm, self.spki(algorithm))

    def sign(self, message: bytes, algorithm: str = "ed25519") -> bytes:
        if algorithm == "ed25519":
            return self._edwards.sign(message)
        return self._nist.sign(message, ec.ECDSA(hashes.SHA384()))

    def minisig(self, message: bytes, comment: str = "redoubt") -> bytes:
        signature = self.sign(hashlib.blake2b(message).digest())
        over_all = self.sign(signature + comment.encode())
        return minisign_text(self.id, minisign_key_id(self.spki("ed25519")), signature, comment, over_all)

    def dsse(self, sums: bytes, provenance: bytes) -> bytes:
        payload = dsse.statement(hashlib.sha256(sums).hexdigest(), provenance)
        return dsse.envelope(payload, self.id, self.sign(dsse.pae(payload)))

    def _public(self, algorithm: str) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey:
        return self._edwards.public_key() if algorithm == "ed25519" else self._nist.public_key()


ALICE, BOB, CAROL, MALLORY = (Holder(name) for name in ("alice", "bob", "carol", "mallory"))


def check(algorithm: str, spki: bytes, message: bytes, signature: bytes) -> bool:
    """`rules.openssl.Check` in this process: ten times faster than a program, and a second opinion."""
    key = serialization.load_der_public_key(spki)
    try:
        if isinstance(key, ed25519.Ed25519PublicKey) and algorithm == "ed25519":
            key.verify(signature, message)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm == "p384":
            key.verify(signature, message, ec.ECDSA(hashes.SHA384()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def trust(*holders: Holder, roles: Mapping[str, int] | None = None, number: int = 1, product: str = "redoubt") -> Trust:
    """Everybody holds every role, with both kinds of keys. `roles`: role -> threshold."""
    signers = holders or (ALICE, BOB, CAROL)
    thresholds = roles or {"root": 2, "app": 2, "advisories": 1, "models": 2}
    keys = [one.key(role, algorithm) for role in thresholds for one in signers for algorithm in ("ed25519", "p384")]
    return Trust(product, number, CREATED, datetime(2036, 11, 1, tzinfo=UTC), thresholds, tuple(sorted(keys)))


def asked(channel: str = "app") -> Asked:
    """A site that knows nothing yet, on the day this was written. `dataclasses.replace` what a test is about."""
    return Asked(channel=channel, arch=ARCH, now=NOW, known=CREATED)


def header(channel: str = "app", seq: int = 7, version: str = "0.1.0") -> Header:
    return Header(channel=channel, version=version, arch=ARCH, seq=seq, created=CREATED, expires=EXPIRES)


def write_tree(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def seal(folder: Path, head: Header, by: Iterable[tuple[Holder, str]] = ((ALICE, "ed25519"), (BOB, "p384"))) -> bytes:
    """Write SHA256SUMS over what the folder holds now, and its signatures. Signs anew when there were some.

    `by`: (holder, form) with the forms `ed25519`, `p384`, `minisig`, `dsse`.
    """
    for old in [*folder.glob("SHA256SUMS*"), *folder.glob("APPROVAL.*")]:
        old.unlink()
    files = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
    sums = write_sums(head, files)
    (folder / SUMS).write_bytes(sums)
    for holder, form in by:
        sign(folder, holder, form)
    return sums


def sign(folder: Path, holder: Holder, form: str) -> Path:
    """Add one signature beside SHA256SUMS."""
    sums = (folder / SUMS).read_bytes()
    if form == "minisig":
        name, content = f"{SUMS}.{holder.id}.minisig", holder.minisig(sums)
    elif form == "dsse":
        provenance = (folder / "provenance.json").read_bytes()
        name, content = f"{SUMS}.{holder.id}.dsse.json", holder.dsse(sums, provenance)
    else:
        name, content = f"{SUMS}.{holder.id}.{form}.sig", holder.sign(sums, form)
    (folder / name).write_bytes(content)
    return folder / name


def wheel(  # a wheel as a builder would write it, or as an attacker would
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, bytes],
    tag: str = "py3-none-any",
    record: bytes | None = None,
) -> Path:
    """Write `<name>-<version>-<tag>.whl` with a true RECORD, or the one given."""
    info = f"{name}-{version}.dist-info"
    members = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n"
        "License-Expression: MIT\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    members[f"{info}/RECORD"] = record_of(members, info) if record is None else record
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}-{version}-{tag}.whl"
    target.write_bytes(zipped(members))
    return target


def record_of(members: Mapping[str, bytes], info: str) -> bytes:
    lines = [f"{path},sha256={_b64(content)},{len(content)}" for path, content in members.items()]
    return "".join(f"{line}\n" for line in [*lines, f"{info}/RECORD,,"]).encode()


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip that is the same at every run."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path, content in members.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 11, 1, 0, 0, 0)), content)
    return out.getvalue()


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Release:
    """What a tiny release is made of; change it with `dataclasses.replace`, then `write` it."""

    head: Header = field(default_factory=header)
    trust: Trust = field(default_factory=trust)
    pythons: tuple[str, ...] = ("cp311",)
    extra: Mapping[str, bytes] = field(default_factory=dict)
    models: tuple[Model, ...] = ()

    def write(self, folder: Path, by: Iterable[tuple[Holder, str]] = ((ALICE, "ed25519"), (BOB, "p384"))) -> Path:
        """The whole bundle, sealed."""
        folder.mkdir(parents=True)
        serve, tools = self._wheels(folder / "wheels")
        files = {
            "START-HERE.txt": b"read me\n",
            "verify.sh": b"#!/bin/sh\nexit 0\n",
            "install.sh": b"#!/bin/sh\nexit 0\n",
            "installer.pyz": zipped({"__main__.py": b"raise SystemExit(0)\n"}),
            "provenance.json": dsse.canonical({"buildDefinition": {"buildType": "test"}}),
            "policy/pth-allow.txt": b"# name path sha256\n",
            "sbom/redoubt.cdx.json": b'{"bomFormat": "CycloneDX"}\n',
            "trust/1.trust": str(self.trust).encode(),
            "docs/operator-guide.md": b"# Operator guide\n",
            "licences/alpha-1.0/LICENSE": b"MIT\n",
            **self.extra,
        }
        write_tree(folder, files)
        for python in self.pythons:
            for kind, wheels in (("serve", serve), ("tools", [*serve, *tools])):
                pins = [Pin(one.name, one.version, one.sha256) for one in wheels if one.name != "redoubt-gateway"]
                lock = folder / "locks" / f"{kind}-{python}.txt"
                lock.parent.mkdir(exist_ok=True)
                lock.write_text(write_lock(kind, python, self.head.arch, pins))
        self.describe(folder)
        seal(folder, self.head, by)
        return folder

    def _wheels(self, folder: Path) -> tuple[list[WheelEntry], list[WheelEntry]]:
        native = f"cp311-cp311-manylinux_2_28_{self.head.arch}"
        serve = [
            wheel(folder, "redoubt_gateway", self.head.version, {"appliance/__init__.py": b'"""The gateway."""\n'}),
            wheel(folder, "alpha", "1.0", {"alpha/__init__.py": b"VALUE = 1\n", "alpha/data.txt": b"a" * 5000}),
            wheel(folder, "beta", "2.0", {"beta/__init__.py": b"", "beta/_speed.so": b"\x7fELF" + b"b" * 900}, native),
        ]
        tools = [wheel(folder, "gamma", "3.1", {"gamma.py": b"TOOL = True\n"})]
        return [entry(one) for one in serve], [entry(one) for one in tools]

    def describe(self, folder: Path, **changes: object) -> None:
        """Write manifest.json about what the folder holds now; `changes` replace fields of it."""
        head = self.head
        wheels = [entry(one) for one in sorted((folder / "wheels").glob("*.whl"))]
        manifest = Manifest(
            product=head.product,
            channel=head.channel,
            version=head.version,
            arch=head.arch,
            seq=head.seq,
            min_from=head.min_from,
            created=write_moment(head.created),
            expires=write_moment(head.expires),
            support_until=write_moment(head.expires),
            source=Source(commit="0" * 40, tree="0" * 40),
            glibc="2.28",
            environments=tuple(
                Environment(kind=kind, python=python, lock=f"locks/{kind}-{python}.txt")
                for python in self.pythons
                for kind in ("serve", "tools")
            ),
            wheels=tuple(wheels),
            databases=tuple(
                Schema(database=name, needs="0001", compatible_from="0001") for name in ("store", "ledger")
            ),
            advisories=Advisories(seq=1, max_modified="2024-10-10T00:00:00Z", sha256="0" * 64),
            models=self.models,
            sbom_sha256=hashlib.sha256((folder / "sbom/redoubt.cdx.json").read_bytes()).hexdigest(),
            trust_fingerprint=hashlib.sha256(str(self.trust).encode()).hexdigest(),
            bytes=sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()),
        )
        (folder / "manifest.json").write_bytes(write_manifest(replace(manifest, **changes)))  # type: ignore[arg-type]  # fields of the manifest, as a test names them


def entry(file: Path) -> WheelEntry:
    """What manifest.json says of a wheel."""
    read = read_wheel(file)
    return WheelEntry(
        file=read.file,
        name=read.name,
        version=read.version,
        sha256=read.sha256,
        sha512=hashlib.sha512(file.read_bytes()).hexdigest(),
        size=read.size,
        native=bool(read.native),
        record=read.record,
    )
