"""Whether somebody we trust signed an SBOM, and the signature of somebody who reviewed it."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.domain.errors import BadRequest

if TYPE_CHECKING:
    from offline.rules.sums import Sums

SBOM = Path("sbom/redoubt.cdx.json")


def signed_by_makers(bundle: Path, trust: Path) -> set[str]:
    """The ids that signed SHA256SUMS of a release, as many as the trust file asks for, when it lists this very SBOM.

    Raises BadRequest, or offline.rules' Refused. Says nothing of the bundle's other files, nor of its time.
    """
    from offline.rules.names import LONGEST_SIGNATURE
    from offline.rules.openssl import OpenSSL
    from offline.rules.signatures import demand, signers
    from offline.rules.tree import look, read_small
    from offline.rules.trust import LARGEST, read_trust
    from offline.rules.verify import PROVENANCE

    told = read_trust(read_small(trust, LARGEST))
    sums = listed(bundle)
    beside = look(bundle).beside
    given = {kind: read_small(bundle / name, LONGEST_SIGNATURE) for name, kind in beside.items() if not kind.approval}
    provenance = (bundle / PROVENANCE).read_bytes() if (bundle / PROVENANCE).is_file() else b""
    if sums.header.channel != "app":
        raise BadRequest(f"`{bundle}` is of the channel `{sums.header.channel}`; an SBOM belongs to a release (`app`)")
    by = signers((bundle / "SHA256SUMS").read_bytes(), given, told.of("app"), OpenSSL(), provenance)
    demand("app", told.threshold("app"), by)
    return by


def signed_by_reviewer(bundle: Path, id_: str, public: Path) -> None:
    """Raises offline.rules' Refused unless this reviewer's approval of this very SBOM lies there and is right."""
    from offline.rules.openssl import OpenSSL
    from offline.rules.release import check_approval
    from offline.rules.trust import Key

    algorithm, spki = _public(public)
    check_approval(bundle, listed(bundle), Key("app", id_, algorithm, spki), OpenSSL())


def listed(bundle: Path) -> "Sums":
    """SHA256SUMS, once the SBOM that lies there is the one it lists. Raises BadRequest, or offline.rules' Refused."""
    from offline.rules.sums import LARGEST, read_sums
    from offline.rules.tree import read_small

    sums = read_sums(read_small(bundle / "SHA256SUMS", LARGEST))
    digest = hashlib.sha256((bundle / SBOM).read_bytes()).hexdigest() if (bundle / SBOM).is_file() else ""
    if sums.files.get(str(SBOM)) != digest:
        raise BadRequest(f"`{bundle / SBOM}` is not the one that SHA256SUMS lists; copy the medium again")
    return sums


def approve(bundle: Path, id_: str, private: Path, passphrase: bytes | None) -> Path:
    """Sign the approval line of decision 0009 and lay it beside SHA256SUMS; gives the file. Raises BadRequest."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from offline.rules.names import is_id
    from offline.rules.release import approval_line

    if not is_id(id_):
        raise BadRequest(f"`{id_}` is no id; use small letters, digits and `-`, at most 32")
    line = approval_line(listed(bundle).files[str(SBOM)])
    try:
        key = load_pem_private_key(private.read_bytes(), passphrase)
    except (ValueError, TypeError, OSError) as error:
        raise BadRequest(
            f"`{private}` is no private key that can be read; give a PEM file and its passphrase"
        ) from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        algorithm, signature = "ed25519", key.sign(line)
    elif isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1):
        algorithm, signature = "p384", key.sign(line, ec.ECDSA(hashes.SHA384()))
    else:
        raise BadRequest(f"`{private}` is neither an Ed25519 nor a P-384 key; make one of those for approvals")
    file = bundle / f"APPROVAL.{id_}.{algorithm}.sig"
    file.write_bytes(signature)
    return file


def _public(file: Path) -> tuple[str, bytes]:
    """The algorithm and DER form of a public key in PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    from offline.rules.trust import LENGTHS, PREFIXES

    try:
        key = load_pem_public_key(file.read_bytes())
    except (ValueError, OSError) as error:
        raise BadRequest(f"`{file}` is no public key in PEM") from error
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for algorithm, prefix in PREFIXES.items():
        if len(spki) == LENGTHS[algorithm] and spki.startswith(prefix):
            return algorithm, spki
    raise BadRequest(f"`{file}` is neither an Ed25519 nor a P-384 key")
