"""Values that differ to a machine and not to a reader, and the other way round."""

import pytest

from appliance.domain.privacy import Action
from appliance.redaction.answers import Restoration
from appliance.redaction.placeholders import Keys
from tests.fakes.findings import chat, masked, said

KEYS = Keys(pseudonym=b"p" * 32)
PAIRS = [
    ("Ann", "ANN"),
    ("José", "Jose\u0301"),  # composed and combining
    ("STRASSE", "straße"),
    ("Ann  Lee", "Ann\u00a0Lee"),
    ("\uff21\uff4e\uff4e", "Ann"),  # full width
    ("ﬁona", "fiona"),
    ("😀 Ann", "😀 ann"),
    ("İ", "i\u0307"),
]


@pytest.mark.parametrize("action", [Action.MASK, Action.PSEUDONYM])
@pytest.mark.parametrize(("one", "two"), PAIRS)
def test_two_spellings_share_a_number_and_each_comes_back_as_written(one: str, two: str, action: Action) -> None:
    sent, mask = masked(chat(one, two, one), {one: "PERSON", two: "PERSON"}, action, keys=KEYS)

    first, second, third = said(sent)
    assert first == third != second
    assert second == first[:-1] + "b]"
    answer = {"choices": [{"index": 0, "text": f"{second}{first}"}]}
    Restoration(mask.table()).answer(answer)
    assert answer["choices"][0]["text"] == two + one


@pytest.mark.parametrize(("one", "two"), [("Аnn", "Ann"), ("Ann", "Αnn")])  # noqa: RUF001  # Cyrillic and Greek
def test_letters_of_another_script_are_another_value(one: str, two: str) -> None:
    sent, _ = masked(chat(one, two), {one: "PERSON", two: "PERSON"})

    assert said(sent) == ["[PERSON_1]", "[PERSON_2]"]


def test_places_count_characters_beyond_the_basic_plane_as_one() -> None:
    sent, _ = masked(chat("😀😀 Bo 😀"))

    assert said(sent) == ["😀😀 [PERSON_1] 😀"]
