"""openai-python, unmodified, through a real gateway to each simulated server."""

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.e2e.site import Served, eventually

PIXEL = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(32)).decode()
HELLO: list[Any] = [{"role": "user", "content": "hello there, tell me something"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Look up the weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "strict": True,
    },
}
TIME: Any = {
    "type": "function",
    "function": {"name": "time", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}},
}
PERSON: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "person",
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
            "required": ["name", "age"],
            "additionalProperties": False,
        },
    },
}


def sdk(served: Served, key: str, retries: int = 0) -> OpenAI:
    return OpenAI(base_url=f"{served.url}/v1", api_key=key, max_retries=retries, timeout=60)


@pytest.fixture
def client(served: Served) -> Iterator[OpenAI]:
    with sdk(served, served.key) as made:
        yield made


def spoken(chunks: Any) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def test_a_chat_is_answered(client: OpenAI, served: Served) -> None:
    answer = client.chat.completions.create(model=served.model, messages=HELLO)

    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in {"stop", "length"}
    assert answer.model == served.model
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_a_streamed_chat_says_what_a_whole_one_says(client: OpenAI, served: Served) -> None:
    whole = client.chat.completions.create(model=served.model, messages=HELLO, seed=7)

    with client.chat.completions.create(model=served.model, messages=HELLO, seed=7, stream=True) as stream:
        chunks = list(stream)

    assert spoken(chunks) == whole.choices[0].message.content
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert all(chunk.model == served.model for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_comes_once_and_last_when_it_is_asked_for(client: OpenAI, served: Served) -> None:
    with client.chat.completions.create(
        model=served.model, messages=HELLO, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)

    told = [chunk for chunk in chunks if chunk.usage is not None]
    assert told == [chunks[-1]]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


def test_max_tokens_cuts_an_answer_and_says_so(client: OpenAI, served: Served) -> None:
    for limit in ({"max_tokens": 3}, {"max_completion_tokens": 3}):
        answer = client.chat.completions.create(model=served.model, messages=HELLO, **limit)  # type: ignore[call-overload]  # the point is the choice of name

        assert answer.choices[0].finish_reason == "length"
        assert answer.usage.completion_tokens == 3


def test_two_choices_come_with_two_indices(client: OpenAI, served: Served) -> None:
    whole = client.chat.completions.create(model=served.model, messages=HELLO, n=2)
    with client.chat.completions.create(model=served.model, messages=HELLO, n=2, stream=True) as stream:
        streamed = list(stream)

    assert [choice.index for choice in whole.choices] == [0, 1]
    assert {choice.index for chunk in streamed for choice in chunk.choices} == {0, 1}
    ended = [choice.index for chunk in streamed for choice in chunk.choices if choice.finish_reason]
    assert sorted(ended) == [0, 1]


@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "function": {"name": "weather"}}])
def test_a_tool_is_called_with_arguments_that_are_json(client: OpenAI, served: Served, choice: Any) -> None:
    answer = client.chat.completions.create(
        model=served.model,
        messages=[{"role": "user", "content": "call the tool weather"}],
        tools=[WEATHER],
        tool_choice=choice,
    )

    message = answer.choices[0].message
    if choice == "auto" and not message.tool_calls:
        assert message.content  # a server may choose not to
        return
    assert message.tool_calls
    assert message.tool_calls[0].function.name == "weather"  # type: ignore[union-attr]  # a function was offered
    assert isinstance(json.loads(message.tool_calls[0].function.arguments), dict)  # type: ignore[union-attr]  # as above


def test_a_streamed_tool_call_is_put_together_from_its_fragments(client: OpenAI, served: Served) -> None:
    with client.chat.completions.create(
        model=served.model, messages=HELLO, tools=[WEATHER], tool_choice="required", stream=True
    ) as stream:
        chunks = list(stream)

    deltas = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    named = [call for call in deltas if call.function and call.function.name]
    assert named
    assert named[0].id
    first = "".join(call.function.arguments or "" for call in deltas if call.index == 0 and call.function)
    assert isinstance(json.loads(first), dict)
    finish = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert finish == ["tool_calls"]


def test_a_tools_result_goes_back_in_the_next_turn(client: OpenAI, served: Served) -> None:
    first = client.chat.completions.create(
        model=served.model, messages=HELLO, tools=[WEATHER, TIME], tool_choice="required", parallel_tool_calls=True
    )
    calls = first.choices[0].message.tool_calls
    assert calls

    turn: list[Any] = [
        *HELLO,
        first.choices[0].message.model_dump(exclude_none=True),
        *({"role": "tool", "tool_call_id": call.id, "content": '{"sky":"clear"}'} for call in calls),
    ]
    second = client.chat.completions.create(model=served.model, messages=turn)

    assert second.choices[0].message.content


def test_an_answer_keeps_to_the_json_schema(client: OpenAI, served: Served) -> None:
    whole = client.chat.completions.create(model=served.model, messages=HELLO, response_format=PERSON)
    with client.chat.completions.create(
        model=served.model, messages=HELLO, response_format=PERSON, stream=True
    ) as stream:
        streamed = spoken(list(stream))

    for text in (whole.choices[0].message.content, streamed):
        person = json.loads(text or "")
        assert set(person) == {"name", "age"}
        assert isinstance(person["age"], int)


def test_log_probabilities_are_given(client: OpenAI, served: Served) -> None:
    answer = client.chat.completions.create(
        model=served.model, messages=HELLO, logprobs=True, top_logprobs=2, max_tokens=4
    )

    probabilities = answer.choices[0].logprobs
    assert probabilities is not None
    assert probabilities.content
    assert all(entry.logprob <= 0 for entry in probabilities.content)


def test_an_image_passes_as_data_and_never_as_an_address(client: OpenAI, served: Served) -> None:
    def ask(url: str) -> Any:
        content: Any = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": url}}]
        return client.chat.completions.create(model=served.vision, messages=[{"role": "user", "content": content}])

    assert ask(PIXEL).choices[0].message.content
    with pytest.raises(openai.BadRequestError) as refused:
        ask("http://127.0.0.1:9/cat.png")
    assert "data:" in refused.value.message


def test_embeddings_are_the_same_in_both_encodings(client: OpenAI, served: Served) -> None:
    if served.embedder is None:
        with pytest.raises(openai.BadRequestError) as refused:
            client.embeddings.create(model=served.model, input="one")
        assert "embeddings" in refused.value.message
        return
    plain = client.embeddings.create(model=served.embedder, input=["one", "two"], encoding_format="float")
    by_default = client.embeddings.create(model=served.embedder, input=["one", "two"])  # the SDK asks for base64

    assert len(plain.data) == len(by_default.data) == 2
    for left, right in zip(plain.data, by_default.data, strict=True):
        assert [struct.pack("<f", x) for x in left.embedding] == [struct.pack("<f", x) for x in right.embedding]


def test_a_completion_is_answered_for_each_prompt(client: OpenAI, served: Served) -> None:
    answer = client.completions.create(model=served.model, prompt=["one day", "another day"], max_tokens=4)
    with client.completions.create(model=served.model, prompt="one day", max_tokens=4, stream=True) as stream:
        streamed = "".join(choice.text for chunk in stream for choice in chunk.choices)

    assert [choice.index for choice in answer.choices] == [0, 1]
    assert streamed == answer.choices[0].text


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"key": "rdt_nonsense"}, openai.AuthenticationError, "invalid_api_key"),
        ({"model": "nobodys-model"}, openai.NotFoundError, "model_not_found"),
        ({"temperature": "hot"}, openai.BadRequestError, "invalid_value"),
        ({"messages": []}, openai.BadRequestError, "invalid_value"),
        ({"priority": 1}, openai.PermissionDeniedError, "field_not_allowed"),
    ],
)
def test_an_error_has_its_class_and_its_code(
    served: Served, change: dict[str, Any], error: Any, code: str | None
) -> None:
    change = dict(change)
    key = change.pop("key", served.key)
    asked = {"model": served.model, "messages": HELLO, **change}
    extra = {name: asked.pop(name) for name in list(asked) if name in {"priority", "temperature"}}

    with sdk(served, key) as client, pytest.raises(error) as refused:
        client.chat.completions.create(**asked, extra_body=extra)

    assert refused.value.code == code


def test_a_prompt_that_is_too_long_is_a_context_error(client: OpenAI, served: Served) -> None:
    long: list[Any] = [{"role": "user", "content": "word " * 40_000}]

    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=served.model, messages=long)

    assert refused.value.code == "context_length_exceeded"


def test_the_models_of_a_key_are_listed(client: OpenAI, served: Served) -> None:
    names = [model.id for model in client.models.list()]

    assert served.model in names
    assert client.models.retrieve(served.model).id == served.model
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobodys-model")


def test_a_spent_budget_is_not_tried_again(served: Served) -> None:
    key = served.new_key("spent", budget_tokens=0)

    with sdk(served, key.value, retries=3) as client, pytest.raises(openai.RateLimitError) as refused:
        client.chat.completions.create(model=served.model, messages=HELLO)

    assert refused.value.code == "insufficient_quota"
    eventually(lambda: len(served.rows(key.id)) == 1)


def test_an_overloaded_server_is_tried_again_and_then_answers(served: Served) -> None:
    key = served.new_key("patient")
    served.fault("overload", times=1)

    with sdk(served, key.value, retries=2) as client:
        answer = client.chat.completions.create(model=served.model, messages=HELLO)

    assert answer.choices[0].message.content
    eventually(lambda: [row["status"] for row in served.rows(key.id)] == ["ok", "failed"])


def test_a_client_that_leaves_stops_the_server_behind(client: OpenAI, served: Served) -> None:
    before = served.stats(served.slow)["aborted"]

    with client.chat.completions.create(model=served.slow, messages=HELLO, max_tokens=150, stream=True) as stream:
        next(iter(stream))

    eventually(lambda: served.stats(served.slow)["aborted"] == before + 1)
    eventually(lambda: served.stats(served.slow)["live"] == 0)
