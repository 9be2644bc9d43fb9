"""The JSON of `/generate` and `/generate_stream`."""

from collections.abc import Iterator
from typing import Any

import msgspec

from providers.simulated.compose import Plan
from providers.simulated.events import Event, Kind
from providers.simulated.generate import logprob, seed_of, token_ids
from providers.simulated.tgi.reading import Generation, NativeBody

_REASONS = {"stop": "eos_token", "length": "length", "stop_string": "stop_sequence"}


def _details(made: Generation) -> dict[str, Any]:
    return {
        "finish_reason": _REASONS[made.plan.finish],
        "generated_tokens": made.plan.tokens,
        "seed": made.seed,
    }


def _text(body: NativeBody, made: Generation) -> str:
    return (body.inputs if body.parameters.return_full_text else "") + made.plan.content


def whole(body: NativeBody, made: Generation) -> dict[str, Any]:
    """The answer to `/generate`."""
    answer: dict[str, Any] = {"generated_text": _text(body, made)}
    if body.parameters.details:
        tokens = [_token(piece, at, special=False) for at, piece in enumerate(made.plan.text)]
        answer["details"] = {**_details(made), "prefill": [], "tokens": tokens}
    return answer


def events(body: NativeBody, made: Generation) -> Iterator[Event]:
    """The events of `/generate_stream`; there is no [DONE]."""
    tokens = [(piece, False) for piece in made.plan.text]
    if made.plan.finish == "stop":
        tokens.append(("</s>", True))
    for at, (piece, special) in enumerate(tokens):
        last = at == len(tokens) - 1
        details = {**_details(made), "input_length": made.tokens} if last and body.parameters.details else None
        event = {
            "index": at + 1,
            "token": _token(piece, at, special=special),
            "top_tokens": [],
            "generated_text": _text(body, made) if last else None,
            "details": details,
        }
        yield Event(Kind.FINISH if last else Kind.TOKEN, msgspec.json.encode(event))


def _token(piece: str, at: int, *, special: bool) -> dict[str, Any]:
    identity = 2 if special else (token_ids(piece) or [0])[0]
    return {"id": identity, "text": piece, "logprob": logprob(seed_of(piece), at), "special": special}


def headers(plan: Plan, prompt_tokens: int, text: str, *, took_ms: int) -> dict[str, str]:
    """What a whole answer's headers report, in milliseconds."""
    return {
        "x-compute-type": "gpu+optimized",
        "x-compute-time": str(took_ms / 1000),
        "x-compute-characters": str(len(text)),
        "x-total-time": str(took_ms),
        "x-validation-time": "0",
        "x-queue-time": "0",
        "x-inference-time": str(took_ms),
        "x-time-per-token": str(took_ms // max(1, plan.tokens)),
        "x-prompt-tokens": str(prompt_tokens),
        "x-generated-tokens": str(plan.tokens),
    }


STREAM_HEADERS = {"x-compute-type": "gpu+optimized", "x-compute-characters": "0", "x-accel-buffering": "no"}
