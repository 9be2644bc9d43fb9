"""What gateway and worker say to each other: length-prefixed msgpack over pipes. Texts go in; places come out.

    frame = length (4 bytes, big-endian) + one message

A worker keeps at most MOST_ANALYSES definitions; one more and both sides forget all of them.
"""

from typing import Annotated, Final

import msgspec

from appliance.domain.privacy import Analysis, Entity, Finding

MOST_BYTES: Final = 8 * 1024 * 1024  # of one message
MOST_ANALYSES: Final = 64
PREFIX: Final = 4

Place = tuple[int, int, str, float, bool]
"""start, end, entity, score, sure"""


class Define(msgspec.Struct, frozen=True, tag="define"):
    """From now on `digest` names this analysis. Not answered."""

    digest: str
    analysis: Analysis


class Task(msgspec.Struct, frozen=True, tag="task"):
    """Answered by Found or Failed of the same number. A worker still at it after twice `within` seconds ends itself."""

    number: int
    digest: str
    texts: list[str]
    within: float


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Sent once, when tasks are welcome. `model` names the NER models; empty: patterns only."""

    model: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Sent instead of Ready: the worker will not run. The reason is fit for a log."""

    reason: Annotated[str, msgspec.Meta(max_length=500)]


class Found(msgspec.Struct, frozen=True, tag="found"):
    """One list of places for each text; `resident` is the worker's memory in bytes."""

    number: int
    places: list[list[Place]]
    resident: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A recogniser failed, or the analysis is one that cannot be done. Holds nothing of a text."""

    number: int
    reason: Annotated[str, msgspec.Meta(max_length=500)]


class Nonsense(Exception):
    """The other side does not keep to the protocol."""


Said = Ready | Refused | Found | Failed
Asked = Define | Task
_SAID: Final[msgspec.msgpack.Decoder[Said]] = msgspec.msgpack.Decoder(Said)
_ASKED: Final[msgspec.msgpack.Decoder[Asked]] = msgspec.msgpack.Decoder(Asked)


def framed(message: Said | Asked) -> bytes:
    """Raises ValueError for a message over MOST_BYTES, UnicodeEncodeError for a text with half a surrogate pair."""
    body = msgspec.msgpack.encode(message)
    if len(body) > MOST_BYTES:
        raise ValueError(f"a message of {len(body)} bytes; at most {MOST_BYTES}")
    return len(body).to_bytes(PREFIX, "big") + body


def length(prefix: bytes | bytearray) -> int:
    """Raises Nonsense for a message that is empty or too long."""
    size = int.from_bytes(prefix, "big")
    if not 0 < size <= MOST_BYTES:
        raise Nonsense(f"a frame of {size} bytes")
    return size


def said(body: bytes) -> Said:
    """What a worker says. Raises Nonsense."""
    try:
        return _SAID.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # Its message may quote what was read.
        raise Nonsense("not a message of the protocol") from None


def asked(body: bytes) -> Asked:
    """What a gateway asks. Raises Nonsense."""
    try:
        return _ASKED.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Nonsense("not a message of the protocol") from None


def places(findings: tuple[Finding, ...]) -> list[Place]:
    return [(one.start, one.end, one.entity, one.score, one.sure) for one in findings]


def findings(told: list[Place], analysis: Analysis, size: int) -> tuple[Finding, ...]:
    """`told` as findings in a text of `size` characters. Raises Nonsense unless they keep what the port promises."""
    known = {str(entity): entity for entity in analysis.entities}
    kept: list[Finding] = []
    after = 0
    for start, end, name, score, sure in told:
        entity: Entity | None = known.get(name)
        if entity is None or not after <= start < end <= size or not 0 <= score <= 1:
            raise Nonsense("a place that cannot be")
        kept.append(Finding(start=start, end=end, entity=entity, score=score, sure=sure))
        after = end
    return tuple(kept)
