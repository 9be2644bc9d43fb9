"""`transformers serve`: strict about fields, pinned to one model, usage on the finish chunk, no [DONE]."""

from collections.abc import Iterator
from typing import Any

import msgspec

from providers.simulated.events import Event, Framing, Kind, Sse, error
from providers.simulated.faults import Fault
from providers.simulated.generic.emulator import Refused, Run
from providers.simulated.settings import Settings

_json = msgspec.json.encode
_FIELDS = frozenset(
    {
        "messages", "model", "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
        "max_completion_tokens", "max_tokens", "metadata", "modalities", "n", "parallel_tool_calls", "prediction",
        "presence_penalty", "reasoning_effort", "response_format", "seed", "service_tier", "stop", "store", "stream",
        "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user",
        "web_search_options", "generation_config", "request_id",
    }
)  # fmt: skip


class Transformers:
    """The dialect. A prompt that does not fit is not refused: there is no such error."""

    name = "transformers"
    framing: Framing = Sse()
    completes = False
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

    def check(self, settings: Settings, raw: dict[str, Any]) -> None:
        unexpected = sorted(raw.keys() - _FIELDS)
        if unexpected:
            listed = ", ".join(repr(name) for name in unexpected)
            raise Refused(422, {"detail": f"Unexpected fields in the request: {{{listed}}}"})
        asked = raw.get("model")
        if asked is not None and asked not in settings.models:
            raise Refused(400, {"detail": f"Server is pinned to '{settings.models[0]}'"})

    def overflow(self, settings: Settings, tokens: int, asked: int | None) -> Refused | None:  # noqa: ARG002
        return None  # it runs past the window rather than refuse

    def model(self, settings: Settings, asked: str | None) -> str:
        return f"{asked or settings.models[0]}@main"

    def events(self, run: Run) -> Iterator[Event]:
        def chunk(kind: Kind, choice: dict[str, Any], **rest: Any) -> Event:
            body = {"id": run.id, "choices": [{**choice, "index": 0}], "created": run.created, "model": run.model}
            return Event(kind, _json({**body, "object": "chat.completion.chunk", **rest}))

        yield chunk(Kind.ROLE, {"delta": {"role": "assistant"}})
        for piece in run.plan.text:
            yield chunk(Kind.TOKEN, {"delta": {"content": piece}})
        for at, call in enumerate(run.plan.calls):
            function = {"name": call.name, "arguments": call.arguments}
            told = {"index": at, "id": f"{run.id}_tool_call_{at}", "type": "function", "function": function}
            yield chunk(Kind.TOKEN, {"delta": {"tool_calls": [told]}})
        yield chunk(Kind.FINISH, {"delta": {}, "finish_reason": run.finish}, usage=run.usage())

    def whole(self, run: Run) -> dict[str, Any]:
        message: dict[str, Any] = {"content": run.plan.content, "role": "assistant"}
        if run.plan.calls:
            message["tool_calls"] = [
                {
                    "id": f"{run.id}_tool_call_{at}",
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for at, call in enumerate(run.plan.calls)
            ]
        choice = {"finish_reason": run.finish, "index": 0, "message": message}
        return {
            "id": run.id,
            "choices": [choice],
            "created": run.created,
            "model": run.model,
            "object": "chat.completion",
            "usage": run.usage(),
        }

    def models(self, settings: Settings, created: int) -> dict[str, Any]:
        cards = [{"id": name, "object": "model", "created": created, "owned_by": "local"} for name in settings.models]
        return {"object": "list", "data": cards}

    def health(self) -> dict[str, Any] | None:
        return {"status": "ok"}

    def failure(self) -> list[Event]:
        return [error({"error": "CUDA out of memory"})]

    def refusal(self, fault: Fault) -> Refused | None:
        said = {
            Fault.OVERLOAD: (503, "Server is busy"),
            Fault.UNAUTHORIZED: (401, "Invalid API key"),
            Fault.MODEL_NOT_FOUND: (404, "Model not found"),
            Fault.GRAMMAR_ERROR: (422, "response_format is not supported"),
            Fault.BAD_REQUEST: (422, "Unexpected fields in the request: {'foo'}"),
            Fault.INTERNAL_ERROR: (500, "Internal Server Error"),
        }.get(fault)
        return None if said is None else Refused(said[0], {"detail": said[1]})
