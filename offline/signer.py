"""Who can sign: a key in a file, a command that asks a token for it, or a signature that was made elsewhere."""

import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha384
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from offline.failure import Failure
from offline.rules.tree import read_small

LARGEST_KEY = 64 * 1024  # bytes
DEADLINE = 300.0  # seconds: a token may wait for a finger
RAW_P384 = 96  # bytes: r and s, as PKCS#11 gives them

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


class Signer(Protocol):
    """Somebody's key, wherever it is."""

    @property
    def algorithm(self) -> str:
        """`ed25519` or `p384`."""

    def sign(self, message: bytes) -> bytes:
        """64 raw bytes, or DER over SHA-384. Raises Failure."""


@dataclass(frozen=True)
class KeySigner:
    """A private key in this process."""

    key: PrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        return "ed25519" if isinstance(self.key, ed25519.Ed25519PrivateKey) else "p384"

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(message)
        return self.key.sign(message, ec.ECDSA(hashes.SHA384()))

    def spki(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )


def read_key(file: Path, passphrase: bytes | None) -> KeySigner:
    """An Ed25519 or P-384 key, PKCS#8 in PEM. Raises Failure; no message holds any of it."""
    content = read_small(file, LARGEST_KEY)
    try:
        key = serialization.load_pem_private_key(content, passphrase)
    except TypeError as error:
        why = "is encrypted: give `--passphrase-file`" if passphrase is None else "is not encrypted: give no passphrase"
        raise Failure(f"the key `{file}` {why}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Failure(f"`{file}` is no private key in PEM, or the passphrase is another") from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return KeySigner(key)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1):
        return KeySigner(key)
    raise Failure(f"`{file}` is neither an Ed25519 nor a P-384 key; signatures here are one of these")


@dataclass(frozen=True)
class CommandSigner:
    """A command that asks a token (PKCS#11, an HSM, a card) for a signature.

    The words may hold `{file}` (a file with the bytes to be signed), `{digest}` (a file with their 48 bytes of SHA-384)
    and `{out}` (where the signature is to be left). Without the first two the bytes come on standard input; without the
    last the signature is read from standard output. P-384 may come as DER or as 96 raw bytes.
    """

    algorithm: str
    words: tuple[str, ...]

    @classmethod
    def parse(cls, algorithm: str, command: str) -> "CommandSigner":
        """Words are split as a shell does; no shell runs them. Raises Failure."""
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise Failure(f"the signing command cannot be read: {error}") from error
        if not words:
            raise Failure("the signing command is empty")
        return cls(algorithm, tuple(words))

    def sign(self, message: bytes) -> bytes:
        with tempfile.TemporaryDirectory(prefix="redoubt-sign-") as folder:
            places = {name: str(Path(folder) / name) for name in ("file", "digest", "out")}
            Path(places["file"]).write_bytes(message)
            Path(places["digest"]).write_bytes(sha384(message).digest())
            words = [_filled(word, places) for word in self.words]
            takes = any("{file}" in word or "{digest}" in word for word in self.words)
            said = self._run(words, b"" if takes else message)
            out = Path(places["out"])
            if any("{out}" in word for word in self.words):
                if not out.is_file():
                    raise Failure(f"`{words[0]}` left no signature where `{{out}}` said")
                said = read_small(out, LARGEST_KEY)
        return as_der(said) if self.algorithm == "p384" else said

    def _run(self, words: Sequence[str], given: bytes) -> bytes:
        try:
            # its environment is the caller's: a token's library is found, and its PIN given, by way of it
            ran = subprocess.run(words, input=given, capture_output=True, check=False, timeout=DEADLINE)  # noqa: S603 -- the operator's own command
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(f"the signing command `{words[0]}` cannot be run: {error}") from error
        if ran.returncode:
            told = ran.stderr.decode(errors="replace").strip()[-300:]
            raise Failure(f"the signing command `{words[0]}` ended with {ran.returncode}: {told}")
        return ran.stdout


def as_der(signature: bytes) -> bytes:
    """An ECDSA signature as RFC 3279 §2.2.3 writes it; raw r and s, as PKCS#11 gives them, are turned into that."""
    if len(signature) != RAW_P384:
        return signature
    half = RAW_P384 // 2
    return encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))


def _filled(word: str, places: dict[str, str]) -> str:
    for name, place in places.items():
        word = word.replace(f"{{{name}}}", place)
    return word
