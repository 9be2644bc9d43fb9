"""National identifiers: every valid one is found, no invalid one is."""

import random

import pytest

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers.gate import Gated
from tests.appliance.redaction.recognisers.found import above, covered, found
from tests.appliance.redaction.recognisers.identifiers import ALL, CHECKED, Identifier, Issued

SHORT, LONG = 40, 2000
SEED = 20261129
PRINTED = (  # numbers their issuers or the law's commentaries print as examples
    ("DE_TAX_ID", "86095742719"),
    ("DE_TAX_ID", "47036892816"),
    ("DE_SOCIAL_SECURITY", "15070649C103"),
    ("DE_HEALTH_INSURANCE", "kvnr A123456780"),
    ("DE_ID_CARD", "personalausweis T220001293"),
    ("DE_PASSPORT", "passport C01X00T478"),
    ("DE_ID_CARD", "personalausweis T22000129"),  # as printed on the front, without the check digit
    ("DE_PASSPORT", "reisepass C01X00T47"),
    ("FR_NIR", "2 69 05 49 588 157 80"),
    ("NL_BSN", "bsn 111222333"),
    ("BE_RRN", "85.07.30-033.28"),
    ("AT_SVNR", "1237 010180"),
    ("CH_AHV", "756.9217.0769.85"),
    ("PT_NIF", "nif 123456789"),
    ("ES_NIF", "12345678Z"),
    ("ES_NIE", "X1234567L"),
    ("IT_FISCAL_CODE", "RSSMRA85T10A562S"),
    ("IT_VAT_CODE", "partita iva 00743110157"),
    ("PL_PESEL", "pesel 44051401359"),
    ("PL_NIP", "nip 123-456-32-18"),
    ("PL_ID_CARD", "dowód osobisty ABA300000"),
    ("UK_NHS", "nhs 943 476 5919"),
)


def count(*, long_run: bool) -> int:
    return LONG if long_run else SHORT


def by_name(one: Identifier | Issued) -> str:
    return one.entity


@pytest.mark.parametrize("identifier", ALL, ids=by_name)
def test_every_valid_identifier_is_found_in_its_place(
    everything: Gated, identifier: Identifier | Issued, *, long_run: bool
) -> None:
    start = identifier.sentence.index("{}")

    missed = [
        number
        for number in identifier.good(random.Random(SEED), count(long_run=long_run))
        if not covered(
            above(everything, identifier.sentence.format(number)), start, start + len(number), {identifier.entity}
        )
    ]

    assert missed == []


@pytest.mark.parametrize("identifier", ALL, ids=by_name)
def test_no_invalid_identifier_is_found(everything: Gated, identifier: Identifier | Issued, *, long_run: bool) -> None:
    taken = [
        number
        for number in identifier.bad(random.Random(SEED), count(long_run=long_run))
        if found(everything, identifier.sentence.format(number), identifier.entity)
    ]

    assert taken == []


@pytest.mark.parametrize("identifier", [one for one in ALL if one.alone], ids=by_name)
def test_what_is_strong_enough_is_found_without_a_word_nearby(
    everything: Gated, identifier: Identifier | Issued, *, long_run: bool
) -> None:
    missed = [
        number
        for number in identifier.good(random.Random(SEED), count(long_run=long_run))
        if number not in found(everything, f"it says {number}, as before", identifier.entity)
    ]

    assert missed == []


@pytest.mark.parametrize("identifier", [one for one in ALL if not one.alone], ids=by_name)
def test_a_word_nearby_counts_in_capitals_too(everything: Gated, identifier: Identifier | Issued) -> None:
    text = identifier.sentence.upper().format(next(iter(identifier.good(random.Random(SEED), 1))))

    assert found(everything, text, identifier.entity)


@pytest.mark.parametrize("identifier", CHECKED, ids=by_name)
def test_a_check_digit_that_holds_makes_a_finding_sure(everything: Gated, identifier: Identifier) -> None:
    text = identifier.sentence.format(next(iter(identifier.good(random.Random(SEED), 1))))

    assert any(one.sure for one in above(everything, text) if one.entity == identifier.entity)


@pytest.mark.parametrize(("entity", "text"), PRINTED)
def test_the_examples_that_issuers_print_are_found(everything: Gated, entity: str, text: str) -> None:
    assert found(everything, text, entity)


def test_a_bare_number_that_only_passes_one_test_stays_below_the_threshold(everything: Gated) -> None:
    findings = list(everything.find("row 123456782 of 943476591 and 9434765919"))

    assert {Entity("NL_BSN"), Entity("UK_NHS")} <= {one.entity for one in findings}
    assert max(one.score for one in findings) < 0.4
