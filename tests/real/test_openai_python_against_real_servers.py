"""openai-python, unmodified, through a real gateway to a real server.

The model is made by construction (`tiny_model`), so what it says is known: a sentence, and calls of the tools it is
offered. What a server cannot do at all is asked too: then a clear error is wanted, not silence.
"""

import json
import struct
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.e2e.site import eventually
from tests.real.behind import Real
from tests.real.cases import ANSWERED, CHOICE, LOOK_UP, NAMED, PIXEL, TOO_LONG, WEIGH

SENTENCE = "Hello from the tiny model!"
pytestmark = pytest.mark.timeout(900)  # the first test waits for the server, and vLLM takes minutes on a busy machine


@pytest.fixture
def client(real: Real) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{real.site.url}/v1", api_key=real.key, max_retries=0, timeout=120) as made:
        yield made


def says(text: Any) -> list[Any]:
    return [{"role": "user", "content": text}]


def ask(client: OpenAI, text: Any = "hello", **more: Any) -> Any:
    return client.chat.completions.create(model="real", messages=says(text), **{"max_tokens": 40, **more})


def streamed(client: OpenAI, text: Any = "hello", **more: Any) -> list[Any]:
    with ask(client, text, stream=True, **more) as stream:
        return list(stream)


def spoken(chunks: list[Any]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def test_the_sentence_comes_whole_and_streamed_with_its_finish(client: OpenAI) -> None:
    whole, chunks = ask(client), streamed(client)

    assert whole.choices[0].message.content == spoken(chunks) == SENTENCE
    assert whole.choices[0].finish_reason == "stop"
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == ["stop"]
    assert {whole.model, *(chunk.model for chunk in chunks)} == {"real"}
    assert all(chunk.usage is None for chunk in chunks)  # nobody asked


def test_characters_cut_in_two_arrive_whole(client: OpenAI) -> None:
    assert spoken(streamed(client, "use accents")) == "é€ fine"


def test_usage_adds_up_and_comes_last_in_a_stream(client: OpenAI) -> None:
    whole = ask(client)
    chunks = streamed(client, stream_options={"include_usage": True})

    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    assert [chunk for chunk in chunks if chunk.usage is not None] == [chunks[-1]]
    assert chunks[-1].usage.completion_tokens > 0


def test_both_names_of_the_limit_cut_the_answer(client: OpenAI) -> None:
    for limit in ({"max_tokens": 3}, {"max_tokens": openai.NOT_GIVEN, "max_completion_tokens": 3}):
        answer = ask(client, **limit)

        assert answer.choices[0].finish_reason == "length"
        assert answer.usage.completion_tokens == 3


def test_two_choices_have_two_indices(client: OpenAI) -> None:
    assert [choice.index for choice in ask(client, n=2).choices] == [0, 1]
    assert {choice.index for chunk in streamed(client, n=2) for choice in chunk.choices} == {0, 1}


def test_a_named_tool_is_called_with_json_or_refused(client: OpenAI, real: Real) -> None:
    if real.can("transformers-serve"):  # it does not heed a choice
        with pytest.raises(openai.BadRequestError, match="tool_choice"):
            ask(client, "look_up", tools=[LOOK_UP], tool_choice=NAMED)
        return

    message = ask(client, "look_up", tools=[LOOK_UP], tool_choice=NAMED, max_tokens=200).choices[0].message

    assert [call.function.name for call in message.tool_calls] == ["look_up"]
    assert isinstance(json.loads(message.tool_calls[0].function.arguments), dict)


def test_tools_are_called_in_parallel_where_the_server_finds_calls_in_the_text(client: OpenAI, real: Real) -> None:
    tools: Any = [LOOK_UP, WEIGH]
    whole = ask(client, "look_up and weigh", tools=tools).choices[0]
    chunks = streamed(client, "look_up and weigh", tools=tools)

    if real.can("llama-cpp-python"):  # it calls only a tool that is named
        assert "<tool_call>" in whole.message.content
        return
    calls = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    assert [call.function.name for call in whole.message.tool_calls] == ["look_up", "weigh"]
    assert [call.function.name for call in calls if call.function.name] == ["look_up", "weigh"]
    for index in (0, 1):
        parts = [call.function.arguments or "" for call in calls if call.index == index]
        assert isinstance(json.loads("".join(parts)), dict)


def test_a_tools_result_is_answered_with_text(client: OpenAI, real: Real) -> None:
    turn: Any = [*says("look_up"), *ANSWERED]
    if real.can("llama-cpp-python"):  # it refuses an assistant's turn without content
        turn[1] = {**turn[1], "content": ""}

    answer = client.chat.completions.create(model="real", messages=turn, max_tokens=40, tools=[LOOK_UP])  # type: ignore[list-item]  # the cases are plain JSON

    assert answer.choices[0].message.content == SENTENCE


def test_a_schema_is_kept_to_or_refused(client: OpenAI, real: Real) -> None:
    if real.can("vllm"):
        told = ask(client, response_format=CHOICE, max_tokens=100).choices[0].message.content
        assert json.loads(told)["pick"] in {"left", "right"}
    else:
        with pytest.raises(openai.APIStatusError):
            ask(client, response_format=CHOICE)


def test_log_probabilities_are_given_or_refused(client: OpenAI, real: Real) -> None:
    if real.can("vllm", "llama-cpp-python"):
        probabilities = ask(client, logprobs=True, top_logprobs=2, max_tokens=3).choices[0].logprobs
        assert all(entry.logprob <= 0 for entry in probabilities.content)
    else:
        with pytest.raises(openai.APIStatusError):
            ask(client, logprobs=True, top_logprobs=2)


def test_an_image_is_refused_by_a_model_that_cannot_see(client: OpenAI, real: Real) -> None:
    parts = [{"type": "text", "text": "hello"}, {"type": "image_url", "image_url": {"url": PIXEL}}]

    if real.can("vllm"):
        with pytest.raises(openai.BadRequestError):
            ask(client, parts)
    else:  # both drop what their model cannot see
        assert ask(client, parts).choices[0].message.content == SENTENCE


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_does_not_fit_is_an_error_and_never_silence(client: OpenAI, real: Real, stream: bool) -> None:  # noqa: FBT001  a parameter
    if real.can("transformers-serve"):
        pytest.xfail("it has no such error: it runs past the window")

    with pytest.raises(openai.APIError) as refused:
        streamed(client, TOO_LONG) if stream else ask(client, TOO_LONG)

    if real.can("vllm") or not stream:  # llama-cpp-python ends such a stream without a word
        assert refused.value.code == "context_length_exceeded"


def test_completions_are_answered_for_each_prompt(client: OpenAI) -> None:
    answer = client.completions.create(model="real", prompt=["one", "two"], max_tokens=4)
    with client.completions.create(model="real", prompt="one", max_tokens=4, stream=True) as stream:
        text = "".join(choice.text for chunk in stream for choice in chunk.choices)

    assert [choice.index for choice in answer.choices] == [0, 1]
    assert text == answer.choices[0].text


def test_a_client_that_leaves_frees_the_server(client: OpenAI) -> None:
    with ask(client, "go on for ever", max_tokens=400, stream=True) as stream:
        next(iter(stream))

    assert ask(client).choices[0].message.content == SENTENCE


def test_every_request_has_its_row(real: Real) -> None:
    key = real.site.new_key("counted")
    with OpenAI(base_url=f"{real.site.url}/v1", api_key=key.value, max_retries=0, timeout=120) as client:
        ask(client)
        streamed(client)

    eventually(lambda: [row["status"] for row in real.site.rows(key.id)] == ["ok", "ok"])
    assert all(row["usage"]["completion"] > 0 for row in real.site.rows(key.id))


def test_embeddings_are_the_same_in_both_encodings(client: OpenAI, embedder: str | None) -> None:
    if embedder is None:
        with pytest.raises(openai.APIStatusError):
            client.embeddings.create(model="real", input="one")
        return
    plain = client.embeddings.create(model=embedder, input=["one", "two"], encoding_format="float")
    by_default = client.embeddings.create(model=embedder, input=["one", "two"])  # the SDK asks for base64

    assert [len(entry.embedding) for entry in plain.data] == [128, 128]
    for left, right in zip(plain.data, by_default.data, strict=True):
        assert [struct.pack("<f", x) for x in left.embedding] == [struct.pack("<f", x) for x in right.embedding]
