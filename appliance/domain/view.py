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
    # Not acted on: their type is checked here, so that every kind of server refuses them with the same words.
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    logit_bias: dict[str, float] | None = None


class ChatRequest(_Common, kw_only=True):
    """The fields of `POST /v1/chat/completions` that the gateway itself acts on."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    max_completion_tokens: Ceiling | None = None
    tools: list[dict[str, Any]] | None = None


class CompletionRequest(_Common, kw_only=True):
    """The fields of `POST /v1/completions` that the gateway itself acts on."""

    prompt: str | list[Any] = ""  # text, texts, token ids, or lists of token ids
    suffix: str | None = None


class EmbeddingsRequest(msgspec.Struct, kw_only=True):
    """The fields of `POST /v1/embeddings` that the gateway itself acts on."""

    model: NonEmpty
    input: str | list[Any]  # text, texts, token ids, or lists of token ids
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
    prompt = sum([_message_tokens(message) for message in request.messages])
    if request.tools:
        prompt += sum(_tokens(str(tool)) for tool in request.tools)
    ceiling = request.max_completion_tokens or request.max_tokens or DEFAULT_ANSWER
    return _generation(Kind.CHAT, request, prompt, ceiling)


def _completion(request: CompletionRequest) -> View:
    prompt, prompts = _input_tokens(request.prompt, "prompt")
    prompt += _tokens(request.suffix or "")
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
    if not request.input:
        raise BadRequest("`input` is empty", param="input")
    prompt, _ = _input_tokens(request.input, "input")
    return View(kind=Kind.EMBEDDINGS, model=ModelName(request.model), prompt=prompt)


def _tokens(text: str) -> int:
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return -(-size // BYTES_PER_TOKEN)


def _message_tokens(message: Message) -> int:
    """Text by its length, media by a flat sum, and four tokens of template around each message."""
    content = message.content
    total = 4
    if isinstance(content, str):
        total += _tokens(content)
    elif content:
        for part in content:
            text = part.get("text")
            total += _tokens(text) if isinstance(text, str) else MEDIA_TOKENS
    if message.tool_calls:
        total += sum(_tokens(str(call)) for call in message.tool_calls)
    return total


def _input_tokens(value: str | list[Any], param: str) -> tuple[int, int]:
    """(estimated tokens, number of prompts). Raises BadRequest for a list that is none of the kinds allowed."""
    if isinstance(value, str):
        return _tokens(value), 1
    if _token_ids(value):
        return len(value), 1
    total = 0
    for index, item in enumerate(value):
        if isinstance(item, str):
            total += _tokens(item)
        elif isinstance(item, list) and _token_ids(item):
            total += len(item)
        else:
            where = f"{param}[{index}]"
            raise BadRequest(f"`{where}`: expected text or a list of token ids", param=where)
    if len({type(item) for item in value}) > 1:
        raise BadRequest(f"`{param}`: text and token ids cannot be mixed", param=param)
    return total, max(1, len(value))


def _token_ids(value: list[Any]) -> bool:
    return bool(value) and all(type(item) is int for item in value)


_PATH = re.compile(r" - at `\$\.?(?:key in )?(?P<path>.*)`$")
_MISSING = re.compile(r"required field `(\w+)`")


def _read(body: Body, into: type[T]) -> T:
    try:
        return msgspec.convert(body, into)
    except msgspec.ValidationError as error:
        text = str(error)
        found = _PATH.search(text)
        said = text[: found.start()] if found else text
        missing = _MISSING.search(said)
        names = [found["path"]] if found else []
        if missing:
            names.append(missing[1])
            said = "is required"
        param = ".".join(names) or None
        raise BadRequest(f"`{param}`: {said[:1].lower()}{said[1:]}" if param else said, param=param) from None
