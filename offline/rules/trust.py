"""Trust: who may sign what, how many it takes, and how one trust file leads to the next."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from offline.rules.moments import read_moment, write_moment
from offline.rules.names import ALGORITHMS, is_id, shown
from offline.rules.refusal import Fault, Refused

LARGEST = 64 * 1024  # bytes
ROLES = ("root", "app", "advisories", "models", "config", "overlay")
# DER SubjectPublicKeyInfo: RFC 8410 §4 (Ed25519), RFC 5480 §2 (P-384, uncompressed point)
PREFIXES = {
    "ed25519": bytes.fromhex("302a300506032b6570032100"),
    "p384": bytes.fromhex("3076301006072a8648ce3d020106052b8104002203620004"),
}
LENGTHS = {"ed25519": 44, "p384": 120}
_HEADER = re.compile(
    r"# redoubt-trust v1 product=(?P<product>[a-z0-9-]{1,32}) number=(?P<number>[1-9][0-9]{0,5})"
    r" created=(?P<created>\S{20}) expires=(?P<expires>\S{20})(?P<thresholds>(?: [a-z]{1,16}=[1-9])+)"
)


@dataclass(frozen=True, order=True)
class Key:
    """A public key, and for whom it stands."""

    role: str
    id: str
    algorithm: str  # `ed25519` or `p384`
    spki: bytes = field(repr=False)  # DER SubjectPublicKeyInfo

    def __str__(self) -> str:
        return f"{self.role} {self.id} {self.algorithm} {base64.b64encode(self.spki).decode()}"


@dataclass(frozen=True)
class Trust:
    """A trust file that makes sense in itself."""

    product: str
    number: int
    created: datetime
    expires: datetime
    thresholds: Mapping[str, int]  # role -> distinct ids
    keys: tuple[Key, ...]

    def of(self, role: str) -> tuple[Key, ...]:
        return tuple(key for key in self.keys if key.role == role)

    def threshold(self, role: str) -> int:
        """Raises Refused when this file says nothing of that role."""
        if role not in self.thresholds:
            raise Refused(Fault.TRUST, f"trust file {self.number} of `{self.product}` names nobody for `{role}`")
        return self.thresholds[role]

    def __str__(self) -> str:
        thresholds = "".join(f" {role}={self.thresholds[role]}" for role in ROLES if role in self.thresholds)
        head = (
            f"# redoubt-trust v1 product={self.product} number={self.number} created={write_moment(self.created)}"
            f" expires={write_moment(self.expires)}{thresholds}"
        )
        return "".join(f"{line}\n" for line in (head, *sorted(map(str, self.keys))))


def fingerprint(content: bytes) -> str:
    """What the paper says: 16 groups of four hex digits."""
    digest = hashlib.sha256(content).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, 64, 4))


def read_trust(content: bytes) -> Trust:
    """Raises Refused for everything that `Trust.__str__` would not have written."""
    try:
        first, *rest = content.decode("ascii").removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        raise Refused(Fault.TRUST, "a trust file is not plain ASCII") from None
    found = _HEADER.fullmatch(first)
    if found is None or len(content) > LARGEST:
        raise Refused(Fault.TRUST, f"the first line of a trust file is no header: `{shown(first)}`")
    thresholds = {role: int(count) for role, count in (one.split("=") for one in found["thresholds"].split())}
    trust = Trust(
        product=found["product"],
        number=int(found["number"]),
        created=read_moment(found["created"]),
        expires=read_moment(found["expires"]),
        thresholds=thresholds,
        keys=tuple(_key(number, line) for number, line in enumerate(rest, 2)),
    )
    _check(trust)
    if str(trust).encode() != content:
        raise Refused(Fault.TRUST, f"trust file {trust.number} is not written in its one form")
    return trust


def _key(number: int, line: str) -> Key:
    words = line.split(" ")
    if len(words) != 4 or words[0] not in ROLES or not is_id(words[1]) or words[2] not in ALGORITHMS:
        raise Refused(Fault.TRUST, f"trust file, line {number}: expected `role id algorithm key`")
    role, holder, algorithm, encoded = words
    try:
        spki = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        spki = b""
    if len(spki) != LENGTHS[algorithm] or not spki.startswith(PREFIXES[algorithm]):
        raise Refused(Fault.TRUST, f"trust file, line {number}: the key of `{holder}` is no {algorithm} key")
    return Key(role, holder, algorithm, spki)


def _check(trust: Trust) -> None:
    said = f"trust file {trust.number} of `{trust.product}`"
    if trust.expires <= trust.created:
        raise Refused(Fault.TRUST, f"{said} expires before it was created")
    if len({(key.role, key.id, key.algorithm) for key in trust.keys}) != len(trust.keys):
        raise Refused(Fault.TRUST, f"{said} gives somebody two keys of one kind")
    for role in {*trust.thresholds, *(key.role for key in trust.keys)}:
        keys = trust.of(role)
        if role not in ROLES:
            raise Refused(Fault.TRUST, f"{said} names an unknown role `{role}`")
        if len({key.spki for key in keys}) != len(keys):
            raise Refused(Fault.TRUST, f"{said} gives one key to two ids of `{role}`")
        if role not in trust.thresholds or len({key.id for key in keys}) < trust.thresholds[role]:
            raise Refused(Fault.TRUST, f"{said} names fewer signers for `{role}` than it takes")
