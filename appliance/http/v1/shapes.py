"""What answers look like: OpenAI's objects, as far as the gateway vouches for them. A server may add fields of its own.

They describe and check; answers themselves are passed on as decoded objects.
"""

from typing import Annotated, Any, Literal

import msgspec

Index = Annotated[int, msgspec.Meta(ge=0)]
Tokens = Annotated[int, msgspec.Meta(ge=0)]


class TokenDetails(msgspec.Struct):
    cached_tokens: Tokens | None = None
    reasoning_tokens: Tokens | None = None


class UsageObject(msgspec.Struct):
    """Tokens of the whole answer. The gateway's own count where the server gives none."""

    prompt_tokens: Tokens
    total_tokens: Tokens
    completion_tokens: Tokens = 0
    prompt_tokens_details: TokenDetails | None = None
    completion_tokens_details: TokenDetails | None = None


class CalledFunction(msgspec.Struct):
    name: str
    arguments: str  # JSON, as the model wrote it


class ToolCall(msgspec.Struct):
    id: str
    type: str
    function: CalledFunction


class AnswerMessage(msgspec.Struct):
    """What the model said. Its reasoning stands under both names that clients look for."""

    role: str
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None


class ChatChoice(msgspec.Struct):
    index: Index
    message: AnswerMessage
    finish_reason: str | None
    logprobs: dict[str, Any] | None = None


class ChatAnswer(msgspec.Struct):
    """A whole chat completion."""

    id: str
    object: Literal["chat.completion"]
    created: int  # seconds since 1970
    model: str
    choices: list[ChatChoice]
    usage: UsageObject | None = None


class CallPart(msgspec.Struct):
    """A fragment of a tool call: the name comes once, the arguments in pieces."""

    name: str | None = None
    arguments: str | None = None


class ToolCallPart(msgspec.Struct):
    index: Index
    id: str | None = None
    type: str | None = None
    function: CallPart | None = None


class Delta(msgspec.Struct):
    """What one event adds."""

    role: str | None = None
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallPart] | None = None


class ChunkChoice(msgspec.Struct):
    index: Index
    delta: Delta
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class ChatChunk(msgspec.Struct):
    """One event of a streamed chat. `usage` stands in the last one, where the client asked for it."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: UsageObject | None = None


class CompletionChoice(msgspec.Struct):
    index: Index
    text: str
    finish_reason: str | None
    logprobs: dict[str, Any] | None = None


class CompletionAnswer(msgspec.Struct):
    """A whole completion."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: UsageObject | None = None


class PartChoice(msgspec.Struct):
    index: Index
    text: str
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class CompletionChunk(msgspec.Struct):
    """One event of a streamed completion."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[PartChoice]
    usage: UsageObject | None = None


class Embedding(msgspec.Struct):
    index: Index
    object: Literal["embedding"]
    embedding: list[float] | str  # numbers, or base64 of little-endian 32-bit floats where the client asked for it


class EmbeddingsAnswer(msgspec.Struct):
    """Vectors, in the order of the inputs."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: UsageObject | None = None


class ModelObject(msgspec.Struct):
    """A model this key may use. Whose server it runs on is nobody's business here."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(msgspec.Struct):
    object: Literal["list"]
    data: list[ModelObject]
