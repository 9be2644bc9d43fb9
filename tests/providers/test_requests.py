"""Laws of translation that hold for any request, well-formed or not."""

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.errors import BadRequest
from appliance.domain.upstream import Call, Kind
from providers import builtin, load
from providers.fields import MAX_PARTS
from tests.providers.golden import REQUEST, deployment

PROVIDERS = load([traits.name for traits in builtin()], frozenset())
NAMES = sorted(PROVIDERS)
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "vllm": [{}, {"guided": "legacy"}],
    "ollama": [{}, {"loose_tool_choice": True, "num_ctx": 64}],
    "tgi": [{}, {"lora": "x"}],
    "openai_compatible": [{}, {"strict_fields": True}, {"native_choices": True}],
}
LEAF = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False)
LEAF |= st.sampled_from(
    ["", "a", "auto", "none", "required", "data:image/png;base64,AA==", "http://10.0.0.1/a", "user"]
)
LEAF |= st.sampled_from(["text", "image_url", "json_schema", "tool", "assistant", "function", "{}", "[1]", "high"])
KEYS = st.sampled_from(
    [
        "role",
        "content",
        "type",
        "text",
        "image_url",
        "url",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "id",
        "schema",
        "tool_call_id",
        "json_schema",
        "reasoning",
        "reasoning_content",
        "json",
        "regex",
        "enable_thinking",
        "num_ctx",
    ]
)
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
FIELDS = st.sampled_from(
    [
        "messages",
        "prompt",
        "input",
        "tools",
        "tool_choice",
        "response_format",
        "stop",
        "n",
        "seed",
        "logprobs",
        "top_p",
        "presence_penalty",
        "repetition_penalty",
        "guided_json",
        "guided_regex",
        "structured_outputs",
        "options",
        "think",
        "reasoning_effort",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "suffix",
        "top_logprobs",
        "foo",
        "chat_template_kwargs",
        "temperature",
        "dimensions",
        "encoding_format",
        "logit_bias",
        "model",
        "functions",
    ]
)


@settings(max_examples=400)
@given(
    to=st.sampled_from([(name, options) for name in NAMES for options in OPTIONS[name]]),
    kind=st.sampled_from(Kind),
    body=st.dictionaries(FIELDS, VALUE, max_size=6),
    stream=st.booleans(),
)
def test_any_body_is_translated_or_refused_and_never_changed(
    *, to: tuple[str, dict[str, Any]], kind: Kind, body: dict[str, Any], stream: bool
) -> None:
    name, options = to
    before = copy.deepcopy(body)
    call = Call(kind=kind, body=body, request_id=REQUEST, salt="salt", stream=stream)

    with suppress(BadRequest):
        parts = PROVIDERS[name].prepare(call, deployment(name, options=options))
        assert parts
        assert all(isinstance(json.loads(part.body), dict) for part in parts)

    assert body == before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "http://10.0.0.1/a.png"}},
        {"type": "image_url", "image_url": {"url": " http://10.0.0.1/a.png"}},
        {"type": "image_url", "image_url": {"url": "HTTPS://10.0.0.1/a.png"}},
        {"type": "image_url", "image_url": "file:///etc/passwd"},
        {"type": "image_url", "image_url": {"url": "/etc/passwd"}},
        {"image_url": "http://10.0.0.1/a.png"},
        {"type": "video_url", "video_url": {"url": "http://10.0.0.1/a.mp4"}},
        {"type": "audio_url", "audio_url": {"url": "http://10.0.0.1/a.wav"}},
        {"type": "image", "image": "http://10.0.0.1/a.png"},
        {"type": "image", "url": "http://10.0.0.1/a.png"},
        {"type": "image", "path": "/etc/passwd"},
        {"type": "input_image", "image_url": ["http://10.0.0.1/a.png"]},
        {"type": "file", "file_url": "s3://bucket/a"},
        {"type": "text", "text": "see", "image_url": {"url": {"url": "http://10.0.0.1/a.png"}}},
    ],
    ids=str,
)
def test_no_spelling_of_an_address_reaches_a_server(name: str, part: dict[str, Any]) -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "see"}, part]}]}
    call = Call(kind=Kind.CHAT, body=body, request_id=REQUEST, salt="")

    with pytest.raises(BadRequest):
        PROVIDERS[name].prepare(call, deployment(name))


@pytest.mark.parametrize("name", ["ollama", "tgi", "openai_compatible"])
def test_a_call_does_not_become_requests_without_end(name: str) -> None:
    call = Call(kind=Kind.COMPLETION, body={"prompt": ["a"] * (MAX_PARTS + 1)}, request_id=REQUEST, salt="")

    with pytest.raises(BadRequest, match="at most"):
        PROVIDERS[name].prepare(call, deployment(name))


@pytest.mark.parametrize("name", NAMES)
def test_usage_is_asked_for_in_every_stream(name: str) -> None:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "a"}]}
    call = Call(kind=Kind.CHAT, body=body, request_id=REQUEST, salt="", stream=True)

    (part,) = PROVIDERS[name].prepare(call, deployment(name))

    sent = json.loads(part.body)
    assert sent["stream"] is True
    assert name == "ollama" or sent["stream_options"] == {"include_usage": True}
