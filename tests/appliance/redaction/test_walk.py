"""What is looked at in a request, in which order, and how it is written anew."""

import copy
import json
from typing import Any

import pytest

from appliance.domain.errors import ContentBlocked
from appliance.domain.privacy import Media
from appliance.domain.upstream import Body, Kind
from appliance.redaction.answers import Style
from appliance.redaction.leaf import Leaves, Origin
from appliance.redaction.walk import answer_leaves, glance, leaves, rewrite


def walked(body: Body, kind: Kind = Kind.CHAT) -> Leaves:
    return leaves(kind, body, Media.ALLOW)


def places(body: Body, kind: Kind = Kind.CHAT) -> dict[str, str]:
    return {leaf.where: leaf.text for leaf in walked(body, kind)}


def message(**fields: Any) -> Body:
    return {"model": "m", "messages": [fields]}


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool", "function", "somebody"])
def test_the_content_of_every_role_is_walked(role: str) -> None:
    assert places(message(role=role, content="words")) == {"messages[0].content": "words"}


@pytest.mark.parametrize(("kind", "field"), [("text", "text"), ("input_text", "text"), ("refusal", "refusal")])
def test_parts_of_text_are_walked(kind: str, field: str) -> None:
    body = message(role="user", content=[{"type": kind, field: "words"}])

    assert places(body) == {f"messages[0].content[0].{field}": "words"}


def test_thoughts_and_refusals_of_earlier_answers_are_walked() -> None:
    body = message(role="assistant", content=None, reasoning="a", reasoning_content="b", refusal="c")

    assert places(body) == {
        "messages[0].reasoning": "a",
        "messages[0].reasoning_content": "b",
        "messages[0].refusal": "c",
    }


def test_a_participants_name_is_walked_and_a_tools_name_is_not() -> None:
    assert places(message(role="user", name="ann", content="x"))["messages[0].name"] == "ann"
    assert "messages[0].name" not in places(message(role="function", name="mail", content="x"))


def test_arguments_are_one_text_whose_values_may_change() -> None:
    arguments = '{"to": "Ann",\n "n": 7}'
    call = {"id": "c", "type": "function", "function": {"name": "mail", "arguments": arguments}}

    [leaf] = walked(message(role="assistant", tool_calls=[call]))

    assert leaf.where == "messages[0].tool_calls[0].function.arguments"
    assert [leaf.text[span.start : span.end] for span in leaf.spans or ()] == ["Ann", "7"]


def test_a_legacy_call_and_a_free_form_call_are_walked() -> None:
    body = message(
        role="assistant",
        function_call={"name": "f", "arguments": "Ann"},
        tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "g", "input": "Bo"}}],
    )

    assert places(body) == {
        "messages[0].function_call.arguments": "Ann",
        "messages[0].tool_calls[0].custom.input": "Bo",
    }


def test_a_tools_result_that_is_json_is_read_with_its_escapes_undone() -> None:
    [leaf] = walked(message(role="tool", tool_call_id="c", content='{"who": "M\\u00fcller\\nLeeds"}'))

    assert leaf.text == '{"who": "Müller\nLeeds"}'
    assert leaf.origin is Origin.TOOL


def test_a_users_text_that_is_json_stays_a_text() -> None:
    [leaf] = walked(message(role="user", content='{"who": "M\\u00fcller"}'))

    assert leaf.spans is None


def test_an_answer_that_was_asked_for_as_json_is_read_as_json_when_it_comes_back() -> None:
    body = message(role="assistant", content='{"who": "M\\u00fcller"}')

    assert walked(body)[0].spans is None
    assert walked({**body, "response_format": {"type": "json_object"}})[0].text == '{"who": "Müller"}'


def test_tools_give_their_descriptions_and_keep_names_and_enums() -> None:
    parameters = {
        "type": "object",
        "title": "a",
        "required": ["enum"],
        "properties": {
            "enum": {"type": "string", "description": "b", "enum": ["Ann"], "default": "c"},
            "type": {"anyOf": [{"const": "Bo", "description": "d"}, {"pattern": "^x$", "examples": ["e"]}]},
        },
    }
    tool = {"type": "function", "function": {"name": "mail", "description": "f", "parameters": parameters}}

    found = walked({"model": "m", "messages": [], "tools": [tool]})

    assert sorted(leaf.text for leaf in found) == ["a", "b", "c", "d", "e", "f"]


def test_an_answers_shape_gives_its_descriptions_only() -> None:
    schema = {"type": "object", "properties": {"x": {"description": "a", "enum": ["Ann"]}}}
    form = {"type": "json_schema", "json_schema": {"name": "n", "description": "b", "schema": schema}}
    body = {"model": "m", "messages": [], "response_format": form, "structured_outputs": {"regex": "Ann|Bo"}}

    assert sorted(leaf.text for leaf in walked(body)) == ["a", "b"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user", "x"),
        ("stop", "x"),
        ("stop", ["x"]),
        ("metadata", {"id": "x"}),
        ("invented_today", {"id": "x", "type": "y"}),
        ("prediction", {"type": "content", "content": "x"}),
        ("prediction", {"type": "content", "content": [{"type": "text", "text": "x"}]}),
        ("documents", [{"title": "x"}]),
        ("web_search_options", {"user_location": {"approximate": {"city": "x"}}}),
        ("invented_tomorrow", [{"deep": ["x"]}]),
    ],
)
def test_every_other_field_is_walked(field: str, value: Any) -> None:
    assert [leaf.text for leaf in walked({"model": "m", "messages": [], field: value})] == ["x"]


@pytest.mark.parametrize(
    ("kind", "body", "texts"),
    [
        (Kind.COMPLETION, {"model": "m", "prompt": "a", "suffix": "b"}, ["a", "b"]),
        (Kind.COMPLETION, {"model": "m", "prompt": ["a", "b"]}, ["a", "b"]),
        (Kind.EMBEDDINGS, {"model": "m", "input": "a", "encoding_format": "float"}, ["a"]),
        (Kind.EMBEDDINGS, {"model": "m", "input": ["a", "b"], "user": "c"}, ["a", "b", "c"]),
    ],
)
def test_prompts_and_inputs_are_walked(kind: Kind, body: Body, texts: list[str]) -> None:
    assert [leaf.text for leaf in walked(body, kind)] == texts


def test_structure_is_not_walked() -> None:
    body = {
        "model": "Ann",
        "messages": [{"role": "Ann", "tool_call_id": "Ann", "content": ""}],
        "tool_choice": {"type": "function", "function": {"name": "Ann"}},
        "stream_options": {"include_usage": True},
        "logit_bias": {"Ann": 1},
        "service_tier": "Ann",
    }

    assert len(walked(body)) == 0


def test_the_order_is_the_conversations_not_that_of_the_keys() -> None:
    first: Body = {
        "user": "5",
        "messages": [{"role": "user", "name": "2", "content": "1"}, {"content": "3", "role": "user"}],
        "metadata": {"b": "4b", "a": "4a"},
        "tools": [{"function": {"description": "0", "name": "n"}}],
        "model": "m",
    }
    second = {key: first[key] for key in reversed(first)}
    second["messages"] = [{key: one[key] for key in reversed(one)} for one in first["messages"]]

    assert walked(first).texts == walked(second).texts == ["0", "1", "2", "3", "4a", "4b", "5"]


def test_a_place_shows_no_word_of_the_clients() -> None:
    body = {"model": "m", "messages": [], "metadata": {"Ann Smith": "x"}, "Bo": {"Cy": "y"}}

    assert sorted(places(body)) == ["*.*", "metadata.*"]
    assert repr(walked(body)) == "Leaves(2)"
    assert repr(list(walked(body))) == "[Leaf(*.*), Leaf(metadata.*)]"


@pytest.mark.parametrize(
    ("kind", "body", "where"),
    [
        (Kind.EMBEDDINGS, {"input": [1, 2]}, "input"),
        (Kind.EMBEDDINGS, {"input": ["a", [1, 2]]}, "input[1]"),
        (Kind.COMPLETION, {"prompt": [[1], [2]]}, "prompt[0]"),
        (Kind.COMPLETION, {"prompt": {"prompt_token_ids": [1]}}, "prompt.prompt_token_ids"),
        (Kind.COMPLETION, {"prompt": "", "prompt_embeds": "AAAA"}, "prompt_embeds"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(kind: Kind, body: Body, where: str) -> None:
    with pytest.raises(ContentBlocked) as refused:
        leaves(kind, body)

    assert refused.value.param == where
    assert len([leaf for leaf in glance(kind, body) if leaf.text != "a"]) == 0


def test_a_rewritten_body_shares_what_did_not_change() -> None:
    body: Body = {
        "model": "m",
        "messages": [{"role": "user", "content": "a"}, {"role": "user", "content": [{"type": "text", "text": "b"}]}],
        "metadata": {"k": "c"},
    }
    before = copy.deepcopy(body)
    found = walked(body)

    made = rewrite(found, ["a", "B", "c"])

    assert body == before
    assert made["messages"][1]["content"][0]["text"] == "B"
    assert made["messages"][0] is body["messages"][0]
    assert made["metadata"] is body["metadata"]
    assert rewrite(found, ["a", "b", "c"]) is body


def test_two_changes_in_one_message_are_both_made() -> None:
    body = message(role="user", name="n", content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])
    found = walked(body)

    made = rewrite(found, [text.upper() for text in found.texts])

    assert made["messages"][0] == {
        "role": "user",
        "name": "N",
        "content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}],
    }


def test_a_list_of_another_length_is_no_rewriting() -> None:
    with pytest.raises(ValueError, match="one text for each leaf"):
        rewrite(walked(message(role="user", content="a")), [])


def test_the_leaves_of_an_answer_are_those_of_all_its_choices() -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": json.dumps({"a": "3"})}}
    body = {
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "1", "reasoning": "2", "tool_calls": [call]}},
            {"index": 1, "text": "4"},
        ]
    }

    assert [(leaf.where, leaf.text) for leaf in answer_leaves(body)] == [
        ("choices[0].message.content", "1"),
        ("choices[0].message.reasoning", "2"),
        ("choices[0].message.tool_calls[0].function.arguments", '{"a": "3"}'),
        ("choices[1].text", "4"),
    ]


def test_the_content_of_a_json_answer_is_read_as_json() -> None:
    body = {"choices": [{"index": 0, "message": {"content": '{"a": "b\\n"}'}}]}

    assert answer_leaves(body)[0].spans is None
    assert answer_leaves(body, Style.JSON)[0].text == '{"a": "b\n"}'
