"""Laws of span resolution and of cutting, over random span sets and random texts."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.privacy import Analysis, Entity, Finding
from appliance.redaction.pieces import Piece, pieces, together
from appliance.redaction.resolve import JOINED, THRESHOLD, resolve

TYPES = tuple(Entity(name) for name in ("CREDIT_CARD", "DATE_TIME", "PERSON", "PHONE_NUMBER", "SITE_BADGE"))
SIGNS = "ab1 .,-\n"
ALL = Analysis(entities=TYPES)


def covered(findings: tuple[Finding, ...] | list[Finding]) -> set[int]:
    return {at for one in findings for at in range(one.start, one.end)}


def drawn(random: Random) -> tuple[str, list[Finding], Analysis]:
    text = "".join(random.choices(SIGNS, k=random.randint(1, 60)))
    claims: list[Finding] = []
    for _ in range(random.randint(0, 12)):
        start = random.randrange(len(text))
        end = random.randint(start + 1, min(len(text), start + 15))
        score = random.choice((0.1, 0.4, 0.85, 1.0))
        claims.append(Finding(start, end, random.choice(TYPES), score, sure=random.random() < 0.2))
    wanted = tuple(sorted(random.sample(TYPES, random.randint(1, 5))))
    thresholds = ((Entity("PERSON"), 0.9),) if random.random() < 0.3 else ()
    allow = (text[:4],) if random.random() < 0.3 else ()
    return text, claims, Analysis(entities=wanted, thresholds=thresholds, allow=allow)


def hold(text: str, claims: list[Finding], analysis: Analysis) -> None:
    found = resolve(claims, text, analysis)
    thresholds = dict(analysis.thresholds)
    allowed = {one.casefold() for one in analysis.allow}

    def fits(one: Finding) -> bool:
        reaches = one.score >= thresholds.get(one.entity, THRESHOLD)
        return one.entity in analysis.entities and reaches and text[one.start : one.end].casefold() not in allowed

    fit = [one for one in claims if fits(one)]
    assert all(left.end <= right.start for left, right in pairwise(found))
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(one.entity in analysis.entities for one in found)
    assert all(text[one.start : one.end].casefold() not in allowed for one in found)
    # Nothing is masked that nobody claimed but spaces between names; of what was claimed, only punctuation is left.
    assert all(text[at] == " " for at in covered(found) - covered(fit))
    if not allowed:
        assert not any(text[at].isalnum() for at in covered(fit) - covered(found))
    for one in fit:  # a sure claim that no other sure claim touches stands as it is
        rivals = [
            other for other in fit if other.sure and other != one and other.start < one.end > one.start < other.end
        ]
        if one.sure and not rivals and one.entity not in JOINED:
            assert any((at.start, at.end, at.entity) == (one.start, one.end, one.entity) for at in found)
    assert resolve(list(reversed(claims)), text, analysis) == found
    assert resolve(found, text, analysis) == found


def test_findings_keep_the_laws_over_random_span_sets(*, long_run: bool) -> None:
    random = Random(7)
    for _ in range(10_000 if long_run else 1_000):
        hold(*drawn(random))


PERSON, CARD, PHONE = TYPES[2], TYPES[0], TYPES[3]


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ([(0, 4, PERSON, 0.3)], []),
        ([(0, 9, PERSON, 0.9), (0, 4, CARD, 1.0, True)], [(0, 4, CARD), (5, 9, PERSON)]),
        ([(0, 9, PHONE, 0.5), (2, 4, PERSON, 0.9)], [(0, 9, PHONE)]),
        ([(0, 4, PHONE, 0.5), (0, 4, PERSON, 0.9)], [(0, 4, PERSON)]),
        ([(0, 4, PHONE, 0.5), (0, 4, CARD, 0.5)], [(0, 4, CARD)]),
        ([(0, 4, PERSON, 0.9), (5, 9, PERSON, 0.5)], [(0, 9, PERSON)]),
        ([(0, 4, PHONE, 0.9), (5, 9, PHONE, 0.5)], [(0, 4, PHONE), (5, 9, PHONE)]),
    ],
)
def test_the_order_of_the_rules(
    claims: list[tuple[int, int, Entity, float]], expected: list[tuple[int, int, Entity]]
) -> None:
    found = resolve([Finding(*one) for one in claims], "anna lenz", ALL)

    assert [(one.start, one.end, one.entity) for one in found] == expected


def test_a_place_outside_the_text_is_a_fault_of_the_recogniser() -> None:
    with pytest.raises(ValueError, match="outside the text"):
        resolve([Finding(0, 5, PERSON, 0.9)], "anna", ALL)


@given(st.text(alphabet="ab .\n", max_size=400), st.integers(1, 60), st.integers(0, 20))
def test_cores_cover_a_text_once_and_in_order(text: str, core: int, margin: int) -> None:
    cut = list(pieces(text, core, margin))

    assert "".join(text[one.core : one.core_end] for one in cut) == text
    assert all(one.start <= one.core < one.core_end <= one.end for one in cut)
    assert all(one.core_end - one.core <= core + margin for one in cut)


@given(st.text(alphabet="ab .\n", max_size=300), st.integers(10, 60))
def test_what_is_found_in_pieces_is_what_is_found_in_the_whole(text: str, core: int) -> None:
    def found(read: str) -> list[Finding]:
        return [Finding(at, at + 2, PERSON, 0.9) for at in range(len(read) - 1) if read[at : at + 2] == "ab"]

    parts: list[tuple[Piece, list[Finding]]] = [
        (one, found(text[one.start : one.end])) for one in pieces(text, core, 5)
    ]

    assert list(together(parts)) == found(text)
