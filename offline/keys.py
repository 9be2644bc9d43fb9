"""Keys that sign: made here, encrypted with a passphrase unless somebody says otherwise."""

import base64
import binascii
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from offline.failure import Failure
from offline.files import write_whole
from offline.rules.names import ALGORITHMS, is_id
from offline.rules.signatures import minisign_key_id
from offline.rules.tree import read_small
from offline.signer import LARGEST_KEY, KeySigner

SHORTEST_PASSPHRASE = 12  # bytes


def make_key(algorithm: str, id_: str, file: Path, passphrase: bytes | None) -> str:
    """Write a private key (0600, never over another) and `<file>.pub`; the public line. Raises Failure.

    `passphrase` None: not encrypted.
    """
    if not is_id(id_):
        raise Failure(f"`{id_}` is no id: lower-case letters, digits and `-`, at most 32")
    if passphrase is not None and len(passphrase) < SHORTEST_PASSPHRASE:
        raise Failure(f"the passphrase has {len(passphrase)} bytes; take {SHORTEST_PASSPHRASE} or more")
    key = ed25519.Ed25519PrivateKey.generate() if algorithm == "ed25519" else ec.generate_private_key(ec.SECP384R1())
    how: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        how = serialization.BestAvailableEncryption(passphrase)
    content = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as out:
            out.write(content)
    except FileExistsError as error:
        raise Failure(f"`{file}` is there already; a key is never overwritten") from error
    line = public_line(id_, algorithm, KeySigner(key).spki())
    write_whole(file.with_name(f"{file.name}.pub"), f"{line}\n".encode())
    return line


def public_line(id_: str, algorithm: str, spki: bytes) -> str:
    """`alice ed25519 <base64 of the DER SubjectPublicKeyInfo>`: a line of a trust file without its role."""
    return f"{id_} {algorithm} {base64.b64encode(spki).decode()}"


def read_public(file: Path) -> tuple[str, str, bytes]:
    """(id, algorithm, SubjectPublicKeyInfo) out of a `.pub` file. Raises Failure."""
    words = read_small(file, LARGEST_KEY).decode("ascii", "replace").split()
    try:
        id_, algorithm, encoded = words
        spki = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error) as error:
        raise Failure(
            f"`{file}` does not hold one line `id algorithm key`, as `redoubt bundle keys make` writes it"
        ) from error
    if not is_id(id_) or algorithm not in ALGORITHMS:
        raise Failure(f"`{file}` names `{id_}` with `{algorithm}`; keys are one of {', '.join(ALGORITHMS)}")
    return id_, algorithm, spki


def minisign_public(spki: bytes) -> str:
    """The same Ed25519 key for the minisign program (`-P`)."""
    return base64.b64encode(b"Ed" + minisign_key_id(spki) + spki[-32:]).decode()
