"""llama-cpp-python's server as it ran: spaces in its JSON, a role chunk without content, never usage in a stream.

Its own validation errors are status 500 and name a path of the machine. A streamed prompt that does not fit is a 200
whose stream ends without an event. Tools are only called when one is named; else the model's words are text.
"""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from providers.simulated.dialogue import ChatBody, inner, tools_of
from providers.simulated.events import DONE, Event, Framing, Kind, Sse, error
from providers.simulated.faults import Fault
from providers.simulated.generic.dialect import (
    CHAT,
    CRASHED,
    EMBEDDINGS,
    TEXTS,
    Refused,
    Run,
    SilentStream,
    decoded,
)
from providers.simulated.settings import LlamaCppSettings, Settings

_HANDLERS = {CHAT: "create_chat_completion", TEXTS: "create_completion", EMBEDDINGS: "create_embedding"}
_ROLES = ("system", "user", "assistant", "tool", "function")
_NO_TOOL = {"content": None, "function_call": None, "tool_calls": None}


class LlamaCpp:
    """The dialect. The model's name is not checked; unknown fields, `include_usage` and `n` are ignored."""

    name = "llama_cpp"
    framing: Framing = Sse(comment=b"ping")
    routes = frozenset(_HANDLERS)
    answer_headers: Mapping[str, str] = MappingProxyType({"openai-processing-ms": "2"})
    stream_headers: Mapping[str, str] = MappingProxyType({"cache-control": "no-store", "x-accel-buffering": "no"})
    without = frozenset(
        {
            Fault.OVERLOAD_IN_STREAM,
            Fault.SPLIT_CHARACTER,  # its JSON is pure ASCII
            Fault.SILENT_STOP,
            Fault.FORBIDDEN,
            Fault.GENERATION_FAILED,
            Fault.INCOMPLETE_GENERATION,
            Fault.CONTEXT_OVERFLOW_EMBED,
            Fault.MODEL_NOT_FOUND,
            Fault.ENGINE_DEAD,
        }
    )

    def body(self, raw: bytes, content_type: str, path: str) -> dict[str, Any]:
        try:
            value = decoded(raw)
        except json.JSONDecodeError as error:
            raise Refused(500, CRASHED) from error
        if not isinstance(value, dict) or "json" not in content_type:
            raise _invalid(path, "Input should be a valid dictionary or object to extract fields from")
        return value

    def check(self, settings: Settings, path: str, raw: dict[str, Any]) -> None:  # noqa: ARG002  any name will do
        if path == CHAT:
            self._check_chat(raw)
        elif path == TEXTS and isinstance(raw.get("prompt"), list) and len(raw["prompt"]) != 1:
            raise _refused(500, "", "internal_server_error", None, param=None)  # an assertion without words

    def _check_chat(self, raw: dict[str, Any]) -> None:
        messages = raw.setdefault("messages", [])
        if not isinstance(messages, list):
            raise _invalid(CHAT, "Input should be a valid list")
        for message in messages:
            _check_message(message)
        wanted, tools = raw.get("response_format"), raw.get("tools") or []
        if wanted is not None and (not isinstance(wanted, dict) or wanted.get("type") not in ("text", "json_object")):
            raise _invalid(CHAT, "Input should be 'text' or 'json_object'")
        if not isinstance(tools, list):
            raise _invalid(CHAT, "Input should be a valid list")
        if any(not isinstance(tool, dict) or tool.get("type") != "function" for tool in tools):
            raise _invalid(CHAT, "Input should be 'function'")
        _check_choice(raw.get("tool_choice"), tools)

    def malformed(self, path: str, said: str) -> Refused:
        return _invalid(path, said)

    def limit(self, settings: Settings, path: str, tokens: int, raw: dict[str, Any]) -> int:
        """What the window leaves; `max_completion_tokens` is not heeded."""
        window, asked = settings.context_length, raw.get("max_tokens")
        if tokens < window:
            left = window - tokens
            return min(asked, left) if isinstance(asked, int) and asked > 0 else left
        if raw.get("stream"):
            raise SilentStream
        raise _overflow(settings, path, tokens, asked)

    def choice(self, body: ChatBody) -> object:
        return body.tool_choice if isinstance(body.tool_choice, dict) else "none"

    def model(self, settings: Settings, asked: str | None) -> str:
        return asked or settings.models[0]

    def events(self, run: Run) -> Iterator[Event]:
        if run.texts:
            yield from _text_events(run)
            return
        last: dict[str, Any] = {}

        def chunk(kind: Kind, delta: dict[str, Any], finish: str | None, logprobs: object = None) -> Event:
            choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
            return _event(kind, {**_head(run, "chat.completion.chunk"), "choices": [choice]})

        if run.plan.calls:
            last = {**_NO_TOOL, "role": None}
            yield chunk(Kind.ROLE, {**_NO_TOOL, "role": "assistant"}, None)
        else:
            yield chunk(Kind.ROLE, {"role": "assistant"}, None)
        for at, piece in enumerate(run.plan.text):
            yield chunk(Kind.TOKEN, {"content": piece}, None, _chat_logprobs(run, [piece], at))
        for at, call in enumerate(run.plan.calls):
            for piece in call.pieces:
                # Name and id come again with every fragment, and the older `function_call` beside them.
                function = {"name": call.name, "arguments": piece}
                told = {"index": at, "id": _call_id(run, at, call.name), "type": "function", "function": function}
                yield chunk(Kind.TOKEN, {**last, "function_call": function, "tool_calls": [told]}, None)
        yield chunk(Kind.FINISH, last, run.finish)
        yield DONE

    def whole(self, run: Run) -> dict[str, Any]:
        if run.texts:
            probabilities = _text_logprobs(run, list(run.plan.text), 0, 0)
            text = {"text": run.plan.content, "index": 0, "logprobs": probabilities, "finish_reason": run.finish}
            return {**_head(run, "text_completion"), "choices": [text], "usage": run.usage()}
        message: dict[str, Any] = {"role": "assistant", "content": run.plan.content}
        functions = [{"name": call.name, "arguments": call.arguments} for call in run.plan.calls]
        if functions:
            calls = [
                {"id": _call_id(run, at, function["name"]), "type": "function", "function": function}
                for at, function in enumerate(functions)
            ]
            message = {"role": "assistant", "content": None, "function_call": functions[0], "tool_calls": calls}
        logprobs = _chat_logprobs(run, list(run.plan.text), 0)
        choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": run.finish}
        return {**_head(run, "chat.completion"), "choices": [choice], "usage": run.usage()}

    def embeddings(self, settings: Settings, raw: dict[str, Any]) -> list[str]:
        """Encodings and dimensions are not heeded, a text too long is cut; token ids are refused."""
        if not (isinstance(settings, LlamaCppSettings) and settings.embedding):
            message = "Llama model must be created with embedding=True to call this method"
            raise _refused(500, message, "internal_server_error", None, param=None)
        given = raw.get("input")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise _invalid(EMBEDDINGS, "Input should be a valid string", errors=4)
        return texts

    def models(self, settings: Settings, created: int) -> dict[str, Any]:  # noqa: ARG002  it says no time
        cards = [{"id": name, "object": "model", "owned_by": "me", "permissions": []} for name in settings.models]
        return {"object": "list", "data": cards}

    def health(self) -> dict[str, Any] | None:
        return None

    def failure(self) -> list[Event]:
        return [
            error({"error": {"message": "llama_decode returned -1", "type": "internal_server_error", "code": None}})
        ]

    def refusal(self, settings: Settings, fault: Fault, path: str) -> Refused | None:
        if fault is Fault.CONTEXT_OVERFLOW:
            return _overflow(settings, path, settings.context_length + 1, None)
        if fault is Fault.CONTEXT_OVERFLOW_RUNNER:
            # As llama.cpp's own `llama-server` says it.
            message = "the request exceeds the available context size, try increasing it"
            kind = "exceed_context_size_error"
            return Refused(
                400, {"error": {"code": 400, "message": message, "type": kind, "n_prompt_tokens": 9000, "n_ctx": 8192}}
            )
        if fault is Fault.UNAUTHORIZED:
            return Refused(401, {"detail": "Invalid API key"})
        said = _SAID.get(fault)
        return None if said is None else _refused(*said, None)


_SAID: Mapping[Fault, tuple[int, str, str]] = MappingProxyType(
    {
        Fault.OVERLOAD: (503, "no slot available", "unavailable_error"),
        Fault.GRAMMAR_ERROR: (400, "Failed to parse grammar", "invalid_request_error"),
        Fault.BAD_REQUEST: (400, "temperature: must be >= 0", "invalid_request_error"),
        Fault.INTERNAL_ERROR: (500, "llama_decode returned -1", "internal_server_error"),
    }
)


def _text_events(run: Run) -> Iterator[Event]:
    def chunk(kind: Kind, text: str, finish: str | None, logprobs: object = None) -> Event:
        choice = {"text": text, "index": 0, "logprobs": logprobs, "finish_reason": finish}
        return _event(kind, {**_head(run, "text_completion"), "choices": [choice]})

    offset = 0
    for at, piece in enumerate(run.plan.text):
        yield chunk(Kind.TOKEN, piece, None, _text_logprobs(run, [piece], at, offset))
        offset += len(piece)
    yield chunk(Kind.FINISH, "", run.finish)
    yield DONE


def _chat_logprobs(run: Run, pieces: list[str], at: int) -> dict[str, Any] | None:
    if run.top_logprobs is None:
        return None
    content = []
    for index, piece in enumerate(pieces):
        rivals = [{"token": text, "bytes": None, "logprob": value} for text, value in run.rivals(piece, at + index)]
        content.append({**rivals[0], "top_logprobs": rivals})
    return {"content": content, "refusal": None}


def _text_logprobs(run: Run, pieces: list[str], at: int, offset: int) -> dict[str, Any] | None:
    if run.top_logprobs is None:
        return None
    rivals = [run.rivals(piece, at + index) for index, piece in enumerate(pieces)]
    offsets = [offset + len("".join(pieces[:index])) for index in range(len(pieces))]
    return {
        "text_offset": offsets,
        "token_logprobs": [told[0][1] for told in rivals],
        "tokens": pieces,
        "top_logprobs": [dict(told) for told in rivals],
    }


def _call_id(run: Run, at: int, name: str) -> str:
    return f"call__{at}_{name}_cmpl-{run.id}"


def _head(run: Run, kind: str) -> dict[str, Any]:
    prefix = "cmpl" if run.texts else "chatcmpl"
    return {"id": f"{prefix}-{run.id}", "object": kind, "created": run.created, "model": run.model}


def _event(kind: Kind, body: dict[str, Any]) -> Event:
    return Event(kind, json.dumps(body, ensure_ascii=True).encode())


def _check_message(message: Any) -> None:
    """A message is tried as each of five kinds; what is none of them fails once or more for each."""
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise _invalid(CHAT, "Input should be 'system'", errors=7)
    content = message.get("content")
    parts = content if isinstance(content, list) else ()
    if any(not isinstance(part, dict) or part.get("type") not in ("text", "image_url") for part in parts):
        raise _invalid(CHAT, "Input should be 'text'", errors=15)
    if message["role"] == "assistant" and content is None:
        raise _invalid(CHAT, "Input should be a valid string", errors=15)


def _check_choice(choice: object, tools: list[dict[str, Any]]) -> None:
    if isinstance(choice, dict):
        name = inner(choice, "function").get("name")
        if choice.get("type") != "function" or not isinstance(name, str):
            raise _invalid(CHAT, "Input should be 'none', 'auto' or 'required'", errors=3)
        if tools and name not in {tool.name for tool in tools_of(tools)}:
            raise _refused(500, f"Tool choice '{name}' not found in tools.", "internal_server_error", None, param=None)
    elif choice not in (None, "none", "auto", "required"):
        raise _invalid(CHAT, "Input should be 'none', 'auto' or 'required'", errors=2)


def _overflow(settings: Settings, path: str, tokens: int, asked: object) -> Refused:
    window = settings.context_length
    wanted = tokens + (asked if isinstance(asked, int) else 0)
    if path == TEXTS:
        message = (
            f"This model's maximum context length is {window} tokens, however you requested {wanted} tokens "
            f"({tokens} in your prompt; {asked} for the completion). Please reduce your prompt; or completion length."
        )
    else:
        message = (
            f"This model's maximum context length is {window} tokens. However, you requested {wanted} tokens "
            f"({tokens} in the messages, {asked} in the completion). "
            "Please reduce the length of the messages or completion."
        )
    return _refused(400, message, "invalid_request_error", "context_length_exceeded")


def _invalid(path: str, message: str, errors: int = 1) -> Refused:
    """A validation error, which its handler takes for a failure of the server; the path is part of what it tells."""
    dump = f"  {{'type': 'value_error', 'loc': ('body',), 'msg': {message!r}}}"
    place = f'  File "/opt/llama/lib/llama_cpp/server/app.py", line 470, in {_HANDLERS[path]}\n    POST {path}'
    text = f"{errors} validation error{'s' if errors > 1 else ''}:\n{dump}\n\n{place}"
    return _refused(500, text, "internal_server_error", None, param=None)


def _refused(status: int, message: str, kind: str, code: str | None, param: str | None = "messages") -> Refused:
    return Refused(status, {"error": {"message": message, "type": kind, "param": param, "code": code}})
