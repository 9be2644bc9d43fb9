"""What policy, routing and the ledger read of a request body. The body itself stays as it came."""

import re
from typing import Annotated, Any, TypeVar

import msgspec

from appliance.domain.errors import BadRequest
from appliance.domain.ids import ModelName
from appliance.domain.upstream import Body, Kind

Count = Annotated[int, msgspec.Meta(ge=1, le=128)]
Ceiling = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
NonEmpty = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]

BYTES_PER_TOKEN = 3  # English averages over four in common vocabularies; three errs towards reserving too much
DEFAULT_ANSWER = 1024  # tokens reserved when the client names no ceiling
MEDIA_TOKENS = 1024  # reserved for one image, audio or video part


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one request."""

    kind: Kind
    model: ModelName
    stream: bool = False
    choices: int = 1
    wants_usage: bool = False
    prompt: int = 0  # tokens, an estimate that errs upwards
    ceiling: int = 0  # tokens the answer may have, over all choices


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class Message(msgspec.Struct):
    role: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None


class _Common(msgspec.Struct, kw_only=True):
    model: NonEmpty
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Count | None = None
    max_tokens: Ceiling | None = None


class ChatRequest(_Common, kw_only=True):
    """The fields of `POST /v1/chat/completions` that the gateway itself acts on."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    max_completion_tokens: Ceiling | None = None
    tools: list[dict[str, Any]] | None = None


class CompletionRequest(_Common, kw_only=True):
    """The fields of `POST /v1/completions` that the gateway itself acts on."""

    prompt: str | list[str] | list[int] | list[list[int]] = ""
    suffix: str | None = None


class EmbeddingsRequest(msgspec.Struct, kw_only=True):
    """The fields of `POST /v1/embeddings` that the gateway itself acts on."""

    model: NonEmpty
    input: str | list[str] | list[int] | list[list[int]]
    encoding_format: Annotated[str, msgspec.Meta(pattern="^(float|base64)$")] | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None


T = TypeVar("T", ChatRequest, CompletionRequest, EmbeddingsRequest)


def view(kind: Kind, body: Body) -> View:
    """Read a body. Raises BadRequest naming the field that is wrong."""
    if kind is Kind.CHAT:
        return _chat(_read(body, ChatRequest))
    if kind is Kind.COMPLETION:
        return _completion(_read(body, CompletionRequest))
    return _embeddings(_read(body, EmbeddingsRequest))


def _chat(request: ChatRequest) -> View:
    prompt = sum(_message_tokens(message) for message in request.messages)
    if request.tools:
        prompt += _tokens(sum(len(str(tool)) for tool in request.tools))
    ceiling = request.max_completion_tokens or request.max_tokens or DEFAULT_ANSWER
    return _generation(Kind.CHAT, request, prompt, ceiling)


def _completion(request: CompletionRequest) -> View:
    prompt, prompts = _input_tokens(request.prompt)
    prompt += _tokens(len(request.suffix or ""))
    ceiling = DEFAULT_ANSWER if request.max_tokens is None else request.max_tokens
    return _generation(Kind.COMPLETION, request, prompt, ceiling * prompts)


def _generation(kind: Kind, request: _Common, prompt: int, ceiling: int) -> View:
    options = request.stream_options
    stream = bool(request.stream)
    if options is not None and not stream:
        raise BadRequest("`stream_options` goes with `stream: true` only", param="stream_options")
    choices = request.n or 1
    return View(
        kind=kind,
        model=ModelName(request.model),
        stream=stream,
        choices=choices,
        wants_usage=bool(options and options.include_usage),
        prompt=prompt,
        ceiling=ceiling * choices,
    )


def _embeddings(request: EmbeddingsRequest) -> View:
    prompt, _ = _input_tokens(request.input)
    if request.input in ("", []):
        raise BadRequest("`input` is empty", param="input")
    return View(kind=Kind.EMBEDDINGS, model=ModelName(request.model), prompt=prompt)


def _tokens(characters: int) -> int:
    return -(-characters // BYTES_PER_TOKEN)


def _message_tokens(message: Message) -> int:
    """Text by its length, media by a flat sum, and four tokens of template around each message."""
    content = message.content
    total = 4
    if isinstance(content, str):
        total += _tokens(len(content))
    elif content:
        for part in content:
            text = part.get("text")
            total += _tokens(len(text)) if isinstance(text, str) else MEDIA_TOKENS
    if message.tool_calls:
        total += _tokens(sum(len(str(call)) for call in message.tool_calls))
    return total


def _input_tokens(value: str | list[str] | list[int] | list[list[int]]) -> tuple[int, int]:
    """(estimated tokens, number of prompts)."""
    if isinstance(value, str):
        return _tokens(len(value)), 1
    if value and isinstance(value[0], int):
        return len(value), 1
    return sum(_tokens(len(item)) if isinstance(item, str) else len(_list(item)) for item in value), max(1, len(value))


def _list(item: object) -> list[Any]:
    return item if isinstance(item, list) else []


_PATH = re.compile(r" - at `\$\.?(?:key in )?(?P<path>.*)`$")


def _read(body: Body, into: type[T]) -> T:
    try:
        return msgspec.convert(body, into)
    except msgspec.ValidationError as error:
        text = str(error)
        found = _PATH.search(text)
        missing = re.search(r"required field `(\w+)`", text)
        param = found["path"] if found else missing[1] if missing else None
        said = text[: found.start()] if found else text
        where = f"`{param}`: " if param and not missing else ""
        raise BadRequest(f"{where}{said[:1].lower()}{said[1:]}", param=param) from None
