"""The OpenAI chat request, as far as an emulated server reads it, and the prompt it becomes."""

from typing import Any

import msgspec

from providers.simulated.compose import Tool
from providers.simulated.generate import count

IMAGE_TOKENS = 64


class TextBody(msgspec.Struct, kw_only=True):
    """The fields of `/v1/completions` that change an answer, but for the prompt: each server takes it differently."""

    model: str | None = None
    stream: bool | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    logprobs: int | None = None


class ChatBody(msgspec.Struct, kw_only=True):
    """The fields that change an answer. Others are ignored, or refused by a strict server before this is read."""

    messages: list[dict[str, Any]]
    model: str | None = None
    stream: bool | None = False
    stream_options: dict[str, Any] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    n: int | None = 1
    stop: str | list[str] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    structured_outputs: dict[str, Any] | None = None
    logprobs: bool | None = False
    top_logprobs: int | None = 0
    cache_salt: str | None = None
    ignore_eos: bool = False
    include_reasoning: bool | None = True
    reasoning_effort: str | None = None
    return_token_ids: bool | None = None

    @property
    def limit(self) -> int | None:
        """The newer name wins."""
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens

    @property
    def stops(self) -> tuple[str, ...]:
        """Stop strings as a list, however they were sent."""
        return stop_texts(self.stop)

    @property
    def usage_wanted(self) -> bool:
        """Was a usage chunk asked for?"""
        return bool((self.stream_options or {}).get("include_usage"))

    @property
    def usage_everywhere(self) -> bool:
        """Was usage on every chunk asked for (vLLM)?"""
        return bool((self.stream_options or {}).get("continuous_usage_stats"))


def stop_texts(given: str | list[str] | None) -> tuple[str, ...]:
    """Stop strings, however they were sent."""
    return (given,) if isinstance(given, str) else tuple(given or ())


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """Messages rendered by the chat template of the emulated model."""

    text: str
    images: tuple[str, ...]  # URLs
    last_user: str
    answers_tool: bool  # is the last message a tool's result?

    @property
    def tokens(self) -> int:
        """Tokens of the prompt, a fixed number for each image."""
        return count(self.text) + IMAGE_TOKENS * len(self.images)


def render(messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None = None) -> Prompt:
    """The prompt: each message between markers, tools first."""
    parts: list[str] = []
    images: list[str] = []
    if tools:
        parts.append("<|tools|>" + msgspec.json.encode(tools).decode() + "\n")
    last_user = ""
    for message in messages:
        role = message.get("role", "user")
        text = _text(message.get("content"), images)
        if message.get("tool_calls"):
            text += msgspec.json.encode(message["tool_calls"]).decode()
        parts.append(f"<|{role}|>{text}\n")
        if role == "user":
            last_user = text
    parts.append("<|assistant|>")
    answers_tool = bool(messages) and messages[-1].get("role") == "tool"
    return Prompt(text="".join(parts), images=tuple(images), last_user=last_user, answers_tool=answers_tool)


def _text(content: Any, images: list[str]) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    written: list[str] = []
    for part in content:
        if not isinstance(part, dict):
            continue
        if part.get("type") == "image_url":
            url = part.get("image_url")
            images.append(str(url.get("url", "")) if isinstance(url, dict) else str(url))
            written.append("<|image|>")
        else:
            written.append(str(part.get("text", "")))
    return "".join(written)


def inner(container: Any, name: str) -> dict[str, Any]:
    """The object of that name inside another; empty where there is none, or either is something else."""
    value = container.get(name) if isinstance(container, dict) else None
    return value if isinstance(value, dict) else {}


def tools_of(body_tools: list[dict[str, Any]] | None) -> tuple[Tool, ...]:
    """The functions offered."""
    functions = [inner(tool, "function") for tool in body_tools or []]
    return tuple(Tool(str(function.get("name", "")), function.get("parameters")) for function in functions)


def called(tools: tuple[Tool, ...], prompt: Prompt, choice: object, *, parallel: bool) -> tuple[Tool, ...]:
    """The tools the emulated model calls.

    A named choice calls that one. Otherwise those whose names the last user message contains, or the first when it
    names none; several only if `parallel`. With `auto` (or nothing said) a tool's result is answered with text.
    """
    if isinstance(choice, dict):
        wanted = inner(choice, "function").get("name")
        return tuple(tool for tool in tools if tool.name == wanted)
    if choice == "none" or not tools or (prompt.answers_tool and choice != "required"):
        return ()
    named = tuple(tool for tool in tools if tool.name in prompt.last_user) or tools[:1]
    return named if parallel else named[:1]
