"""What is read of a body, and that whatever is wrong is named."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.errors import BadRequest
from appliance.domain.upstream import Kind
from appliance.domain.view import DEFAULT_ANSWER, MEDIA_TOKENS, View, view
from tests.fakes.site import a_body

CHAT = a_body()
COMPLETION = {"model": "llama", "prompt": "hello"}
EMBEDDINGS = {"model": "llama", "input": "hello"}
BODIES = {Kind.CHAT: CHAT, Kind.COMPLETION: COMPLETION, Kind.EMBEDDINGS: EMBEDDINGS}
USER = {"role": "user", "content": "hello"}


def chat(**more: Any) -> View:
    return view(Kind.CHAT, {**CHAT, **more})


def completion(**more: Any) -> View:
    return view(Kind.COMPLETION, {**COMPLETION, **more})


def embeddings(**more: Any) -> View:
    return view(Kind.EMBEDDINGS, {**EMBEDDINGS, **more})


@pytest.mark.parametrize("kind", Kind)
def test_the_smallest_body_of_each_kind_is_taken(kind: Kind) -> None:
    seen = view(kind, BODIES[kind])

    assert (seen.kind, seen.model, seen.stream, seen.choices, seen.wants_usage) == (kind, "llama", False, 1, False)
    assert seen.prompt > 0


def test_a_body_is_left_as_it_came() -> None:
    body = a_body(stream=True, temperature=0.5, future_field={"deep": [1]})
    before = repr(body)

    view(Kind.CHAT, body)

    assert repr(body) == before


def test_nulls_mean_not_said() -> None:
    seen = chat(stream=None, stream_options=None, n=None, max_tokens=None, max_completion_tokens=None, tools=None)

    assert seen == chat()


def test_a_stream_that_wants_its_usage_is_seen() -> None:
    assert chat(stream=True, stream_options={"include_usage": True}).wants_usage
    assert not chat(stream=True, stream_options={"include_usage": False}).wants_usage
    assert not chat(stream=True, stream_options={}).wants_usage


@pytest.mark.parametrize(
    ("asked", "ceiling"),
    [
        ({}, DEFAULT_ANSWER),
        ({"max_tokens": 10}, 10),
        ({"max_completion_tokens": 20}, 20),
        ({"max_tokens": 10, "max_completion_tokens": 20}, 20),
        ({"max_tokens": 10, "n": 3}, 30),
    ],
)
def test_the_ceiling_of_a_chat_is_what_it_may_answer_at_most(asked: dict[str, int], ceiling: int) -> None:
    assert chat(**asked).ceiling == ceiling


@pytest.mark.parametrize(
    ("asked", "ceiling"),
    [
        ({}, DEFAULT_ANSWER),
        ({"max_tokens": 0}, 0),
        ({"prompt": ["a", "b", "c"], "max_tokens": 5}, 15),
        ({"prompt": ["a", "b"], "max_tokens": 5, "n": 4}, 40),
        ({"prompt": [1, 2, 3], "max_tokens": 5}, 5),
        ({"prompt": [[1, 2], [3]], "max_tokens": 5}, 10),
    ],
)
def test_the_ceiling_of_a_completion_counts_every_prompt(asked: dict[str, Any], ceiling: int) -> None:
    assert completion(**asked).ceiling == ceiling


@pytest.mark.parametrize(
    ("value", "tokens"),
    [("abcdef", 2), ("abcdefg", 3), (["abc", "abc"], 2), ([5, 6, 7], 3), ([[5, 6], [7]], 3), (["", "abc"], 1)],
)
def test_every_kind_of_input_is_counted(value: object, tokens: int) -> None:
    assert completion(prompt=value).prompt == tokens
    assert embeddings(input=value).prompt == tokens


def test_an_embedding_has_no_answer_to_reserve() -> None:
    assert embeddings(encoding_format="base64", dimensions=256).ceiling == 0


def test_a_suffix_is_part_of_the_prompt() -> None:
    assert completion(prompt="abc", suffix="abcdef").prompt == 3


def test_an_image_is_reserved_for() -> None:
    parts = [{"type": "text", "text": "abc"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]

    assert chat(messages=[{"role": "user", "content": parts}]).prompt >= MEDIA_TOKENS + 1


def test_tools_and_tool_calls_are_part_of_the_prompt() -> None:
    tool = {"type": "function", "function": {"name": "f" * 300}}
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "a" * 300}}

    assert chat(tools=[tool]).prompt >= chat().prompt + 100
    assert chat(messages=[{"role": "assistant", "content": None, "tool_calls": [call]}]).prompt >= 100


@pytest.mark.parametrize("text", ["你好世界" * 10, "こんにちは", "안녕하세요", "🐢🐇" * 5])
def test_text_of_many_bytes_is_reserved_at_no_less_than_a_token_a_character(text: str) -> None:
    assert completion(prompt=text).prompt >= len(text)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_no_text_is_reserved_below_a_third_of_its_bytes(text: str) -> None:
    size = len(text.encode("utf-8", "replace"))

    assert 3 * completion(prompt=text).prompt >= size
    assert 3 * chat(messages=[{"role": "user", "content": text}]).prompt >= size


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1), st.integers(1, 128), st.integers(0, 1000))
def test_the_ceiling_grows_with_prompts_and_choices(prompts: list[str], choices: int, most: int) -> None:
    assert completion(prompt=prompts, n=choices, max_tokens=most).ceiling == len(prompts) * choices * most


WRONG: list[tuple[Kind, dict[str, Any], str]] = [
    (Kind.CHAT, {"model": 5}, "model"),
    (Kind.CHAT, {"model": ""}, "model"),
    (Kind.CHAT, {"model": "m" * 257}, "model"),
    (Kind.CHAT, {"model": None}, "model"),
    (Kind.CHAT, {"messages": "hello"}, "messages"),
    (Kind.CHAT, {"messages": []}, "messages"),
    (Kind.CHAT, {"messages": {}}, "messages"),
    (Kind.CHAT, {"messages": [5]}, "messages[0]"),
    (Kind.CHAT, {"messages": [USER, {"role": 5}]}, "messages[1].role"),
    (Kind.CHAT, {"messages": [USER, {"content": "no role"}]}, "messages[1].role"),
    (Kind.CHAT, {"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    (Kind.CHAT, {"messages": [{"role": "user", "content": [5]}]}, "messages[0].content[0]"),
    (Kind.CHAT, {"messages": [{"role": "user", "tool_calls": "f()"}]}, "messages[0].tool_calls"),
    (Kind.CHAT, {"stream": "yes"}, "stream"),
    (Kind.CHAT, {"stream": 1}, "stream"),
    (Kind.CHAT, {"n": 0}, "n"),
    (Kind.CHAT, {"n": 129}, "n"),
    (Kind.CHAT, {"n": "2"}, "n"),
    (Kind.CHAT, {"n": True}, "n"),
    (Kind.CHAT, {"n": 1.5}, "n"),
    (Kind.CHAT, {"max_tokens": -1}, "max_tokens"),
    (Kind.CHAT, {"max_tokens": 10**9}, "max_tokens"),
    (Kind.CHAT, {"max_tokens": 10**30}, "max_tokens"),
    (Kind.CHAT, {"max_completion_tokens": "5"}, "max_completion_tokens"),
    (Kind.CHAT, {"stream_options": []}, "stream_options"),
    (Kind.CHAT, {"stream_options": {"include_usage": True}}, "stream_options"),
    (Kind.CHAT, {"stream": True, "stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
    (Kind.CHAT, {"tools": {}}, "tools"),
    (Kind.CHAT, {"tools": ["f"]}, "tools[0]"),
    (Kind.COMPLETION, {"prompt": 5}, "prompt"),
    (Kind.COMPLETION, {"prompt": None}, "prompt"),
    (Kind.COMPLETION, {"prompt": {}}, "prompt"),
    (Kind.COMPLETION, {"prompt": [1.5]}, "prompt[0]"),
    (Kind.COMPLETION, {"prompt": ["a", None]}, "prompt[1]"),
    (Kind.COMPLETION, {"prompt": ["a", [1]]}, "prompt"),
    (Kind.COMPLETION, {"prompt": [True]}, "prompt[0]"),
    (Kind.COMPLETION, {"prompt": [[1], ["a"]]}, "prompt[1]"),
    (Kind.COMPLETION, {"prompt": [[[1]]]}, "prompt[0]"),
    (Kind.COMPLETION, {"suffix": 5}, "suffix"),
    (Kind.EMBEDDINGS, {"input": ""}, "input"),
    (Kind.EMBEDDINGS, {"input": []}, "input"),
    (Kind.EMBEDDINGS, {"input": {}}, "input"),
    (Kind.EMBEDDINGS, {"input": [[]]}, "input[0]"),
    (Kind.EMBEDDINGS, {"input": ["a", 1]}, "input[1]"),
    (Kind.EMBEDDINGS, {"encoding_format": "int8"}, "encoding_format"),
    (Kind.EMBEDDINGS, {"dimensions": 0}, "dimensions"),
    (Kind.EMBEDDINGS, {"dimensions": "256"}, "dimensions"),
]


@pytest.mark.parametrize(("kind", "wrong", "param"), WRONG)
def test_a_wrong_field_is_named(kind: Kind, wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        view(kind, {**BODIES[kind], **wrong})

    assert refused.value.param == param
    assert f"`{param}" in refused.value.message


@pytest.mark.parametrize(
    ("kind", "field"),
    [(Kind.CHAT, "model"), (Kind.CHAT, "messages"), (Kind.EMBEDDINGS, "input"), (Kind.COMPLETION, "model")],
)
def test_a_missing_field_is_named(kind: Kind, field: str) -> None:
    body = {name: value for name, value in BODIES[kind].items() if name != field}

    with pytest.raises(BadRequest) as refused:
        view(kind, body)

    assert refused.value.param == field
    assert refused.value.message == f"`{field}`: is required"


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=8
)
FIELDS = ("model", "messages", "stream", "stream_options", "n", "max_tokens", "tools", "prompt", "suffix", "input")


@settings(deadline=None)
@given(st.sampled_from(Kind), st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_no_body_is_a_fault(kind: Kind, body: dict[str, Any]) -> None:
    try:
        seen = view(kind, {**BODIES[kind], **body})
    except BadRequest:
        return

    assert seen.prompt >= 0
    assert seen.ceiling >= 0
