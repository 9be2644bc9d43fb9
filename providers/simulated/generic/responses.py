"""`POST /v1/responses` of `transformers serve`: always a stream, asked for or not, and nothing after its last event."""

from collections.abc import Iterator
from typing import Any

import msgspec

from providers.simulated.events import Event, Kind
from providers.simulated.generic.dialect import Run


def events(run: Run) -> Iterator[Event]:
    """The events of one answer, numbered."""
    number = -1

    def event(kind: Kind, name: str, **fields: Any) -> Event:
        nonlocal number
        number += 1
        return Event(kind, msgspec.json.encode({**fields, "sequence_number": number, "type": f"response.{name}"}))

    item_id = f"msg_{run.id}"
    here = {"item_id": item_id, "output_index": 0, "content_index": 0}
    text = run.plan.content
    part = {"annotations": [], "text": text, "type": "output_text"}
    begun = {"content": [], "id": item_id, "role": "assistant", "status": "in_progress", "type": "message"}
    done = {**begun, "content": [part], "status": "completed", "annotations": []}
    yield event(Kind.OTHER, "created", response=_response(run, "queued", []))
    yield event(Kind.OTHER, "in_progress", response=_response(run, "in_progress", []))
    yield event(Kind.OTHER, "output_item.added", output_index=0, item=begun)
    yield event(Kind.OTHER, "content_part.added", part={**part, "text": ""}, **here)
    for piece in run.plan.text:
        yield event(Kind.TOKEN, "output_text.delta", delta=piece, logprobs=[], **here)
    yield event(Kind.OTHER, "output_text.done", text=text, logprobs=[], **here)
    yield event(Kind.OTHER, "content_part.done", part=part, **here)
    yield event(Kind.OTHER, "output_item.done", output_index=0, item=done)
    usage = {
        "input_tokens": run.prompt_tokens,
        "output_tokens": run.plan.tokens,
        "total_tokens": run.prompt_tokens + run.plan.tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    yield event(Kind.FINISH, "completed", response={**_response(run, "completed", [done]), "usage": usage})


def _response(run: Run, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"resp_{run.id}",
        "created_at": float(run.created),
        "model": run.model,
        "object": "response",
        "output": output,
        "parallel_tool_calls": False,
        "status": status,
        "tool_choice": "auto",
        "tools": [],
    }
