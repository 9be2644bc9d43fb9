"""Signatures, checked by the host's own openssl: the one program that a bare host has and that the site already trusts.

Ed25519 wants OpenSSL 3 (`pkeyutl -rawin`); P-384 works with 1.1.1 too, and where only FIPS algorithms are allowed.
"""

import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

from offline.rules.refusal import Fault, Refused

OPENSSL = "/usr/bin/openssl"
# Nothing of the caller's environment: OPENSSL_CONF or LD_PRELOAD could answer `valid` to everything.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
DEADLINE = 60.0  # seconds


class Check(Protocol):
    """Whether one signature is by one key over one message."""

    def __call__(self, algorithm: str, spki: bytes, message: bytes, signature: bytes) -> bool:
        """`algorithm` is `ed25519` or `p384` (over SHA-384, signature in DER). False for anything malformed."""


class OpenSSL:
    """`Check` through the openssl program."""

    def __init__(self, program: str = OPENSSL) -> None:
        self._program = program

    def __call__(self, algorithm: str, spki: bytes, message: bytes, signature: bytes) -> bool:
        """Raises Refused when openssl itself cannot be run."""
        # `dgst` reads no more than the longest signature there can be, and so passes over what stands behind it.
        if len(signature) > {"ed25519": 64, "p384": 104}[algorithm]:
            return False
        with tempfile.TemporaryDirectory(prefix="redoubt-check-") as folder:
            files = {name: Path(folder) / name for name in ("key.der", "key.pem", "message", "signature")}
            files["key.der"].write_bytes(spki)
            files["message"].write_bytes(message)
            files["signature"].write_bytes(signature)
            key, said = str(files["key.pem"]), str(files["signature"])
            if self._run("pkey", "-pubin", "-inform", "DER", "-in", str(files["key.der"]), "-out", key):
                return False
            if algorithm == "ed25519":
                return not self._run(
                    *("pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin"),
                    *("-in", str(files["message"]), "-sigfile", said),
                )
            return not self._run("dgst", "-sha384", "-verify", key, "-signature", said, str(files["message"]))

    def _run(self, *words: str) -> int:
        try:
            ran = subprocess.run(  # noqa: S603 -- a fixed program, our own words
                [self._program, *words], env=ENVIRONMENT, capture_output=True, check=False, timeout=DEADLINE
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Refused(Fault.TOOL, f"`{self._program}` cannot be run: {error}") from error
        return ran.returncode
