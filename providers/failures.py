"""What an upstream's error means: from any shape and text these servers are known to send, to one `Failure`.

Statuses decide first of all, texts only where a status is missing or says too little. Texts are matched at their start
(or, for an overlong prompt, anywhere), because an upstream may echo the client's words: a prompt must not be able to
talk a healthy deployment into its cooldown.
"""

from typing import Any, Final

import msgspec

from appliance.domain.upstream import Failure, FailureKind, UpstreamError

MAX_MESSAGE = 1000  # characters kept of an upstream's text
_DECODER: Final = msgspec.json.Decoder()

# Anywhere in the text, lower case: vLLM new and old, SGLang, llama.cpp, Ollama, TGI.
_CONTEXT_TEXTS: Final = (
    "maximum context length is",
    "maximum context length of",
    "cannot be greater than max_model_len",
    "reduce the length of the messages or completion",
    "exceeds the available context size",
    "the prompt is longer than the context length currently available to the model",
    "the input length exceeds the context length",
    "input exceeds maximum context length and cannot be truncated further",
    "input after truncation exceeds maximum context length",
    "`inputs` must have less than",
    "`inputs` tokens + `max_new_tokens` must be <=",
)
_CONTEXT_CODES: Final = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_CONTEXT_STATUSES: Final = frozenset({None, 400, 413, 422, 500})
_LENGTH_FIELDS: Final = frozenset({"max_tokens", "max_completion_tokens"})

# At the start of the text, lower case. The first five say nothing of the client's words even inside a 422 (TGI).
_STARTS: Final = (
    ("the engine is currently busy", FailureKind.OVERLOAD),
    ("the engine has reached its prefill token backlog limit", FailureKind.OVERLOAD),
    ("server busy, please try again", FailureKind.OVERLOAD),
    ("model is overloaded", FailureKind.OVERLOAD),
    ("loading model", FailureKind.OVERLOAD),
    ("request failed during generation", FailureKind.GENERATION),
    ("incomplete generation", FailureKind.INCOMPLETE),
    ("server is pinned to", FailureKind.NOT_FOUND),
    ("no models loaded", FailureKind.NOT_FOUND),
)
_DEAD_STARTS: Final = ("enginecore encountered an issue", "enginedeaderror", "background loop has errored")

_BY_STATUS: Final = {
    401: FailureKind.AUTH,
    403: FailureKind.AUTH,
    404: FailureKind.NOT_FOUND,
    405: FailureKind.NOT_FOUND,
    407: FailureKind.PROTOCOL,
    408: FailureKind.TIMEOUT,
    410: FailureKind.NOT_FOUND,
    415: FailureKind.PROTOCOL,
    424: FailureKind.GENERATION,  # TGI's word for a failed generation
    425: FailureKind.OVERLOAD,
    429: FailureKind.OVERLOAD,
    501: FailureKind.NOT_FOUND,  # llama.cpp: this server was not started for that
    502: FailureKind.DEAD,  # a reverse proxy before the server
    503: FailureKind.OVERLOAD,
    504: FailureKind.TIMEOUT,
}


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """An upstream's error in its own words."""

    message: str
    type: str | None = None
    code: str | int | None = None
    param: str | None = None
    status: int | None = None  # the status the error object itself names


def failed(kind: FailureKind, message: str) -> UpstreamError:
    """The error for an answer that failed in this way."""
    return UpstreamError(Failure(kind=kind, message=message))


def malformed(what: str) -> UpstreamError:
    """The error for bytes that are not what this dialogue allows: `what` completes "the endpoint sent …"."""
    return failed(FailureKind.PROTOCOL, f"the endpoint sent {what}")


def read_json(data: bytes) -> Any:
    """Decode bytes of an upstream. Raises UpstreamError (PROTOCOL)."""
    try:
        return _DECODER.decode(data)
    except (ValueError, RecursionError) as e:  # nested too deep is a RecursionError
        raise malformed("bytes that are not JSON") from e


def said_in(body: Any) -> Said | None:
    """The error a decoded object carries, in any of the known shapes; None when it carries none."""
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    if isinstance(error, str) and error:  # Ollama, TGI, vLLM's 401
        return _wrapped(error) or Said(message=_text(error), type=_string(body.get("error_type")))
    if isinstance(error, dict):  # OpenAI, vLLM, llama.cpp; TGI's chat route
        return _said(error)
    # vLLM before 0.10, SGLang; or FastAPI
    return _said(body) if body.get("object") == "error" else _detailed(body.get("detail"))


def _wrapped(text: str) -> Said | None:
    """The error of llama.cpp's server that Ollama passes on as text."""
    if not text.startswith('{"error":{'):
        return None
    try:
        error = read_json(text.encode()).get("error")
    except UpstreamError:
        return None
    return _said(error) if isinstance(error, dict) else None


def _detailed(detail: Any) -> Said | None:
    if isinstance(detail, str):
        return Said(message=_text(detail))
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):  # a 422
        first = detail[0]
        where = first.get("loc")
        path = [str(step) for step in where if step != "body"] if isinstance(where, list) else []
        return Said(message=_text(str(first.get("msg", "not valid"))), param=".".join(path) or None)
    return None


def classify(status: int, body: bytes) -> Failure:
    """Why an answer with this status came. Never raises."""
    try:
        said = said_in(read_json(body))
    except UpstreamError:
        said = None
    if said is None:
        said = Said(message=_plain(body) or f"the endpoint answered {status} and gave no reason")
    return failure(said, status)


def failure(said: Said, status: int | None) -> Failure:
    """The failure for an error that came with `status`; None inside a stream, where the error's own status counts."""
    at = said.status if status is None else status
    return Failure(
        kind=_kind(said, at),
        message=said.message,
        status=at,
        param=said.param,
        code=said.code if isinstance(said.code, str) else None,
    )


def _kind(said: Said, status: int | None) -> FailureKind:
    text = said.message.lower()
    if status in _CONTEXT_STATUSES and _overlong(said, text):
        return FailureKind.CONTEXT
    for start, kind in _STARTS:
        if text.startswith(start):
            return kind
    if (status is None or status >= 500) and text.startswith(_DEAD_STARTS):
        return FailureKind.DEAD
    return FailureKind.GENERATION if status is None else _BY_STATUS.get(status, _by_class(status))


def _by_class(status: int) -> FailureKind:
    if status >= 500:
        return FailureKind.GENERATION
    return FailureKind.BAD_REQUEST if status >= 400 else FailureKind.PROTOCOL


def _overlong(said: Said, text: str) -> bool:
    """True for a prompt that is too long; False for an answer asked too long, which a shorter prompt would not cure."""
    if said.param in _LENGTH_FIELDS or text.startswith(("max_tokens=", "max_completion_tokens=")):
        return False
    if said.param == "input_tokens" or said.code in _CONTEXT_CODES or said.type in _CONTEXT_CODES:
        return True
    return any(known in text for known in _CONTEXT_TEXTS)


def _said(error: dict[Any, Any]) -> Said:
    code = error.get("code")
    status = error.get("http_status_code", code)
    message = error.get("message")
    param = _string(error.get("param"))
    return Said(
        message=_text(message) if isinstance(message, str) and message else "the endpoint gave no reason",
        type=_string(error.get("type")),
        code=code if isinstance(code, str | int) else None,
        param=param.removeprefix("body.") if param else None,
        status=status if isinstance(status, int) and 400 <= status < 600 else None,
    )


def _text(message: str) -> str:
    # vLLM's 404 goes on to list every other model it serves.
    return message.partition(" Valid aliases:")[0][:MAX_MESSAGE]


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _plain(body: bytes) -> str | None:
    """The text of a body that is not JSON, unless it is a page or not text at all."""
    text = body[:MAX_MESSAGE].decode("utf-8", "ignore").strip()
    return text if text and not text.startswith("<") and text.isprintable() else None
