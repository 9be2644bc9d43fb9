"""What a real server cannot do: sentences of `tests/e2e/node/suite.mjs` that must fail with it, and in which way."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Beyond(NamedTuple):
    """Why a server cannot hold a sentence, and what its client is told then (a pattern)."""

    reason: str
    told: str


ONLY_NAMED = Beyond("it calls a tool only when one is named", "called: nothing")
NO_CHOICE = Beyond("it heeds no tool choice", "cannot honour `tool_choice`")
NO_SCHEMA = Beyond("it holds no answer to a schema", "response_format")
NO_OVERLOAD = Beyond("it lets requests wait, however many", "never overloaded")
BEYOND: Mapping[str, Mapping[str, Beyond]] = MappingProxyType(
    {
        "vllm": {
            "an image passes as data and never as an address": Beyond("its model cannot see", "not a multimodal model"),
        },
        "llama-cpp-python": {
            "a tool is called when the model may choose": ONLY_NAMED,
            "a tool is called when it is required": ONLY_NAMED,
            "a streamed tool call is whole when the model may choose": ONLY_NAMED,
            "a streamed tool call is whole when it is required": ONLY_NAMED,
            "tools are called in parallel": ONLY_NAMED,
            "parallel tool calls are told apart in a stream": ONLY_NAMED,
            "the results of tools go back in the next turn": ONLY_NAMED,
            "an answer keeps to the json schema": NO_SCHEMA,
            "a prompt that is too long is refused": Beyond(
                "it ends such a stream without a word", r"failed \(incomplete\)"
            ),
            "an overloaded server is tried again and then answers": NO_OVERLOAD,
        },
        "transformers-serve": {
            "a tool is called when it is required": NO_CHOICE,
            "a tool is called when it is named": NO_CHOICE,
            "a streamed tool call is whole when it is required": NO_CHOICE,
            "a streamed tool call is whole when it is named": NO_CHOICE,
            "an answer keeps to the json schema": NO_SCHEMA,
            "log probabilities are given": Beyond("it knows none", "logprobs"),
            "a prompt that is too long is refused": Beyond("it runs past its window", "it was answered"),
            "an overloaded server is tried again and then answers": NO_OVERLOAD,
        },
    }
)
