"""Signing a bundle. Whoever signs has every file hashed and held to the rules first, and every signature is verified
right after it was made, by the same code and the same openssl as on the other side.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from offline.failure import Failure
from offline.files import write_whole
from offline.rules import dsse
from offline.rules.moments import write_moment
from offline.rules.names import LONGEST_SIGNATURE, SUMS, Beside, beside, is_id
from offline.rules.openssl import Check, OpenSSL
from offline.rules.release import check_release
from offline.rules.signatures import minisign_key_id, minisign_text, signers
from offline.rules.sums import LARGEST, Header, Sums, read_sums
from offline.rules.tree import check_hashes, check_listing, look, read_small
from offline.rules.trust import Key, Trust
from offline.rules.verify import PROVENANCE
from offline.signer import Signer, as_der
from offline.steps import Step, silent

FORMS = {"ed25519": ("ed25519", "minisig", "dsse"), "p384": ("p384",)}
ENDINGS = {"ed25519": "ed25519.sig", "p384": "p384.sig", "minisig": "minisig", "dsse": "dsse.json"}


@dataclass(frozen=True)
class Ready:
    """A bundle that was looked through and may be signed."""

    folder: Path
    content: bytes  # of SHA256SUMS
    sums: Sums
    trust: Trust
    provenance: bytes  # empty where the channel has none

    def key(self, id_: str, algorithm: str) -> Key:
        """Raises Failure for who may not sign this."""
        for key in self.trust.of(self.sums.header.channel):
            if (key.id, key.algorithm) == (id_, algorithm):
                return key
        raise Failure(
            f"`{id_}` has no {algorithm} key for `{self.sums.header.channel}` in trust file {self.trust.number}; "
            "nobody would believe the signature"
        )


def examine(folder: Path, trust: Trust, step: Step = silent) -> Ready:
    """Hold a bundle to all the rules but the signatures. Raises Refused: what would not verify is not signed."""
    tree = look(folder)
    content = read_small(folder / SUMS, LARGEST)
    sums = read_sums(content)
    trust.threshold(sums.header.channel)
    check_listing(tree, sums.files)
    done = iter(range(1, len(sums.files) + 1))
    check_hashes(tree, sums.files, lambda path, _: step(f"hashing {path}", next(done), len(sums.files)))
    if sums.header.channel == "app":
        check_release(folder, sums, lambda path, _: step(f"reading {path}", 0, 0))
    provenance = read_small(folder / PROVENANCE, LARGEST) if PROVENANCE in sums.files else b""
    return Ready(folder, content, sums, trust, provenance)


def sign(ready: Ready, id_: str, signer: Signer, check: Check | None = None) -> list[Path]:
    """Every form that the signer's algorithm has; the files, each verified. Raises Failure or Refused."""
    key = ready.key(id_, signer.algorithm)
    forms = [one for one in FORMS[signer.algorithm] if one != "dsse" or ready.provenance]
    made = {form: _form(ready, key, signer, form) for form in forms}
    return [_save(ready, key, form, content, check or OpenSSL()) for form, content in made.items()]


def accept(ready: Ready, id_: str, signature: bytes, check: Check | None = None) -> Path:
    """Take a signature that was made elsewhere (see `card`): raw Ed25519, or P-384 as DER or raw. Raises Refused."""
    known = [key for key in ready.trust.of(ready.sums.header.channel) if key.id == id_]
    by = check or OpenSSL()
    for key in known:
        given = as_der(signature) if key.algorithm == "p384" else signature
        if by(key.algorithm, key.spki, ready.content, given):
            return _save(ready, key, key.algorithm, given, by)
    names = ", ".join(key.algorithm for key in known) or "none in the trust file"
    raise Failure(f"this is no signature of `{id_}` over this bundle (keys: {names}); export and sign again")


def card(ready: Ready, id_: str) -> str:
    """What a signer reads before signing, at a machine that holds nothing but the exported file and the key."""
    header = ready.sums.header
    keys = [key for key in ready.trust.of(header.channel) if key.id == id_]
    if not keys:
        raise Failure(f"`{id_}` may not sign for `{header.channel}` in trust file {ready.trust.number}")
    lines = [
        "REDOUBT: TO BE SIGNED",
        "",
        f"  bundle    {header.product} {header.version}, channel {header.channel}, {header.arch}, number {header.seq}",
        f"  created   {write_moment(header.created)}",
        f"  expires   {write_moment(header.expires)}",
        f"  files     {len(ready.sums.files)}",
        f"  signer    {id_} (trust file {ready.trust.number})",
        "",
        f"  sha256    {_groups(hashlib.sha256(ready.content).hexdigest())}",
        f"  sha384    {_groups(hashlib.sha384(ready.content).hexdigest())}",
        *(f"  key       {key.algorithm} sha256 {_groups(hashlib.sha256(key.spki).hexdigest())}" for key in keys),
        "",
        "Compare the sha256 with what the other signers see. Then sign the exported file itself, whole:",
        "  ed25519   openssl pkeyutl -sign -rawin -inkey KEY.pem -in FILE -out SIGNATURE",
        "  p384      openssl dgst -sha384 -sign KEY.pem -out SIGNATURE FILE",
        f"Bring SIGNATURE back:  redoubt bundle sign BUNDLE --import {id_} SIGNATURE",
    ]
    return "".join(f"{line}\n" for line in lines)


def export(ready: Ready, id_: str, file: Path) -> list[Path]:
    """Write the bytes to be signed, and the card beside them. Raises Failure for who may not sign."""
    told = card(ready, id_)
    return [write_whole(file, ready.content), write_whole(file.with_name(f"{file.name}.card.txt"), told.encode())]


def signed_by(folder: Path, trust: Trust, check: Check | None = None) -> tuple[Header, set[str]]:
    """The ids whose signatures lie in the folder, and count. Raises Refused for one that is wrong."""
    content = read_small(folder / SUMS, LARGEST)
    header = read_sums(content).header
    names = {one.name: kind for one in folder.iterdir() if (kind := beside(one.name)) and not kind.approval}
    given = {kind: read_small(folder / name, LONGEST_SIGNATURE) for name, kind in names.items()}
    provenance = read_small(folder / PROVENANCE, LARGEST) if (folder / PROVENANCE).is_file() else b""
    return header, signers(content, given, trust.of(header.channel), check or OpenSSL(), provenance)


def _form(ready: Ready, key: Key, signer: Signer, form: str) -> bytes:
    if form == "minisig":
        signature = signer.sign(hashlib.blake2b(ready.content).digest())
        head = ready.sums.header
        comment = f"{head.product} {head.channel} {head.version} {head.arch} number {head.seq}"
        over_all = signer.sign(signature + comment.encode())
        return minisign_text(key.id, minisign_key_id(key.spki), signature, comment, over_all)
    if form == "dsse":
        payload = dsse.statement(hashlib.sha256(ready.content).hexdigest(), ready.provenance)
        return dsse.envelope(payload, key.id, signer.sign(dsse.pae(payload)))
    return signer.sign(ready.content)


def _save(ready: Ready, key: Key, form: str, content: bytes, check: Check) -> Path:
    """Verify, then write. Raises Refused, and writes nothing, when the key that signed is another."""
    if not is_id(key.id) or len(content) > LONGEST_SIGNATURE:
        raise Failure(f"the {form} signature of `{key.id}` has {len(content)} bytes, more than a bundle may carry")
    signers(ready.content, {Beside(key.id, form, approval=False): content}, [key], check, ready.provenance)
    return write_whole(ready.folder / f"{SUMS}.{key.id}.{ENDINGS[form]}", content)


def _groups(digest: str) -> str:
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))
