"""Placeholders back into values, whole and in pieces."""

import json

import pytest

from appliance.redaction.restore import JsonRestorer, Restorer, Table

VALUES = {
    "[PERSON_1]": 'Ann "Q" O\\Neil\n',
    "[PERSON_12]": "Bo",
    "[PERSON_2]": "[PERSON_1]",
    "[EMAIL_ADDRESS_1]": "b@c.corp",
}


def whole(text: str, kind: type[Restorer] = Restorer) -> str:
    restorer = kind(Table(VALUES))
    return restorer.feed(text) + restorer.end()


@pytest.mark.parametrize(
    ("text", "restored"),
    [
        ("[PERSON_12]", "Bo"),
        ("[person_12] and [Person_12]", "Bo and Bo"),
        ("[PERSON_2]", "[PERSON_1]"),  # put back once, not twice
        ("[PERSON_3] [PERSON_] [PERSON_12", "[PERSON_3] [PERSON_] [PERSON_12"),
        ("[[PERSON_12]]", "[Bo]"),
        ("[PERSON_12][PERSON_12]", "BoBo"),
        ("[ PERSON_12 ]", "[ PERSON_12 ]"),
        ("[PERSON_99999999999]", "[PERSON_99999999999]"),
        ("[per\u017fon_12] [PERSON_1\u0661]", "[per\u017fon_12] [PERSON_1\u0661]"),
    ],
)
def test_only_what_was_put_out_is_put_back(text: str, restored: str) -> None:
    assert whole(text) == restored


@pytest.mark.parametrize(
    ("pieces", "out"),
    [
        (["a [PER", "SON_12] b"], ["a ", "Bo b"]),
        (["a [x", "y]"], ["a [x", "y]"]),  # begins like none of ours: not held
        (["[", "1]"], ["", "[1]"]),
        (["[PERSON_1", "2]"], ["", "Bo"]),
        (["array[i]", " [PERSON"], ["array[i]", " "]),
    ],
)
def test_only_an_end_that_may_become_a_placeholder_is_held(pieces: list[str], out: list[str]) -> None:
    restorer = Restorer(Table(VALUES))

    assert [restorer.feed(piece) for piece in pieces] == out


def test_what_was_held_is_said_at_the_end() -> None:
    restorer = Restorer(Table(VALUES))

    assert restorer.feed("see [PERSON_1") + restorer.end() + restorer.end() == "see [PERSON_1"


@pytest.mark.parametrize(
    "arguments", [{"to": "[PERSON_1]"}, {"a": ['x "[PERSON_1]" \\', "[PERSON_12]"]}, "[PERSON_1]", {"[PERSON_1]": 1}]
)
def test_a_value_is_escaped_where_it_lands_in_a_json_string(arguments: object) -> None:
    restored = json.loads(whole(json.dumps(arguments), JsonRestorer))

    assert restored == json.loads(
        json.dumps(arguments).replace("[PERSON_12]", "Bo").replace("[PERSON_1]", json.dumps(VALUES["[PERSON_1]"])[1:-1])
    )


def test_a_placeholder_outside_a_string_becomes_one() -> None:
    assert json.loads(whole('{"to": [PERSON_1], "n": [1, 2]}', JsonRestorer)) == {
        "to": VALUES["[PERSON_1]"],
        "n": [1, 2],
    }


@pytest.mark.parametrize("text", ["[PERSON_1] said", "to: [PERSON_1]", " [PERSON_1]{"])
def test_arguments_that_are_no_json_get_the_value_as_it_is(text: str) -> None:
    assert whole(text, JsonRestorer) == text.replace("[PERSON_1]", VALUES["[PERSON_1]"])


def test_a_backslash_at_the_edge_of_a_piece_still_escapes_the_quote() -> None:
    restorer = JsonRestorer(Table(VALUES))

    out = [restorer.feed(piece) for piece in ('{"a": "x\\', '" [PERSON_1]"}')]

    assert json.loads("".join(out)) == {"a": f'x" {VALUES["[PERSON_1]"]}'}


def test_the_table_says_which_placeholders_came_back() -> None:
    table = Table(VALUES)

    Restorer(table).feed("[person_12] [PERSON_12] [PERSON_7]")

    assert table.restored == {"[PERSON_12]"}
