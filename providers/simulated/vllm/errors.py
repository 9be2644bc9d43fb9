"""How vLLM refuses. `code` is an integer in its errors; an unauthorized request gets a bare string instead."""

import json
import re
from typing import Any, TypeVar

import msgspec

from providers.simulated.service import Refusal

BUSY = "The engine is currently busy and cannot accept new requests. Please try again later or on a different instance."
NOT_FOUND = Refusal(status=404, body=b'{"detail":"Not Found"}')
_Body = TypeVar("_Body")
UNAUTHORIZED = Refusal(status=401, body=b'{"error":"Unauthorized"}')


class Refused(Exception):
    """A request that is answered with an error, before or (in a stream) behind a 200."""

    def __init__(self, status: int, message: str, kind: str = "BadRequestError", param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param

    @property
    def body(self) -> dict[str, Any]:
        """The error object."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.status}}


def busy() -> Refused:
    return Refused(503, BUSY, "Service Unavailable")


def dead() -> Refused:
    return Refused(
        500, "EngineCore encountered an issue. See stack trace (above) for the root cause.", "InternalServerError"
    )


def not_allowed(methods: tuple[str, ...]) -> Refusal:
    """Another method would do."""
    return Refusal(status=405, body=b'{"detail":"Method Not Allowed"}', headers={"allow": ", ".join(sorted(methods))})


def no_model(name: str, served: tuple[str, ...]) -> Refused:
    message = f"The model `{name}` does not exist. Valid aliases: {', '.join(served)}."
    return Refused(404, message, "NotFoundError", "model")


def too_long(window: int) -> Refused:
    message = (
        f"This model's maximum context length is {window} tokens. However, your prompt contains at least {window + 1} "
        "input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input "
        f"prompt. (parameter=input_tokens, value={window + 1})"
    )
    return Refused(400, message, param="input_tokens")


def too_many(asked: int, window: int, param: str) -> Refused:
    message = (
        f"{param}={asked} cannot be greater than max_model_len={window}. Please request fewer output tokens. "
        f"(parameter={param}, value={asked})"
    )
    return Refused(400, message, param=param)


def bad_grammar(reason: str) -> Refused:
    return Refused(400, f"Failed to transform json schema into a grammar: {reason}")


def wrong(param: str, message: str, more: str = "") -> Refused:
    """A parameter that cannot be; its name, and sometimes its value, stand at the end of the text."""
    return Refused(400, f"{message} (parameter={param}{more})", param=param)


def invalid(kind: str, where: str, message: str, errors: int = 1) -> Refused:
    """What its validation says of a body: one line per error, as Python prints a dict; here the first of `errors`."""
    count = f"{errors} validation error{'s' if errors > 1 else ''}"
    text = f"{count}:\n  {{'type': '{kind}', 'loc': '{where}', 'msg': {message!r}}}"
    return Refused(400, text, "Bad Request", where)


def decoded(raw: bytes, kind: type[_Body]) -> _Body:
    """A request's body. Raises Refused 400."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        raise _undecodable(error, raw) from error


def _undecodable(error: msgspec.DecodeError, raw: bytes) -> Refused:
    """The validation error for a body that is not JSON (it names the position), or has a wrong type somewhere."""
    if not isinstance(error, msgspec.ValidationError):
        return invalid("json_invalid", f"body.{_position(raw)}", "JSON decode error")
    where = re.search(r"`\$\.?([^`]*)`", str(error))
    wanted = re.search(r"Expected `(\w+)", str(error))
    path = re.sub(r"\[(?:\.\.\.|\d+)\]", ".0", where[1]) if where else ""
    missing = re.search(r"missing required field `(\w+)`", str(error))
    if missing:
        return invalid("missing", f"body.{missing[1]}", "Field required")
    kind = _TYPES.get(wanted[1] if wanted else "", "value")
    return invalid(f"{kind}_type", f"body.{path}".rstrip("."), f"Input should be a valid {kind}")


def _position(raw: bytes) -> int:
    try:
        json.loads(raw)
    except json.JSONDecodeError as error:
        return error.pos
    except UnicodeDecodeError as error:
        return error.start
    return 0


_TYPES = {"array": "list", "object": "dict", "str": "string", "int": "int", "float": "float", "bool": "bool"}
