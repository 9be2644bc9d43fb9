"""What the recognisers say about one text, above the default threshold."""

from collections.abc import Iterable

from appliance.domain.privacy import Analysis, Entity, Finding
from appliance.domain.privacy_entities import PATTERNED
from appliance.redaction.recognisers.gate import Gated
from appliance.redaction.recognisers.ours import ours
from appliance.redaction.recognisers.recogniser import Recogniser

THRESHOLD = 0.4
EVERYTHING = Analysis(entities=tuple(sorted(map(Entity, PATTERNED))), languages=("en", "de", "fr", "nl"))


def all_of_ours(analysis: Analysis = EVERYTHING) -> Gated:
    (only,) = ours(analysis)
    assert isinstance(only, Gated)
    return only


def above(recogniser: Recogniser, text: str) -> list[Finding]:
    return [one for one in recogniser.find(text) if one.score >= THRESHOLD]


def found(recogniser: Recogniser, text: str, entity: str | None = None) -> set[str]:
    return {text[one.start : one.end] for one in above(recogniser, text) if entity in {None, one.entity}}


def covered(findings: Iterable[Finding], start: int, end: int, entities: set[str]) -> bool:
    """Whether one finding of these entities is exactly that place."""
    return any((one.start, one.end) == (start, end) and one.entity in entities for one in findings)


def analysis_of(*entities: str, **rest: object) -> Analysis:
    return Analysis(entities=tuple(sorted(map(Entity, entities))), **rest)  # type: ignore[arg-type]  # the test names fields it knows
