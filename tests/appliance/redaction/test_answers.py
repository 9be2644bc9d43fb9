"""Answers of every kind with their placeholders put back."""

import copy
from typing import Any

import pytest

from appliance.domain.upstream import Body
from appliance.redaction.answers import Restoration, Style, style_of
from appliance.redaction.restore import Table

VALUES = {"[PERSON_1]": 'Ann "Q"', "[PERSON_2]": "Bo"}


def restoration(style: Style = Style.PROSE) -> Restoration:
    return Restoration(Table(VALUES), style)


def chunk(finish: str | None = None, index: int = 0, **delta: Any) -> Body:
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def test_every_text_of_a_whole_answer_is_restored() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"to": "[PERSON_1]"}'}}
    message = {
        "role": "assistant",
        "content": "[PERSON_1]",
        "reasoning": "[PERSON_2]?",
        "reasoning_content": "[PERSON_2]?",
        "refusal": "no [PERSON_2]",
        "tool_calls": [call, {"id": "d", "type": "custom", "custom": {"name": "g", "input": "to [PERSON_1]"}}],
        "function_call": {"name": "f", "arguments": '{"to": "[PERSON_1]"}'},
    }
    body: Body = {"choices": [{"index": 0, "message": message, "logprobs": {"content": []}, "finish_reason": "stop"}]}

    restoration().answer(body)

    assert body["choices"][0] == {
        "index": 0,
        "message": {
            "role": "assistant",
            "content": 'Ann "Q"',
            "reasoning": "Bo?",
            "reasoning_content": "Bo?",
            "refusal": "no Bo",
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"to": "Ann \\"Q\\""}'}},
                {"id": "d", "type": "custom", "custom": {"name": "g", "input": 'to Ann "Q"'}},
            ],
            "function_call": {"name": "f", "arguments": '{"to": "Ann \\"Q\\""}'},
        },
        "logprobs": None,
        "finish_reason": "stop",
    }


def test_a_completion_is_restored() -> None:
    body: Body = {"choices": [{"index": 0, "text": "a [PERSON_2]"}, {"index": 1, "text": "[PERSON_2"}]}

    restoration().answer(body)

    assert [choice["text"] for choice in body["choices"]] == ["a Bo", "[PERSON_2"]


def test_what_a_choice_holds_comes_with_its_finish() -> None:
    answer = restoration()
    first, last = chunk(content="see [PERSON"), chunk("stop", content="_2")

    answer.chunk(first)
    answer.chunk(last)

    assert first["choices"][0]["delta"]["content"] == "see "
    assert last["choices"][0]["delta"]["content"] == "[PERSON_2"
    assert answer.end() is None


def test_what_is_held_comes_at_the_end_of_a_stream_that_broke_off() -> None:
    answer = restoration()
    for piece in (
        chunk(content="[PER", reasoning="["),
        chunk(index=1, tool_calls=[{"index": 2, "function": {"name": "f", "arguments": '{"a": "[P'}}]),
        chunk(index=2, function_call={"arguments": "x[p"}),
        {"choices": [{"index": 3, "text": "[PERSON_1"}]},
    ):
        answer.chunk(piece)

    assert answer.end() == {
        "choices": [
            {"index": 0, "delta": {"content": "[PER", "reasoning": "["}, "finish_reason": None},
            {
                "index": 1,
                "delta": {"tool_calls": [{"index": 2, "function": {"arguments": "[P"}}]},
                "finish_reason": None,
            },
            {"index": 2, "delta": {"function_call": {"arguments": "[p"}}, "finish_reason": None},
            {"index": 3, "text": "[PERSON_1", "finish_reason": None},
        ]
    }
    assert answer.end() is None


def test_two_choices_and_two_calls_do_not_mix() -> None:
    answer = restoration()

    def call(index: int, text: str) -> Body:
        return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}

    pieces = [
        chunk(index=0, content="[PERSON"),
        chunk(index=1, content="[PER"),
        chunk(index=0, **call(0, '{"a":"[PERS')),
        chunk(index=0, **call(1, '{"a":"[PERSON_')),
        chunk(index=1, content="SON_2]"),
        chunk(index=0, content="_1]"),
        chunk(index=0, **call(1, '2]"}')),
        chunk(index=0, **call(0, 'ON_1]"}')),
    ]
    for piece in pieces:
        answer.chunk(piece)

    deltas = [piece["choices"][0]["delta"] for piece in pieces[4:]]
    assert [delta.get("content") for delta in deltas[:2]] == ["Bo", 'Ann "Q"']
    assert [delta["tool_calls"][0]["function"]["arguments"] for delta in deltas[2:]] == ['Bo"}', 'Ann \\"Q\\""}']


def test_held_arguments_join_the_call_that_its_last_chunk_carries() -> None:
    answer = restoration()
    answer.chunk(chunk(tool_calls=[{"index": 0, "function": {"arguments": "["}}]))
    last = chunk("tool_calls", tool_calls=[{"index": 0, "function": {"arguments": "1"}}, {"index": 1, "id": "c"}])
    answer.chunk(last)

    assert last["choices"][0]["delta"]["tool_calls"][0] == {"index": 0, "function": {"arguments": "[1"}}


def test_usage_role_and_ids_pass_untouched() -> None:
    usage: Body = {"choices": [], "usage": {"total_tokens": 3}}
    first = chunk(role="assistant", content="", tool_calls=[{"index": 0, "id": "[PERSON_1]", "type": "function"}])
    before = copy.deepcopy([usage, first])

    restoration().chunk(usage)
    restoration().chunk(first)

    assert [usage, first] == before


def test_tokens_are_dropped_where_something_was_masked_and_only_there() -> None:
    given: Body = {"choices": [{"index": 0, "delta": {"content": "x"}, "logprobs": {"content": [{"token": "x"}]}}]}
    bare = copy.deepcopy(given)

    restoration().chunk(given)
    Restoration(Table({})).chunk(bare)

    assert given["choices"][0]["logprobs"] is None
    assert bare["choices"][0]["logprobs"] == {"content": [{"token": "x"}]}


@pytest.mark.parametrize(
    ("body", "style"),
    [
        ({}, Style.PROSE),
        ({"response_format": {"type": "text"}}, Style.PROSE),
        ({"response_format": {"type": "json_object"}}, Style.JSON),
        ({"response_format": {"type": "json_schema"}}, Style.JSON),
        ({"guided_json": {"type": "object"}}, Style.JSON),
        ({"structured_outputs": {"json": {}}}, Style.JSON),
        ({"structured_outputs": {"regex": "a"}}, Style.PROSE),
    ],
)
def test_the_request_says_whether_its_answer_is_json(body: Body, style: Style) -> None:
    assert style_of(body) is style


def test_an_answer_that_is_json_stays_json() -> None:
    body: Body = {"choices": [{"message": {"content": '{"who": "[PERSON_1]"}', "reasoning": '{"[PERSON_1]'}}]}

    restoration(Style.JSON).answer(body)

    assert body["choices"][0]["message"] == {"content": '{"who": "Ann \\"Q\\""}', "reasoning": '{"Ann "Q"'}


def test_the_share_of_placeholders_that_came_back_is_told() -> None:
    answer = restoration()
    answer.chunk(chunk(content="[PERSON_1] [PERSON_1]", reasoning="[PERSON_1]"))

    assert answer.restored == 1
