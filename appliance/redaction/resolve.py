"""From all that recognisers claim in one text to findings that do not overlap. Pure.

Order: what is below its threshold or on the allow-list goes; a sure claim (check digit, deny-list) wins over any other,
then the longer, then the higher score, then the type that stands first in ORDER. What a loser covers beyond the winner
stays a finding when a letter or digit is in it: no half of a name is left in clear because its other half was a number.
Names that only spaces part are joined.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from appliance.domain.privacy import Analysis, Entity, Finding

THRESHOLD: Final = 0.4
ORDER: Final = (
    "SECRET", "CREDIT_CARD", "IBAN_CODE", "EMAIL_ADDRESS", "PHONE_NUMBER", "IP_ADDRESS", "MAC_ADDRESS", "URL", "CRYPTO",
    "UUID", "PERSON", "STREET_ADDRESS", "LOCATION", "ORGANIZATION", "NRP", "TITLE", "AGE", "ZIP_CODE", "DATE_TIME",
)  # fmt: skip
"""Ties; types that are not here (national identifiers, the site's own) come before all of these."""
JOINED: Final = frozenset({"PERSON", "STREET_ADDRESS", "LOCATION", "ORGANIZATION", "NRP", "DATE_TIME"})
"""Types whose neighbours are one value. Two e-mails with a space between stay two."""
_RANK: Final = {name: rank for rank, name in enumerate(ORDER, 1)}


def resolve(claims: Iterable[Finding], text: str, analysis: Analysis) -> tuple[Finding, ...]:
    """Sorted by place, none overlapping another. Raises ValueError for a place outside the text."""
    kept = _chosen(_fit(claims, text, analysis), text)
    joined = _joined(kept, text)
    allowed = _folded(analysis)
    if not allowed:
        return tuple(joined)
    return tuple(one for one in joined if text[one.start : one.end].casefold() not in allowed)


def _folded(analysis: Analysis) -> frozenset[str]:
    return frozenset(one.casefold() for one in analysis.allow)


def _fit(claims: Iterable[Finding], text: str, analysis: Analysis) -> list[Finding]:
    """Claims that are looked for, reach their threshold, and are not allowed."""
    wanted, thresholds, allowed = frozenset(analysis.entities), dict(analysis.thresholds), _folded(analysis)
    fit: list[Finding] = []
    for one in claims:
        if not 0 <= one.start < one.end <= len(text):
            raise ValueError(f"a recogniser of `{one.entity}` found a place outside the text")
        if one.entity not in wanted or one.score < thresholds.get(one.entity, THRESHOLD):
            continue
        if allowed and text[one.start : one.end].casefold() in allowed:
            continue
        fit.append(one)
    return fit


def _weight(one: Finding) -> tuple[bool, int, float, int, str, int]:
    return (not one.sure, one.start - one.end, -one.score, _RANK.get(one.entity, 0), one.entity, one.start)


def _chosen(fit: list[Finding], text: str) -> list[Finding]:
    """The best first; what overlaps it is cut down to what it covers alone."""
    starts: list[int] = []
    chosen: list[Finding] = []
    for one in sorted(fit, key=_weight):
        for start, end in _free(one, starts, chosen):
            part = _trimmed(start, end, text) if (start, end) != (one.start, one.end) else (start, end)
            if part is None:
                continue
            at = bisect_left(starts, part[0])
            starts.insert(at, part[0])
            whole = part == (one.start, one.end)
            chosen.insert(at, one if whole else Finding(*part, one.entity, one.score, sure=False))
    return chosen


def _free(one: Finding, starts: list[int], chosen: list[Finding]) -> list[tuple[int, int]]:
    """The parts of a place that nothing chosen so far covers."""
    at = bisect_left(starts, one.start)
    if at and chosen[at - 1].end > one.start:
        at -= 1
    free: list[tuple[int, int]] = []
    reached = one.start
    while at < len(chosen) and chosen[at].start < one.end:
        if chosen[at].start > reached:
            free.append((reached, chosen[at].start))
        reached = max(reached, chosen[at].end)
        at += 1
    if reached < one.end:
        free.append((reached, one.end))
    return free


def _trimmed(start: int, end: int, text: str) -> tuple[int, int] | None:
    """A remainder without the punctuation at its ends; None when nothing else is in it."""
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return (start, end) if start < end else None


def _joined(chosen: list[Finding], text: str) -> list[Finding]:
    joined: list[Finding] = []
    for one in chosen:
        last = joined[-1] if joined else None
        if last is not None and _neighbours(last, one, text):
            joined[-1] = Finding(
                last.start, one.end, Entity(one.entity), max(last.score, one.score), sure=last.sure and one.sure
            )
        else:
            joined.append(one)
    return joined


def _neighbours(left: Finding, right: Finding, text: str) -> bool:
    if left.entity != right.entity or left.entity not in JOINED:
        return False
    return not text[left.end : right.start].strip(" ")
