"""Arguments and results that are JSON in name only, or JSON within JSON."""

import json
from typing import Any

import pytest

from appliance.domain.upstream import Body
from appliance.redaction.answers import Restoration
from tests.fakes.findings import masked

NAME = 'Ann "Q" O\\Neil\n'


def calling(arguments: Any) -> Body:
    return {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}]}


def arguments_of(body: Body) -> Any:
    return body["messages"][0]["tool_calls"][0]["function"]["arguments"]


def round_trip(body: Body, words: dict[str, str]) -> tuple[str, str]:
    """What is sent, and what the client gets when the model says the same."""
    sent, mask = masked(body, words)
    answer: Body = {"choices": [{"message": {"tool_calls": [{"function": {"arguments": arguments_of(sent)}}]}}]}
    Restoration(mask.table()).answer(answer)
    return arguments_of(sent), answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]


def test_json_within_json_within_json_comes_back() -> None:
    raw = json.dumps({"a": json.dumps({"b": json.dumps({"who": "Leeds Bo"})})})

    sent, back = round_trip(calling(raw), {"Bo": "PERSON", "Leeds": "LOCATION"})

    assert back == raw
    assert json.loads(json.loads(json.loads(sent)["a"])["b"]) == {"who": "[LOCATION_1] [PERSON_1]"}


def test_a_name_full_of_quotes_comes_back_out_of_valid_json() -> None:
    raw = json.dumps({"to": [NAME, f"x{NAME}"]})

    sent, back = round_trip(calling(raw), {NAME: "PERSON"})

    assert json.loads(sent) == {"to": ["[PERSON_1]", "x[PERSON_1]"]}
    assert json.loads(back) == json.loads(raw)


@pytest.mark.parametrize(
    "raw",
    [
        '{"to": "Bo"',
        '{"to": "Bo" "Bo"}',
        "{'to': 'Bo'}",
        "to=Bo",
        '{"to": "Bo\\x"}',
        "[" * 3000 + '"Bo"' + "]" * 3000,
        '"Bo',
        "Bo",
        "\ufeff{}Bo",
    ],
)
def test_what_is_no_json_is_covered_as_text(raw: str) -> None:
    sent, back = round_trip(calling(raw), {"Bo": "PERSON"})

    assert sent == raw.replace("Bo", "[PERSON_1]")
    assert back == raw


def test_both_values_of_a_key_that_stands_twice_are_covered() -> None:
    sent, back = round_trip(calling('{"to": "Bo", "to": "Leeds"}'), {"Bo": "PERSON", "Leeds": "LOCATION"})

    assert sent == '{"to": "[PERSON_1]", "to": "[LOCATION_1]"}'
    assert back == '{"to": "Bo", "to": "Leeds"}'


def test_half_a_surrogate_pair_hides_nothing_and_breaks_nothing() -> None:
    sent, _ = round_trip(calling('{"a": "\\ud83d Bo", "b": "\\ud83d\\ude00 Bo"}'), {"Bo": "PERSON"})

    assert json.loads(sent) == {"a": "\ufffd [PERSON_1]", "b": "😀 [PERSON_1]"}
    sent.encode()


def test_a_number_of_ten_thousand_digits_is_no_reason_to_look_away() -> None:
    digits = "1" * 10_000

    sent, _ = round_trip(calling(f'{{"n": {digits}, "to": "Bo"}}'), {"Bo": "PERSON"})

    assert sent == f'{{"n": {digits}, "to": "[PERSON_1]"}}'


def test_bare_line_breaks_in_a_string_are_no_reason_to_look_away() -> None:
    sent, _ = round_trip(calling('{"a": "x\nM\\u00fcller"}'), {"Müller": "PERSON"})

    assert sent == '{"a": "x\\n[PERSON_1]"}'


def test_arguments_that_are_an_object_are_walked() -> None:
    sent, _ = masked(calling({"to": ["Bo"], "id": "Bo", "n": 1}), {"Bo": "PERSON"})

    assert arguments_of(sent) == {"to": ["[PERSON_1]"], "id": "[PERSON_1]", "n": 1}
