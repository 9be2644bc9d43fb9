"""The sentences that tell whether a model is worth using, and how its findings are counted."""

import pytest

from appliance.domain.privacy import Entity, Finding
from appliance.domain.privacy_entities import MODELLED
from appliance.pipeline.acceptance.judge import Count, counted
from appliance.pipeline.acceptance.sentences import SPOKEN, Name, Sentence, parsed, read
from appliance.redaction.languages import LANGUAGES

ADA = parsed("Ask [PERSON|Ada Lovelace] in [LOCATION|Porto].")


def found(words: str, entity: str) -> Finding:
    start = ADA.text.index(words)
    return Finding(start, start + len(words), Entity(entity), 0.85)


def test_marks_become_places_in_the_plain_text() -> None:
    assert Sentence("Ask Ada Lovelace in Porto.", (Name(4, 16, "PERSON"), Name(20, 25, "LOCATION"))) == ADA


@pytest.mark.parametrize("language", SPOKEN)
def test_every_language_has_sentences_with_names_and_without(language: str) -> None:
    sentences = read(language)

    assert language in LANGUAGES
    assert {name.entity for one in sentences for name in one.names} <= MODELLED
    assert {"PERSON", "LOCATION", "ORGANIZATION"} <= {name.entity for one in sentences for name in one.names}
    assert any(not one.names for one in sentences)
    assert not [one.text for one in sentences if set("[]|") & set(one.text)]


def test_a_language_without_sentences_says_nothing_of_a_model() -> None:
    assert read("sv") == ()
    assert not counted("m", []).acceptable


def test_half_of_a_name_is_found_and_less_is_missed() -> None:
    surname = counted("m", [(ADA, [found("Lovelace", "PERSON")])])
    first = counted("m", [(ADA, [found("Ada", "PERSON")])])

    assert surname.entities["PERSON"] == Count(1, 1)
    assert (first.entities["PERSON"].found, first.entities["PERSON"].missed) == (0, 1)


def test_a_name_taken_for_another_kind_is_missed_and_is_not_wrong() -> None:
    told = counted("m", [(ADA, [found("Porto", "PERSON"), found("Ask", "PERSON")])])

    assert told.entities["LOCATION"] == Count(1, 0)
    assert told.wrong == 1


@pytest.mark.parametrize(("words", "enough"), [((), False), (("Porto",), True)])
def test_half_of_the_names_is_enough(words: tuple[str, ...], enough: bool) -> None:  # noqa: FBT001 -- a table
    told = counted("m", [(ADA, [found(one, "LOCATION") for one in words])])

    assert told.acceptable is enough
