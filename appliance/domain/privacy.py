"""What a privacy policy says, and what an analysis finds. Values only: a finding holds a place, never a text."""

from enum import StrEnum
from typing import Annotated, Final, NewType

import msgspec

Entity = NewType("Entity", str)
"""A kind of personal data or secret, in Presidio's words where it has one: `PERSON`, `IBAN_CODE`, `SECRET`."""

Score = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Action(StrEnum):
    """What becomes of a finding. Later ones are stricter: a merge of policies takes the strictest."""

    ALLOW = "allow"  # stays; is counted
    PSEUDONYM = "pseudonym"  # a keyed name, `[PERSON_k7qf2a…]`, the same in every request of the site; put back
    MASK = "mask"  # a numbered placeholder, the same within one request: `[PERSON_1]`; put back in answers
    ENCRYPT = "encrypt"  # AES-GCM-SIV under the site's key; never put back by the gateway
    HASH = "hash"  # HMAC under the site's key; one way
    REPLACE = "replace"  # `[PERSON]`; one way
    REDACT = "redact"  # nothing is left
    BLOCK = "block"  # the request, or the answer, is refused


STRICTNESS: Final = {action: rank for rank, action in enumerate(Action)}


class Direction(StrEnum):
    """Where a rule holds: what clients send, what models answer, or both."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


class Fail(StrEnum):
    """What happens when a text could not be analysed."""

    CLOSED = "closed"  # refused with 503
    OPEN = "open"  # passed as it is; an event row every time


class Code(StrEnum):
    """How fenced code blocks are looked at."""

    SCAN = "scan"  # like any text
    PATTERNS = "patterns"  # by patterns, not by the model
    SKIP = "skip"


class Media(StrEnum):
    """What becomes of images, audio and files, which are not analysed."""

    ALLOW = "allow"
    STRIP = "strip"
    BLOCK = "block"


class SitePattern(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern of the site's own. Compiled by RE2 only, so that it takes linear time."""

    entity: Entity
    pattern: str
    score: Score = 0.85
    context: tuple[str, ...] = ()  # words that raise the score when one stands near


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """What an analysis depends on. Two requests with equal analyses may share cached findings.

    What is not among `entities` is not looked for.
    """

    entities: tuple[Entity, ...]  # sorted
    counted: tuple[Entity, ...] = ()  # those of them that a language model may lack: they are passed, found or not
    thresholds: tuple[tuple[Entity, float], ...] = ()  # sorted; others: the default of the recogniser's kind, 0.4
    languages: tuple[str, ...] = ("en",)
    model: bool = True  # whether the NER model is asked at all
    code: Code = Code.SCAN
    phone_regions: tuple[str, ...] = ("US", "GB", "DE", "FR")
    internal_suffixes: tuple[str, ...] = ("corp", "internal", "intern", "lan", "local", "home", "localdomain")
    patterns: tuple[SitePattern, ...] = ()
    allow: tuple[str, ...] = ()  # texts that are never a finding, compared without case
    deny: tuple[tuple[Entity, str], ...] = ()  # texts that always are one


class Finding(msgspec.Struct, frozen=True, gc=False):
    """A place in one text. Places count characters (code points); `end` is exclusive."""

    start: int
    end: int
    entity: Entity
    score: float
    sure: bool = False  # proved by a check digit, or named by the site's own list
