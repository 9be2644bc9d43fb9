"""From a native request to what will be generated: checks, truncation, and the answer."""

import json
from typing import Annotated, Any

import msgspec

from providers.simulated.compose import Ask, Plan, Tool, plan
from providers.simulated.dialogue import IMAGE_TOKENS, called, render, tools_of
from providers.simulated.generate import count, seed_of
from providers.simulated.ollama.errors import TOO_LONG, Refused, runner_overflow
from providers.simulated.schema import BadSchema, instance
from providers.simulated.settings import OllamaModel, OllamaSettings


class Options(msgspec.Struct, kw_only=True):
    """Runtime options that change an answer."""

    num_ctx: int | None = None
    num_predict: int | None = None
    seed: int | None = None
    stop: list[str] | None = None


class _Body(msgspec.Struct, kw_only=True):
    """What both native requests have."""

    model: str = ""
    format: Any = None
    options: Options | None = None
    stream: bool | None = None
    keep_alive: Any = None
    think: bool | str | None = None
    truncate: bool | None = None
    shift: bool | None = None
    logprobs: bool = False
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] = 0

    @property
    def settings(self) -> Options:
        return self.options or Options()


EFFORTS = ("high", "medium", "low", "max")


class ChatBody(_Body, kw_only=True):
    """`/api/chat`."""

    messages: list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None


class GenerateBody(_Body, kw_only=True):
    """`/api/generate`."""

    prompt: str = ""
    suffix: str = ""
    system: str = ""
    images: list[str] | None = None


class Fitted(msgspec.Struct, frozen=True):
    """A prompt cut to the window."""

    text: str
    tokens: int


def check_abilities(name: str, model: OllamaModel, body: ChatBody | GenerateBody, kind: str) -> None:
    """Can the model do what is asked? Raises Refused 400."""
    if "completion" not in model.capabilities:
        raise Refused(400, f'"{name}" does not support {kind}')
    if isinstance(body, ChatBody) and body.tools and "tools" not in model.capabilities:
        raise Refused(400, f"registry.ollama.ai/library/{name} does not support tools")
    if isinstance(body.think, str) and body.think not in EFFORTS:
        raise Refused(
            400, f'invalid think value: "{body.think}" (must be "high", "medium", "low", "max", true, or false)'
        )
    if body.think and "thinking" not in model.capabilities:
        raise Refused(400, f'"{name}" does not support thinking')
    if isinstance(body, GenerateBody) and body.suffix and "insert" not in model.capabilities:
        raise Refused(400, f'"{name}" does not support insert')
    if _images(body) and "vision" not in model.capabilities:
        raise Refused(400, f'"{name}" does not support vision')


def _images(body: ChatBody | GenerateBody) -> int:
    if isinstance(body, GenerateBody):
        return len(body.images or [])
    return sum(len(message.get("images") or []) for message in body.messages or [])


def check_messages(messages: list[dict[str, Any]]) -> None:
    """Content is a text here, never parts. Raises Refused 400."""
    for message in messages:
        content = message.get("content", "")
        if not isinstance(content, str | None):
            kind = "array" if isinstance(content, list) else "object" if isinstance(content, dict) else "number"
            field = "ChatRequest.messages.content of type string"
            raise Refused(400, f"json: cannot unmarshal {kind} into Go struct field {field}")


def fit_chat(body: ChatBody, window: int) -> Fitted:
    """The prompt within the window: old messages fall out silently unless truncation is off. Raises Refused 400."""
    messages = list(body.messages or [])

    def tokens() -> int:
        return count(render(messages, body.tools).text) + IMAGE_TOKENS * _images(body)

    if body.truncate is not False:
        while tokens() > window and (oldest := _oldest(messages)) is not None:
            del messages[oldest]
    return _fit(render(messages, body.tools).text, tokens(), window, body)


def fit_generate(body: GenerateBody, window: int) -> Fitted:
    """The prompt within the window. Raises Refused 400."""
    text = (f"<|system|>{body.system}\n" if body.system else "") + body.prompt + body.suffix
    return _fit(text, count(text) + IMAGE_TOKENS * _images(body), window, body)


def _oldest(messages: list[dict[str, Any]]) -> int | None:
    """The message that falls out first: system messages and the last one stay."""
    for at, message in enumerate(messages[:-1]):
        if message.get("role") != "system":
            return at
    return None


def _fit(text: str, tokens: int, window: int, body: ChatBody | GenerateBody) -> Fitted:
    if tokens > window:
        if body.shift is False:
            raise Refused(400, TOO_LONG)
        if body.truncate is False:
            raise runner_overflow(tokens, window)
    return Fitted(text, min(tokens, window))


def answer(
    settings: OllamaSettings, body: ChatBody | GenerateBody, fitted: Fitted, model: OllamaModel, opening: str
) -> Plan:
    """What the model says. Raises Refused 500 for a format of no kind, 400 for a schema that cannot be compiled."""
    options = body.settings
    # `shift` lets a generation run past the window by forgetting its beginning; without it the window ends it.
    loaded_window = options.num_ctx or min(settings.context_length, model.context_length)
    room = loaded_window - fitted.tokens if body.shift is False else max(settings.tokens, 4) * 64
    asked = options.num_predict if options.num_predict is not None and options.num_predict >= 0 else None
    thinks = "thinking" in model.capabilities and body.think is not False
    try:
        seed = seed_of(model.name, fitted.text, options.seed)
        return plan(
            Ask(
                seed=seed,
                natural=settings.tokens,
                limit=max(1, room if asked is None else min(asked, room)),
                stop=tuple(options.stop or ()),
                calls=_calls(body),
                forced=_forced(body.format, seed),
                thinks=thinks,
                opening=opening,
            )
        )
    except BadSchema as error:
        raise Refused(400, f"invalid JSON schema in format: {error}") from error


def _calls(body: ChatBody | GenerateBody) -> tuple[Tool, ...]:
    if isinstance(body, GenerateBody) or not body.tools:
        return ()
    return called(tools_of(body.tools), render(body.messages or []), None, parallel=True)


def _forced(wanted: Any, seed: int) -> str | None:
    if not wanted:
        return None
    if wanted != "json" and not isinstance(wanted, dict):
        raw = json.dumps(json.dumps(wanted, ensure_ascii=False), ensure_ascii=False)
        raise Refused(500, f'invalid format: {raw}; expected "json" or a valid JSON Schema object')
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}} if wanted == "json" else wanted
    return json.dumps(instance(schema, seed), ensure_ascii=False)
