"""llama-cpp-python's server: spaces in its JSON, a role chunk without content, never usage in a stream."""

import json
from collections.abc import Iterator
from typing import Any

from providers.simulated.events import DONE, Event, Framing, Kind, Sse, error
from providers.simulated.faults import Fault
from providers.simulated.generic.emulator import Refused, Run
from providers.simulated.settings import Settings


class LlamaCpp:
    """The dialect. The model's name is not checked, unknown fields are ignored, `include_usage` too."""

    name = "llama_cpp"
    framing: Framing = Sse(comment=b"ping")
    completes = True
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

    def check(self, settings: Settings, raw: dict[str, Any]) -> None:
        """Nothing is refused."""

    def overflow(self, settings: Settings, tokens: int, asked: int | None) -> Refused | None:
        message = (
            f"This model's maximum context length is {settings.context_length} tokens. However, you requested "
            f"{tokens + (asked or 0)} tokens ({tokens} in the messages, {asked} in the completion). "
            "Please reduce the length of the messages or completion."
        )
        return _refused(400, message, "invalid_request_error", "context_length_exceeded")

    def model(self, settings: Settings, asked: str | None) -> str:
        return asked or settings.models[0]

    def events(self, run: Run) -> Iterator[Event]:
        if run.texts:
            yield from self._texts(run)
            return

        def chunk(kind: Kind, delta: dict[str, Any], finish: str | None) -> Event:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return _event(kind, {**_head(run, "chat.completion.chunk"), "choices": [choice]})

        yield chunk(Kind.ROLE, {"role": "assistant"}, None)
        for piece in run.plan.text:
            yield chunk(Kind.TOKEN, {"content": piece}, None)
        for at, call in enumerate(run.plan.calls):
            for piece in call.pieces:
                # Name and id come again with every fragment.
                function = {"name": call.name, "arguments": piece}
                told = {"index": at, "id": f"call__{at}_{call.name}_{run.id}", "type": "function", "function": function}
                yield chunk(Kind.TOKEN, {"role": None, "content": None, "tool_calls": [told]}, None)
        yield chunk(Kind.FINISH, {}, run.finish)
        yield DONE

    def _texts(self, run: Run) -> Iterator[Event]:
        def chunk(kind: Kind, text: str, finish: str | None) -> Event:
            choice = {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}
            return _event(kind, {**_head(run, "text_completion"), "choices": [choice]})

        for piece in run.plan.text:
            yield chunk(Kind.TOKEN, piece, None)
        yield chunk(Kind.FINISH, "", run.finish)
        yield DONE

    def whole(self, run: Run) -> dict[str, Any]:
        if run.texts:
            choice: dict[str, Any] = {
                "text": run.plan.content,
                "index": 0,
                "logprobs": None,
                "finish_reason": run.finish,
            }
            return {**_head(run, "text_completion"), "choices": [choice], "usage": run.usage()}
        message: dict[str, Any] = {"role": "assistant", "content": run.plan.content}
        if run.plan.calls:
            calls = [
                {
                    "id": f"call__{at}_{call.name}_{run.id}",
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for at, call in enumerate(run.plan.calls)
            ]
            message = {"role": "assistant", "content": None, "tool_calls": calls}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": run.finish}
        return {**_head(run, "chat.completion"), "choices": [choice], "usage": run.usage()}

    def models(self, settings: Settings, created: int) -> dict[str, Any]:  # noqa: ARG002  it says no time
        cards = [{"id": name, "object": "model", "owned_by": "me", "permissions": []} for name in settings.models]
        return {"object": "list", "data": cards}

    def health(self) -> dict[str, Any] | None:
        return None

    def failure(self) -> list[Event]:
        return [
            error({"error": {"message": "llama_decode returned -1", "type": "internal_server_error", "code": None}})
        ]

    def refusal(self, fault: Fault) -> Refused | None:
        if fault is Fault.CONTEXT_OVERFLOW_RUNNER:
            # As llama.cpp's own `llama-server` says it.
            message = "the request exceeds the available context size, try increasing it"
            kind = "exceed_context_size_error"
            return Refused(
                400, {"error": {"code": 400, "message": message, "type": kind, "n_prompt_tokens": 9000, "n_ctx": 8192}}
            )
        said = {
            Fault.OVERLOAD: (503, "no slot available", "unavailable_error", None),
            Fault.GRAMMAR_ERROR: (400, "Failed to parse grammar", "invalid_request_error", None),
            Fault.BAD_REQUEST: (400, "temperature: must be >= 0", "invalid_request_error", None),
            Fault.INTERNAL_ERROR: (500, "llama_decode returned -1", "internal_server_error", None),
        }.get(fault)
        if fault is Fault.UNAUTHORIZED:
            return Refused(401, {"detail": "Invalid API key"})
        return None if said is None else _refused(*said)


def _head(run: Run, kind: str) -> dict[str, Any]:
    return {"id": run.id, "object": kind, "created": run.created, "model": run.model}


def _event(kind: Kind, body: dict[str, Any]) -> Event:
    return Event(kind, json.dumps(body, ensure_ascii=True).encode())


def _refused(status: int, message: str, kind: str, code: str | None) -> Refused:
    return Refused(status, {"error": {"message": message, "type": kind, "param": "messages", "code": code}})
