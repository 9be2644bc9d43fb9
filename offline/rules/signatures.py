"""Who signed a file: distinct ids, counted once whatever number of keys and forms they used."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping

from offline.rules import dsse
from offline.rules.names import Beside, shown
from offline.rules.openssl import Check
from offline.rules.refusal import Fault, Refused
from offline.rules.trust import Key

MINISIGN_COMMENT = "untrusted comment: redoubt signature by "


def signers(
    message: bytes, given: Mapping[Beside, bytes], keys: Iterable[Key], check: Check, provenance: bytes = b""
) -> set[str]:
    """The ids that signed `message`. Raises Refused when any signature that was given is not right.

    `given`: what lay beside the message, by what kind of file it is. `keys`: of one role. Only `ed25519` and `p384`
    signatures count; a minisign or DSSE form must be valid all the same. `provenance` is what a DSSE envelope attests.
    """
    known = {(key.id, key.algorithm): key.spki for key in keys}
    counted: set[str] = set()
    for kind, content in given.items():
        algorithm = kind.form if kind.form == "p384" else "ed25519"
        spki = known.get((kind.id, algorithm))
        if spki is None:
            raise Refused(Fault.SIGNATURE, f"`{shown(kind.id)}` has no {algorithm} key in the trust file, but signed")
        if not _valid(kind, content, message, (spki, check, provenance)):
            raise Refused(
                Fault.SIGNATURE, f"the {kind.form} signature of `{kind.id}` is not right; copy the medium again"
            )
        if kind.form in {"ed25519", "p384"}:
            counted.add(kind.id)
    return counted


def demand(role: str, threshold: int, by: set[str]) -> None:
    """Raises Refused unless enough distinct ids signed."""
    if len(by) < threshold:
        names = ", ".join(sorted(by)) or "nobody"
        raise Refused(Fault.THRESHOLD, f"it takes {threshold} distinct signers for `{role}`; signed: {names}")


def _valid(kind: Beside, content: bytes, message: bytes, by: tuple[bytes, Check, bytes]) -> bool:
    spki, check, provenance = by
    if kind.form == "minisig":
        return _minisign(kind.id, content, message, spki, check)
    if kind.form == "dsse":
        signed = dsse.open_envelope(content, kind.id)
        if signed is None or signed.payload != dsse.statement(hashlib.sha256(message).hexdigest(), provenance):
            return False
        return check("ed25519", spki, dsse.pae(signed.payload), signed.signature)
    return check(kind.form, spki, message, content)


def minisign_key_id(spki: bytes) -> bytes:
    """Eight bytes, as minisign wants them; ours follow from the key."""
    return hashlib.sha256(spki).digest()[:8]


def minisign_text(id_: str, key_id: bytes, signature: bytes, comment: str, over_all: bytes) -> bytes:
    """The four lines of a minisign signature in its prehashed form (algorithm `ED`)."""
    return (
        f"{MINISIGN_COMMENT}{id_}\n{base64.b64encode(b'ED' + key_id + signature).decode()}\n"
        f"trusted comment: {comment}\n{base64.b64encode(over_all).decode()}\n"
    ).encode()


def _minisign(id_: str, content: bytes, message: bytes, spki: bytes, check: Check) -> bool:
    try:
        _, first, comment, last = content.decode("ascii").removesuffix("\n").split("\n")
        blob, over_all = base64.b64decode(first, validate=True), base64.b64decode(last, validate=True)
    except (UnicodeDecodeError, ValueError, binascii.Error):
        return False
    key_id, signature, said = blob[2:10], blob[10:], comment.removeprefix("trusted comment: ")
    if content != minisign_text(id_, key_id, signature, said, over_all) or key_id != minisign_key_id(spki):
        return False
    hashed = hashlib.blake2b(message).digest()
    return check("ed25519", spki, hashed, signature) and check("ed25519", spki, signature + said.encode(), over_all)
