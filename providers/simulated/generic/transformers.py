"""`transformers serve` as it ran: strict about fields, pinned to one model, usage on the finish chunk, no [DONE]."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from providers.simulated.dialogue import ChatBody
from providers.simulated.events import Event, Framing, Kind, Sse, error
from providers.simulated.faults import Fault
from providers.simulated.generic.dialect import CHAT, CRASHED, RESPONSES, TEXTS, Refused, Run, decoded
from providers.simulated.settings import Settings

_json = msgspec.json.encode
_SHARED = frozenset(
    {
        "model", "frequency_penalty", "logit_bias", "max_tokens", "n", "presence_penalty", "seed", "stop", "stream",
        "stream_options", "temperature", "top_p", "user", "generation_config", "request_id",
    }
)  # fmt: skip
_FIELDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        CHAT: _SHARED
        | {
            "messages", "audio", "function_call", "functions", "logprobs", "max_completion_tokens", "metadata",
            "modalities", "parallel_tool_calls", "prediction", "reasoning_effort", "response_format", "service_tier",
            "store", "tool_choice", "tools", "top_logprobs", "web_search_options",
        },
        TEXTS: _SHARED | {"prompt", "best_of", "echo", "logprobs", "suffix"},
        RESPONSES: _SHARED
        | {
            "input", "instructions", "max_output_tokens", "metadata", "parallel_tool_calls", "previous_response_id",
            "reasoning", "store", "text", "tool_choice", "tools", "truncation",
        },
    }
)  # fmt: skip


class Transformers:
    """The dialect. A prompt that does not fit is not refused, a tool choice not heeded: there are no such errors."""

    name = "transformers"
    framing: Framing = Sse()
    routes = frozenset(_FIELDS)
    answer_headers: Mapping[str, str] = MappingProxyType({})
    stream_headers: Mapping[str, str] = MappingProxyType({})
    without = frozenset(
        {
            Fault.OVERLOAD_IN_STREAM,
            Fault.SILENT_STOP,
            Fault.FORBIDDEN,
            Fault.GENERATION_FAILED,
            Fault.INCOMPLETE_GENERATION,
            Fault.CONTEXT_OVERFLOW,
            Fault.CONTEXT_OVERFLOW_RUNNER,
            Fault.CONTEXT_OVERFLOW_EMBED,
            Fault.ENGINE_DEAD,
            Fault.LOADING,
            Fault.NO_DONE,
            Fault.USAGE_ON_FINISH,
        }
    )

    def body(self, raw: bytes, content_type: str, path: str) -> dict[str, Any]:  # noqa: ARG002  the same for all
        text = raw.decode(errors="replace")
        if "json" not in content_type:
            raise _no_object(text)
        try:
            value = decoded(raw)
        except json.JSONDecodeError as error:
            told = {"type": "json_invalid", "loc": ["body", error.pos], "msg": "JSON decode error", "input": {}}
            raise Refused(422, {"detail": [{**told, "ctx": {"error": error.msg}}]}) from error
        if not isinstance(value, dict):
            raise _no_object(value)
        return value

    def check(self, settings: Settings, path: str, raw: dict[str, Any]) -> None:
        unexpected = sorted(raw.keys() - _FIELDS[path])
        if unexpected:
            listed = ", ".join(repr(name) for name in unexpected)
            raise Refused(422, {"detail": f"Unexpected fields in the request: {{{listed}}}"})
        asked = raw.get("model")
        if asked is not None and asked not in settings.models:
            raise Refused(400, {"detail": f"Server is pinned to '{settings.models[0]}'; requested '{asked}'."})
        if path == CHAT and not isinstance(raw.get("messages"), list):
            raise Refused(500, CRASHED)
        if path == TEXTS and not isinstance(raw.get("prompt"), str):
            raise Refused(400, {"detail": "prompt must be a string."})

    def malformed(self, path: str, said: str) -> Refused:  # noqa: ARG002  the same for all
        return Refused(422, {"detail": [{"type": "value_error", "loc": ["body"], "msg": said}]})

    def limit(self, settings: Settings, path: str, tokens: int, raw: dict[str, Any]) -> int:  # noqa: ARG002
        """What was asked for; it runs past the window rather than refuse."""
        asked = raw.get("max_completion_tokens") or raw.get("max_tokens")
        return asked if isinstance(asked, int) else settings.context_length

    def choice(self, body: ChatBody) -> object:  # noqa: ARG002  not heeded
        return None

    def model(self, settings: Settings, asked: str | None) -> str:
        return f"{asked or settings.models[0]}@main"

    def events(self, run: Run) -> Iterator[Event]:
        if run.texts:
            yield from _text_events(run)
            return

        def chunk(kind: Kind, choice: dict[str, Any], **rest: Any) -> Event:
            body = {"id": run.id, "choices": [{**choice, "index": 0}], "created": run.created, "model": run.model}
            return Event(kind, _json({**body, "object": "chat.completion.chunk", "system_fingerprint": "", **rest}))

        yield chunk(Kind.ROLE, {"delta": {"role": "assistant"}})
        for piece in run.plan.thought:
            yield chunk(Kind.TOKEN, {"delta": {"reasoning_content": piece}})
        for piece in run.plan.text:
            yield chunk(Kind.TOKEN, {"delta": {"content": piece}})
        for at, call in enumerate(_calls(run)):
            yield chunk(Kind.TOKEN, {"delta": {"tool_calls": [{"index": at, **call}]}})
        yield chunk(Kind.FINISH, {"delta": {}, "finish_reason": run.finish}, usage=run.usage())

    def whole(self, run: Run) -> dict[str, Any]:
        choice: dict[str, Any] = {"finish_reason": run.finish, "index": 0}
        if run.texts:
            choice["text"] = run.plan.content
        else:
            message: dict[str, Any] = {"content": run.plan.content, "role": "assistant"}
            if run.plan.thought:
                message["reasoning_content"] = run.plan.reasoning
            if run.plan.calls:
                message["tool_calls"] = _calls(run)
            choice["message"] = message
        return {
            "id": run.id,
            "choices": [choice],
            "created": run.created,
            "model": run.model,
            "object": "text_completion" if run.texts else "chat.completion",
            "usage": run.usage(),
        }

    def embeddings(self, settings: Settings, raw: dict[str, Any]) -> list[str]:  # noqa: ARG002
        raise Refused(404, {"detail": "Not Found"})

    def models(self, settings: Settings, created: int) -> dict[str, Any]:
        """The models of its cache; the owner is the part of the name before a slash."""
        cards = [
            {"id": name, "object": "model", "created": float(created), "owned_by": name.rpartition("/")[0]}
            for name in settings.models
        ]
        return {"object": "list", "data": cards}

    def health(self) -> dict[str, Any] | None:
        return {"status": "ok"}

    def failure(self) -> list[Event]:
        return [error({"error": "CUDA out of memory"})]

    def refusal(self, settings: Settings, fault: Fault, path: str) -> Refused | None:  # noqa: ARG002
        said = _SAID.get(fault)
        return None if said is None else Refused(said[0], {"detail": said[1]})


_SAID: Mapping[Fault, tuple[int, str]] = MappingProxyType(
    {
        Fault.OVERLOAD: (503, "Server is busy"),
        Fault.UNAUTHORIZED: (401, "Invalid API key"),
        Fault.MODEL_NOT_FOUND: (404, "Model not found"),
        Fault.GRAMMAR_ERROR: (422, "response_format is not supported"),
        Fault.BAD_REQUEST: (422, "Unexpected fields in the request: {'foo'}"),
        Fault.INTERNAL_ERROR: (500, "Internal Server Error"),
    }
)


def _text_events(run: Run) -> Iterator[Event]:
    def chunk(kind: Kind, choice: dict[str, Any], **rest: Any) -> Event:
        body = {"id": run.id, "choices": [{**choice, "index": 0}], "created": run.created, "model": run.model}
        return Event(kind, _json({**body, "object": "text_completion", **rest}))

    for piece in run.plan.text:
        yield chunk(Kind.TOKEN, {"text": piece})
    yield chunk(Kind.FINISH, {"text": "", "finish_reason": run.finish}, usage=run.usage())


def _calls(run: Run) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{run.id}_tool_call_{at}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for at, call in enumerate(run.plan.calls)
    ]


def _no_object(given: object) -> Refused:
    told = {"type": "dict_type", "loc": ["body"], "msg": "Input should be a valid dictionary", "input": given}
    return Refused(422, {"detail": [told]})
