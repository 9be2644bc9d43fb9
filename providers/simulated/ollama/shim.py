"""Ollama's `/v1`: OpenAI's surface translated to the native one, with what is lost on the way.

`max_completion_tokens`, `tool_choice`, `n` and `logit_bias` are ignored; ids collide (N of 999); an error in
mid-stream becomes an empty chunk and a silent stop.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from providers.simulated.compose import Call
from providers.simulated.dialogue import inner, stop_texts
from providers.simulated.events import DONE, Event, Kind, Sse
from providers.simulated.exchange import Exchange
from providers.simulated.generate import seed_of
from providers.simulated.ollama import embed, native
from providers.simulated.ollama.errors import Refused
from providers.simulated.ollama.reading import EFFORTS, ChatBody, GenerateBody, Options
from providers.simulated.ollama.work import Server, Spoken, complete, converse
from providers.simulated.vectors import embedding

FRAMING = Sse(content_type="text/event-stream")
FINGERPRINT = "fp_ollama"
_IMAGES = tuple(f"data:{kind};base64," for kind in ("image/jpeg", "image/jpg", "image/png", "image/webp", ""))
_json = msgspec.json.encode
_Body = TypeVar("_Body", "OpenAIChat", "OpenAICompletion", "OpenAIEmbeddings")


class _Generation(msgspec.Struct, kw_only=True):
    """The fields it reads of both."""

    model: str = ""
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: str | list[str] | None = None

    @property
    def options(self) -> Options:
        stops = None if self.stop is None else list(stop_texts(self.stop))
        return Options(num_predict=self.max_tokens, seed=self.seed, stop=stops)

    @property
    def usage_wanted(self) -> bool:
        return bool((self.stream_options or {}).get("include_usage"))


class OpenAIChat(_Generation, kw_only=True):
    """The fields it reads."""

    messages: list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None
    response_format: dict[str, Any] | None = None
    reasoning_effort: str | None = None


class OpenAICompletion(_Generation, kw_only=True):
    """The fields it reads; a prompt is one text."""

    prompt: str = ""
    suffix: str = ""


class OpenAIEmbeddings(msgspec.Struct, kw_only=True):
    """The fields it reads."""

    model: str = ""
    input: Any = None
    dimensions: int | None = None
    encoding_format: str = ""


async def chat(server: Server, exchange: Exchange, number: int) -> None:
    """`POST /v1/chat/completions`. Raises Refused."""
    asked = _decoded(exchange, OpenAIChat)
    if not asked.messages:
        raise Refused(400, "[] is too short - 'messages'")
    body = ChatBody(
        model=asked.model,
        messages=[part for message in asked.messages for part in _messages(message)],
        tools=asked.tools,
        format=_format(asked.response_format),
        options=asked.options,
        stream=asked.stream,
        think=_think(asked.reasoning_effort),
    )
    writer = _Chat(f"chatcmpl-{number}", int(server.now()), usage=asked.usage_wanted)
    spoken = Spoken(
        framing=FRAMING,
        events=writer.events,
        whole=writer.whole,
        failure=lambda: [writer.chunk(Kind.ERROR, body.model, {}, None)],
        content_type="application/json",
    )
    await converse(server, exchange, body, spoken)


async def completions(server: Server, exchange: Exchange, number: int) -> None:
    """`POST /v1/completions`. Raises Refused."""
    asked = _decoded(exchange, OpenAICompletion)
    body = GenerateBody(
        model=asked.model, prompt=asked.prompt, suffix=asked.suffix, options=asked.options, stream=asked.stream
    )
    writer = _Completion(f"cmpl-{number}", int(server.now()), usage=asked.usage_wanted)
    spoken = Spoken(
        framing=FRAMING,
        events=writer.events,
        whole=writer.whole,
        failure=lambda: [writer.chunk(Kind.ERROR, body.model, "", None)],
        content_type="application/json",
    )
    await complete(server, exchange, body, spoken)


async def embeddings(server: Server, exchange: Exchange, number: int) -> None:  # noqa: ARG001  every route takes it
    """`POST /v1/embeddings`. Raises Refused."""
    asked = _decoded(exchange, OpenAIEmbeddings)
    encoding = asked.encoding_format.lower()
    if encoding not in {"", "float", "base64"}:
        given = asked.encoding_format
        message = f"Invalid value for 'encoding_format' = {given}. Supported values: ['float', 'base64']."
        raise Refused(400, message)
    if asked.input is None or asked.input == []:
        raise Refused(400, "invalid input")
    body = embed.EmbedBody(model=asked.model, input=asked.input, dimensions=asked.dimensions)
    made = await embed.vectors(server, body)
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    data = [
        {
            "object": "embedding",
            "embedding": embedding(text, len(values), encoding or "float"),
            "index": index,
        }
        for index, (text, values) in enumerate(zip(texts, made.embeddings, strict=True))
    ]
    usage = {"prompt_tokens": made.tokens, "total_tokens": made.tokens}
    await exchange.json(200, {"object": "list", "data": data, "model": asked.model, "usage": usage})


class _Chat:
    def __init__(self, chat_id: str, created: int, *, usage: bool) -> None:
        self._id = chat_id
        self._created = created
        self._usage = usage

    def _head(self, model: str, kind: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": model,
            "system_fingerprint": FINGERPRINT,
        }

    def chunk(self, kind: Kind, model: str, delta: dict[str, Any], finish: str | None) -> Event:
        """One chunk; empty keys of a delta are left out."""
        choice = {"index": 0, "delta": {k: v for k, v in delta.items() if v}, "finish_reason": finish}
        return Event(kind, _json({**self._head(model, "chat.completion.chunk"), "choices": [choice]}))

    def events(self, run: native.Run) -> Iterator[Event]:
        """The role rides on the first chunk only; a tool call is whole in one chunk."""
        deltas: list[dict[str, Any]] = [{"reasoning": piece} for piece in run.plan.thought]
        deltas += [{"content": piece} for piece in run.plan.text if piece]
        deltas += [{"tool_calls": [_call(run, call, at)]} for at, call in enumerate(run.plan.calls)]
        for at, delta in enumerate(deltas):
            yield self.chunk(Kind.TOKEN, run.model, delta if at else {"role": "assistant", **delta}, None)
        yield self.chunk(Kind.FINISH, run.model, {}, _finish(run))
        if self._usage:
            last = {**self._head(run.model, "chat.completion.chunk"), "choices": [], "usage": _usage(run)}
            yield Event(Kind.USAGE, _json(last))
        yield DONE

    def whole(self, run: native.Run) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": run.plan.content}
        if run.plan.thought:
            message["reasoning"] = run.plan.reasoning
        if run.plan.calls:
            message["tool_calls"] = [_call(run, call, at) for at, call in enumerate(run.plan.calls)]
        choice = {"index": 0, "message": message, "finish_reason": _finish(run)}
        return {**self._head(run.model, "chat.completion"), "choices": [choice], "usage": _usage(run)}


class _Completion:
    def __init__(self, completion_id: str, created: int, *, usage: bool) -> None:
        self._id = completion_id
        self._created = created
        self._usage = usage

    def _head(self, model: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "text_completion",
            "created": self._created,
            "choices": choices,
            "model": model,
            "system_fingerprint": FINGERPRINT,
        }

    def chunk(self, kind: Kind, model: str, text: str, finish: str | None) -> Event:
        """One chunk; where usage was asked for, each carries one of zeros."""
        zeros = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        body = self._head(model, [{"text": text, "index": 0, "finish_reason": finish}])
        return Event(kind, _json({**body, "usage": zeros} if self._usage else body))

    def events(self, run: native.Run) -> Iterator[Event]:
        for piece in run.plan.text:
            if piece:
                yield self.chunk(Kind.TOKEN, run.model, piece, None)
        yield self.chunk(Kind.FINISH, run.model, "", run.done_reason)
        if self._usage:
            yield Event(Kind.USAGE, _json({**self._head(run.model, []), "usage": _usage(run)}))
        yield DONE

    def whole(self, run: native.Run) -> dict[str, Any]:
        choice = {"text": run.plan.content, "index": 0, "finish_reason": run.done_reason}
        return {**self._head(run.model, [choice]), "usage": _usage(run)}


def _decoded(exchange: Exchange, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(exchange.request.body, type=kind)
    except msgspec.DecodeError as error:
        raise Refused(400, str(error)) from error


def _finish(run: native.Run) -> str:
    # `tool_calls` stands in for `stop` only.
    return "tool_calls" if run.plan.calls and run.done_reason == "stop" else run.done_reason


def _usage(run: native.Run) -> dict[str, int]:
    return {
        "prompt_tokens": run.prompt_tokens,
        "completion_tokens": run.plan.tokens,
        "total_tokens": run.prompt_tokens + run.plan.tokens,
    }


def _call(run: native.Run, call: Call, at: int) -> dict[str, Any]:
    whole = native.tool_call(run, call, at)
    arguments = _json(whole["function"]["arguments"]).decode()
    function = {"name": call.name, "arguments": arguments}
    return {"id": whole.get("id", ""), "index": at, "type": "function", "function": function}


def _think(effort: str | None) -> bool | str | None:
    """Raises Refused 400."""
    if not effort:
        return None
    if effort != "none" and effort not in EFFORTS:
        known = '"high", "medium", "low", "max", or "none"'
        raise Refused(400, f"invalid reasoning value: '{effort}' (must be {known})")
    return False if effort == "none" else effort


def _format(wanted: dict[str, Any] | None) -> Any:
    kind = (wanted or {}).get("type")
    if kind == "json_object":
        return "json"
    if kind == "json_schema":
        return inner(wanted, "json_schema").get("schema")
    return None


def _messages(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A message of parts becomes several messages. Raises Refused 400."""
    content = message.get("content")
    if not isinstance(content, list):
        if content is None and not message.get("tool_calls"):
            raise Refused(400, "invalid message content type: <nil>")
        yield {**message, "content": content or ""}
        return
    for part in content:
        if not isinstance(part, dict):
            raise Refused(400, "invalid message format")
        if part.get("type") == "text":
            yield {"role": message.get("role", "user"), "content": part.get("text", "")}
        elif part.get("type") == "image_url":
            yield {"role": message.get("role", "user"), "content": "", "images": [_image(part.get("image_url"))]}
        else:
            raise Refused(400, "invalid message format")


def _image(given: Any) -> str:
    url = str(given.get("url", "")) if isinstance(given, dict) else str(given)
    for prefix in _IMAGES:
        if url.startswith(prefix):
            return url.removeprefix(prefix)
    raise Refused(400, "invalid image input")


def next_number(counter: int) -> int:
    """The N of `chatcmpl-N`: below 999, so ids collide."""
    return seed_of("ollama", counter) % 999
