"""What vLLM's validation refuses in a body before it looks at the model, in its words.

Words a field may have are held in tuples: what a client sends in their place need not be hashable.
"""

from typing import Any, Protocol

from providers.simulated.dialogue import ChatBody, tools_of
from providers.simulated.vllm.errors import Refused, decoded, invalid, wrong

SHAPES = ("text", "json_object", "json_schema", "structural_tag")
PARTS = ("text", "image_url", "input_audio", "file", "refusal", "thinking", "image_embeds", "audio_url", "video_url")
EFFORTS = (None, "none", "minimal", "low", "medium", "high", "xhigh", "max")


class Streamable(Protocol):
    """A body that may ask for a stream."""

    stream: bool | None
    stream_options: dict[str, Any] | None


def chat_body(raw: bytes, content_type: str) -> ChatBody:
    """The body, validated. Raises Refused 400."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        unsupported = invalid("value_error", "body", "Unsupported Media Type: Only 'application/json' is allowed")
        raise Refused(400, unsupported.message, unsupported.kind)
    body = decoded(raw, ChatBody)
    check_stream_options(body)
    if body.cache_salt == "":
        raise wrong("cache_salt", "Parameter 'cache_salt' must be a non-empty string if provided.")
    check_response_format(body.response_format)
    _check_tools(body)
    _check_parts(body)
    if body.reasoning_effort not in EFFORTS:
        raise invalid("literal_error", "body.reasoning_effort", f"Input should be {_listed(EFFORTS[1:])}")
    if body.temperature is not None and body.temperature < 0:
        told = f"temperature must be non-negative, got {body.temperature}."
        raise wrong("temperature", told, f", value={body.temperature}")
    return body


def _check_tools(body: ChatBody) -> None:
    """Raises Refused 400 for tools and a tool choice that do not fit each other, or nothing."""
    tools, choice = body.tools, body.tool_choice
    if tools == []:
        told = "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely."
        raise wrong("tools", told)
    if choice is not None and choice != "none":
        if tools is None:
            raise wrong("tool_choice", "When using `tool_choice`, `tools` must be set.")
        if isinstance(choice, dict):
            _check_named(choice, tools)
        elif choice not in {"auto", "required"}:
            told = f'Invalid value for `tool_choice`: {choice}! Only named tools, "none", "auto" or "required" are'
            raise wrong("tool_choice", f"{told} supported.")
    for at, tool in enumerate(tools or []):
        if tool.get("type", "function") != "function":
            raise invalid("literal_error", f"body.tools.{at}.type", "Input should be 'function'")


def _check_parts(body: ChatBody) -> None:
    """Raises Refused 400 for a kind of content it does not know; a role may be any."""
    for message in body.messages:
        content = message.get("content")
        for at, part in enumerate(content if isinstance(content, list) else ()):
            if isinstance(part, dict) and part.get("type", "text") not in PARTS:
                head = f"8 validation errors for ValidatorIterator\n{at}.ChatCompletionContentPartTextParam.type"
                told = f"Input should be 'text' [type=literal_error, input_value={part['type']!r}, input_type=str]"
                raise Refused(400, f"{head}\n  {told}")


def _check_named(choice: dict[str, Any], tools: list[dict[str, Any]]) -> None:
    usage = 'Correct usage: `{"type": "function", "function": {"name": "my_function"}}`'
    function = choice.get("function")
    if not isinstance(function, dict):
        raise wrong("tool_choice.function", f"Invalid value for `function`: `{function}` in `tool_choice`! {usage}")
    if "name" not in function:
        told = f"Expected field `name` in `function` in `tool_choice`! {usage}"
        raise wrong("tool_choice.function.name", told)
    if all(tool.name != function["name"] for tool in tools_of(tools)):
        told = "The tool specified in `tool_choice` does not match any of the specified `tools`"
        raise wrong("tool_choice", told)


def check_response_format(wanted: dict[str, Any] | None) -> None:
    """Raises Refused 400 for a shape of no kind, or for a schema that is not there."""
    if wanted is None:
        return
    if wanted.get("type") not in SHAPES:
        told = f"Input should be {_listed(SHAPES[:3])}"
        raise invalid("literal_error", "body.response_format.type", told, errors=6)
    if wanted["type"] == "json_schema" and wanted.get("json_schema") is None:
        told = "When response_format type is 'json_schema', the 'json_schema' field must be provided."
        raise wrong("response_format", told)


def _listed(words: tuple[str | None, ...]) -> str:
    """Words as its validation lists them."""
    quoted = [f"'{word}'" for word in words]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def check_stream_options(body: Streamable) -> None:
    """Raises Refused 400 for options of a stream that was not asked for."""
    if body.stream_options and not body.stream:
        raise wrong("stream_options", "Stream options can only be defined when `stream=True`.")
