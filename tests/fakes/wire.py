"""What a fake inference server says, as bytes."""

import json
from typing import Any

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
UPSTREAM_ID = "chatcmpl-upstream7"


def delta(text: str, choice: int = 0, **more: Any) -> bytes:
    """One chunk of a chat stream."""
    return event({"choices": [{"index": choice, "delta": {"content": text}, "finish_reason": None}], **more})


def finish(choice: int = 0) -> bytes:
    return event({"choices": [{"index": choice, "delta": {}, "finish_reason": "stop"}]})


def usage(prompt: int = 7, completion: int = 5, cached: int = 0) -> bytes:
    told = {"prompt_tokens": prompt, "completion_tokens": completion, "cached_tokens": cached}
    return event({"choices": [], "usage": told})


def event(body: dict[str, Any]) -> bytes:
    whole = {
        "id": UPSTREAM_ID,
        "model": "upstream/secret-name",
        "object": "chat.completion.chunk",
        "created": 1,
        **body,
    }
    return b"data: " + json.dumps(whole).encode() + b"\n\n"


def error(code: str = "", message: str = "out of memory", **more: Any) -> bytes:
    return b"data: " + json.dumps({"error": {"code": code, "message": message, **more}}).encode() + b"\n\n"


def refusal(code: str = "", message: str = "no", **more: Any) -> bytes:
    """Body of an answer that is not 200."""
    return json.dumps({"error": {"code": code, "message": message, **more}}).encode()


def whole(text: str = "hello", choices: int = 1, usage: dict[str, int] | None = None) -> bytes:
    told = {
        "id": UPSTREAM_ID,
        "object": "chat.completion",
        "created": 1,
        "model": "upstream/secret-name",
        "choices": [
            {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            for index in range(choices)
        ],
    }
    return json.dumps({**told, **({"usage": usage} if usage else {})}).encode()


def stream(*texts: str, end: bytes = DONE) -> bytes:
    """A whole chat stream of one choice; without an `end` it breaks off after the last text."""
    return b"".join(delta(text) for text in texts) + (finish() + end if end else b"")


def said(answer: bytes, choice: int = 0) -> str:
    """All content of one choice of a stream."""
    events = [json.loads(line[6:]) for line in answer.split(b"\n\n") if line.startswith(b"data: {")]
    deltas = [one["delta"] for event in events for one in event.get("choices", ()) if one["index"] == choice]
    return "".join(delta.get("content") or "" for delta in deltas)
