"""Streams of beginnings that never become a placeholder."""

import pytest

from appliance.redaction.restore import LONGEST, JsonRestorer, Restorer, Table

TABLE = {"[PERSON_1]": 'Ann "Q"', "[DE_SOCIAL_SECURITY_K7QF2AK7QF2AK7QFZZ]": "x"}


@pytest.mark.parametrize("kind", [Restorer, JsonRestorer])
@pytest.mark.parametrize(
    "piece", ["[", "[P", "[PERSON", "[PERSON_", "[DE_SOCIAL_SECURITY_K7QF2AK7QF2AK7QFZ", "[[PERSON_", '"[PERSON_1']
)
def test_what_is_held_never_grows(kind: type[Restorer], piece: str) -> None:
    restorer = kind(Table(TABLE))
    said = ""
    for _ in range(500):
        for letter in piece:
            said += restorer.feed(letter)
            assert len(restorer._held) < LONGEST

    assert said + restorer.end() == piece * 500


def test_a_letter_that_folds_to_two_neither_matches_nor_sticks() -> None:
    restorer = Restorer(Table({"[SSN_1]": "x"}))

    assert "".join(restorer.feed(letter) for letter in "[ßn_1] [ﬁ") + restorer.end() == "[ßn_1] [ﬁ"
