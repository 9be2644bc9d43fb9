"""Whatever a body holds, an emulator answers: a crash here would look like a fault of the server under test."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.simulated import Simulated, VllmSettings, llama_cpp, ollama, tgi, transformers, vllm
from tests.providers.simulated.wire import HELLO, TIMEOUT_S, TOOL, Talk

WORDS = ["", "x", "json", "required", "json_schema", "function", "text", "5m", "data:x"]
NAMES = [
    "role",
    "content",
    "type",
    "function",
    "name",
    "json_schema",
    "schema",
    "value",
    "properties",
    "items",
    "image_url",
]
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 300), st.floats(-2, 2), st.sampled_from(WORDS)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
        st.just(HELLO),
        st.just([TOOL]),
    ),
    max_leaves=6,
)
FIELDS = [
    "messages", "prompt", "input", "inputs", "stream", "stream_options", "max_tokens",
    "max_completion_tokens", "n", "stop", "tools", "tool_choice", "response_format", "structured_outputs",
    "logprobs", "options", "format", "keep_alive", "think", "parameters", "encoding_format",
    "dimensions", "seed", "echo", "suffix", "system", "temperature", "top_p",
]  # fmt: skip
GOOD: dict[str, Any] = {"model": "sim-model", "messages": HELLO, "prompt": "x", "input": "x", "inputs": "x"}
PATHS = {
    "vllm": ["/v1/chat/completions", "/v1/completions", "/v1/messages", "/v1/responses", "/tokenize"],
    "ollama": ["/api/chat", "/api/generate", "/api/embed", "/v1/chat/completions", "/v1/completions", "/v1/embeddings"],
    "tgi": ["/generate", "/generate_stream", "/v1/chat/completions", "/v1/completions"],
    "llama_cpp": ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"],
    "transformers": ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"],
}


def _made(kind: str) -> Simulated:
    makers: dict[str, Callable[[], Simulated]] = {
        "vllm": lambda: vllm(VllmSettings(tokens=2, vision=True)),
        "ollama": ollama,
        "tgi": tgi,
        "llama_cpp": llama_cpp,
        "transformers": transformers,
    }
    return makers[kind]()


async def _answers(kind: str, fields: dict[str, Any]) -> list[int]:
    async with _made(kind) as server, Talk(server) as talk:
        statuses: list[int] = []
        for path in PATHS[kind]:
            talk.say(path, {**GOOD, **fields})
            heard = await asyncio.wait_for(talk.hear(), TIMEOUT_S)
            statuses.append(heard.status)
            assert heard.ending == "complete"
        assert server.crashes == []
    return statuses


@pytest.mark.parametrize("kind", PATHS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fields=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3))
def test_a_malformed_body_gets_an_answer(kind: str, fields: dict[str, Any]) -> None:
    statuses = asyncio.run(_answers(kind, fields))

    # Servers whose own word for some bad field is a 500; a crash of the emulator is looked for above.
    words = {200, 400, 404, 422} | ({500} if kind in {"ollama", "llama_cpp", "transformers"} else set())
    assert all(status in words for status in statuses)
