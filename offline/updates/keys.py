"""Who may sign what on a medium: the holders of the trust file, and one key for the medium itself.

One key for each holder: TUF counts keys, and a holder with an Ed25519 and a P-384 key would count as two.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key, load_pem_public_key
from securesystemslib.signer import CryptoSigner, SSlibKey

from offline.rules.trust import Trust
from offline.updates.fault import Fault, UpdateRefused

CHANNELS = ("app", "advisories", "models", "config")
KINDS = {"ed25519": "ed25519", "ecdsa-sha2-nistp384": "p384"}


class Holders(msgspec.Struct, frozen=True):
    """The keys of a role, and how many of them it takes."""

    keys: tuple[SSlibKey, ...]
    threshold: int


class Roles(msgspec.Struct, frozen=True, kw_only=True):
    """Everyone who signs on a medium."""

    root: Holders  # also of `targets`, which says who signs for each channel
    medium: Holders  # of `snapshot` and `timestamp`: whoever makes media
    channels: Mapping[str, Holders]


def roles_of(trust: Trust, medium: SSlibKey, *, algorithm: str = "ed25519", site: Trust | None = None) -> Roles:
    """The roles a trust file means. `site`: the site's own trust, for its channel `config`. Raises UpdateRefused.

    `algorithm` `p384` is for sites that may use FIPS algorithms only; every holder needs a key of that kind then.
    """
    channels = {
        name: _holders(given, name, algorithm)
        for name in CHANNELS
        for given in (trust, site)
        if given is not None and name in given.thresholds
    }
    return Roles(root=_holders(trust, "root", algorithm), medium=Holders((medium,), 1), channels=channels)


def _holders(trust: Trust, role: str, algorithm: str) -> Holders:
    keys = tuple(public_key(load_der_public_key(one.spki)) for one in trust.of(role) if one.algorithm == algorithm)
    if len(keys) < trust.threshold(role):
        raise UpdateRefused(Fault.KEYS, f"`{role}` takes {trust.threshold(role)} {algorithm} keys and has {len(keys)}")
    return Holders(keys, trust.threshold(role))


def public_key(key: PublicKeyTypes) -> SSlibKey:
    """Raises UpdateRefused for kinds that this product does not use."""
    try:
        found = SSlibKey.from_crypto(key)
    except ValueError as error:
        raise UpdateRefused(Fault.KEYS, f"the key is neither Ed25519 nor P-384: {error}") from error
    if found.scheme not in KINDS:
        raise UpdateRefused(Fault.KEYS, f"the key is of the kind `{found.scheme}`; use Ed25519 or P-384")
    return found


def read_public_key(file: Path) -> SSlibKey:
    """A PEM file. Raises UpdateRefused."""
    try:
        return public_key(load_pem_public_key(file.read_bytes()))
    except (OSError, ValueError) as error:
        raise UpdateRefused(Fault.KEYS, f"`{file}` is no public key in PEM: {error}") from error


def read_signer(file: Path) -> CryptoSigner:
    """A private key in PEM (PKCS #8, without a passphrase: keep it on a machine of its own). Raises UpdateRefused."""
    try:
        return signer_of(load_pem_private_key(file.read_bytes(), password=None))
    except (OSError, ValueError, TypeError) as error:
        raise UpdateRefused(Fault.KEYS, f"`{file}` is no private key in PEM: {error}") from error


def signer_of(key: PrivateKeyTypes) -> CryptoSigner:
    """Raises UpdateRefused for kinds that this product does not use."""
    return CryptoSigner(key, public_key(key.public_key()))
