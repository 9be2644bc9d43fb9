"""A surname stands for who was named in full, wherever it stands in the text."""

from typing import Literal
from unicodedata import normalize

import pytest

from appliance.domain.privacy import Entity, Finding
from appliance.redaction.worker.again import again

Form = Literal["NFC", "NFD"]
TEXT = "Ben Player won. Later Player said that every player may enter; Player's wife, O'Brien Lee and Lee left Lima."


def claims(*names: str, entity: str = "PERSON") -> list[Finding]:
    return [Finding(TEXT.index(one), TEXT.index(one) + len(one), Entity(entity), 0.85, sure=False) for one in names]


def found(*given: Finding) -> list[str]:
    return [TEXT[one.start : one.end] for one in again(TEXT, given) if one.entity == "PERSON"]


def test_the_last_word_of_a_full_name_is_found_wherever_it_stands_cased_alike() -> None:
    places = [one.start for one in again(TEXT, claims("Ben Player"))]

    assert places == [TEXT.index("Player"), TEXT.index("Player said"), TEXT.index("Player's")]


def test_a_name_of_one_word_says_nothing_of_others() -> None:
    assert found(*claims("Ben", "Lima")) == []


def test_only_people_are_followed() -> None:
    assert found(*claims("Ben Player", entity="ORGANIZATION")) == []


def test_a_short_or_lower_case_last_word_is_not_followed() -> None:
    assert found(*claims("every player", "said that e")) == []


def test_a_hyphen_or_an_apostrophe_is_part_of_a_name() -> None:
    assert found(*claims("O'Brien Lee")) == ["Lee", "Lee"]


@pytest.mark.parametrize("first", ["NFC", "NFD"])
@pytest.mark.parametrize("then", ["NFC", "NFD"])
@pytest.mark.parametrize("surname", ["M\u00fcller", "\u00c5berg", "L\u00ea-Nguy\u1ec5n", "Pel\u00e9"])
def test_an_accent_may_be_a_character_of_its_own(surname: str, first: Form, then: Form) -> None:
    full, alone = normalize(first, f"Ann {surname}"), normalize(then, surname)
    text = f"{full} wrote. {alone} and {alone}s left; Mu and ller stayed."
    name = Finding(0, len(full), Entity("PERSON"), 0.85, sure=False)

    places = [text[one.start : one.end] for one in again(text, [name])]

    assert places == [normalize(first, surname), alone]
