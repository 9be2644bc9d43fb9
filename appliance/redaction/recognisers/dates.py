"""Dates in figures and in words, and times of day.

A stamp to the second is what machines write into logs; it says when a line was written, not when somebody was born,
and stays below the default threshold.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers.checksums import day_and_month
from appliance.redaction.recognisers.recogniser import WEAK, Rule, apart

DATE_TIME: Final = Entity("DATE_TIME")
MONTHS: Final = (
    r"(?:jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|f[\xe9\xc9]v(?:rier)?|mar(?:ch|s)?|m[\xe4\xc4]rz|maart|"
    r"apr(?:il)?|avr(?:il)?|may|mai|mei|june?|juni|juin|july?|juli|juillet|"
    r"aug(?:ust|ustus)?|ao[\xfb\xdb]t|sept?(?:ember|embre)?|o[ck]t(?:ober|obre)?|nov(?:ember|embre)?|"
    r"de[cz](?:ember|embre)?|d[\xe9\xc9]c(?:embre)?|"
    r"enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|gennaio|febbraio|"
    r"aprile|maggio|giugno|luglio|settembre|ottobre|dicembre)"
)
DAY: Final = r"(?:0?[1-9]|[12][0-9]|3[01])"
YEAR: Final = r"(?:1[89][0-9]{2}|20[0-9]{2})"
CLOCK: Final = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]"
GATE_WORDS: Final = rf"(?i)\b{MONTHS}\b"
GATE_FIGURES: Final = r"[0-9][./\-][0-9]{1,2}[./\-][0-9]"


def figures(plain: bytes, start: int, end: int) -> bool:
    """Day and month in either order, or the year first; one separator; no part of a number, a path or a version."""
    found = plain[start:end].decode()
    separator = next(one for one in found if not one.isdigit())
    parts = found.split(separator)
    if len(parts) != 3 or not all(one.isdigit() for one in parts):
        return False
    if not apart(plain, start, end) or _longer(plain, start, end):
        return False
    if len(parts[0]) == 4:
        return day_and_month(int(parts[2]), int(parts[1]))
    first, second = int(parts[0]), int(parts[1])
    return day_and_month(first, second) or day_and_month(second, first)


def _longer(plain: bytes, start: int, end: int) -> bool:
    before = start > 0 and plain[start - 1] in b"./-+"
    if clock_behind(plain[end : end + 9]):
        return True
    after = plain[end : end + 1] in {b".", b"/", b"-"} and plain[end + 1 : end + 2].isalnum()
    return before or after


def clock_behind(after: bytes) -> bool:
    """Whether a time to the second follows: `T14:52:35`."""
    figures_only = after[1:3] + after[4:6] + after[7:9]
    return (
        after[:1] in {b"T", b" "}
        and after[3:4] == after[6:7] == b":"
        and len(figures_only) == 6
        and figures_only.isdigit()
    )


RULES: Final = (
    Rule(
        entity=DATE_TIME,
        pattern=(
            r"\b(?:1[89]|20)[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|"
            r"[+\-][0-9]{2}:?[0-9]{2})?"
        ),
        gate=GATE_FIGURES,
        edges=apart,
        score=0.3,
    ),
    Rule(
        entity=DATE_TIME,
        pattern=r"(?:1[89]|20)[0-9]{2}([\-/.])[0-9]{1,2}[\-/.][0-9]{1,2}",
        gate=GATE_FIGURES,
        edges=figures,
        score=0.6,
    ),
    Rule(
        entity=DATE_TIME,
        pattern=r"\b[0-9]{1,2}[/\-][0-9]{1,2}[/\-](?:(?:1[89]|20)[0-9]{2}|[0-9]{2})\b",
        gate=GATE_FIGURES,
        edges=figures,
        score=0.6,
    ),
    Rule(
        entity=DATE_TIME,
        pattern=r"\b[0-9]{1,2}\.[0-9]{1,2}\.(?:1[89]|20)[0-9]{2}\b",
        gate=GATE_FIGURES,
        edges=figures,
        score=0.6,
    ),
    Rule(
        entity=DATE_TIME,
        pattern=r"\b[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2}\b",
        gate=GATE_FIGURES,
        edges=figures,
        score=WEAK,
        context=(
            r"born|birthday|birth|dob|geboren|geb\.?|geburtsdatum|geburtstag|n\xe9|n\xe9e|naissance|datum|date|am|"
            r"vom|seit"
        ),
        lifted=0.6,
    ),
    Rule(
        entity=DATE_TIME,
        pattern=rf"(?i)\b{DAY}(?:st|nd|rd|th|er|\.)?(?: of| de)? {MONTHS}\b\.?(?:,? (?:de )?{YEAR}\b)?",
        gate=GATE_WORDS,
        edges=apart,
        score=0.6,
    ),
    Rule(
        entity=DATE_TIME,
        pattern=rf"(?i)\b{DAY}-{MONTHS}-(?:{YEAR}|[0-9]{{2}})\b",
        gate=GATE_WORDS,
        edges=apart,
        score=0.6,
    ),
    Rule(
        entity=DATE_TIME,
        pattern=rf"(?i)\b{MONTHS}\b\.? {DAY}(?:st|nd|rd|th)?(?:,? {YEAR})?\b",
        gate=GATE_WORDS,
        edges=apart,
        score=0.6,
    ),
    Rule(
        entity=DATE_TIME,
        pattern=rf"(?i)\b{MONTHS}\b\.?,? {YEAR}\b",
        gate=GATE_WORDS,
        edges=apart,
        score=0.6,
    ),
    Rule(
        entity=DATE_TIME,
        pattern=rf"(?i)\b(?:{CLOCK}|1[0-2]|0?[1-9]) ?[ap]\.?m\b\.?",
        gate=r"(?i)[0-9] ?[ap]\.?m",
        edges=apart,
        score=0.5,
    ),
)
