"""Provenance, signed: a DSSE envelope around an in-toto Statement about SHA256SUMS.

Sources: DSSE v1.0 protocol (pre-authentication encoding), in-toto Attestation Framework Statement v1, SLSA
provenance v1.
"""

import base64
import binascii
import json
from typing import NamedTuple

from offline.rules.refusal import Fault, Refused

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"


class Envelope(NamedTuple):
    payload: bytes
    signature: bytes


def canonical(value: object) -> bytes:
    """The one JSON form of a value here: sorted keys, two spaces, ASCII, a newline at the end."""
    return (json.dumps(value, sort_keys=True, indent=2, ensure_ascii=True) + "\n").encode()


def statement(sums_sha256: str, provenance: bytes) -> bytes:
    """The statement that `provenance` (canonical JSON of a SLSA predicate) is about SHA256SUMS. Raises Refused."""
    try:
        predicate = json.loads(provenance)
    except ValueError:
        predicate = None
    if not isinstance(predicate, dict) or canonical(predicate) != provenance:
        raise Refused(Fault.FORMAT, "`provenance.json` is not JSON in its one form")
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "predicate": predicate,
            "predicateType": PREDICATE_TYPE,
            "subject": [{"digest": {"sha256": sums_sha256}, "name": "SHA256SUMS"}],
        }
    )


def pae(payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def envelope(payload: bytes, id_: str, signature: bytes) -> bytes:
    """One signature a file: each signer adds a file of their own."""
    return canonical(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": id_, "sig": base64.b64encode(signature).decode()}],
        }
    )


def open_envelope(content: bytes, id_: str) -> Envelope | None:
    """None for anything that `envelope` would not have written for this id."""
    try:
        told = json.loads(content)
        payload = base64.b64decode(told["payload"], validate=True)
        signature = base64.b64decode(told["signatures"][0]["sig"], validate=True)
    except (ValueError, KeyError, IndexError, TypeError, binascii.Error):
        return None
    return Envelope(payload, signature) if content == envelope(payload, id_, signature) else None
