"""Bytes of a request body into one JSON object, or a clear refusal. Decoded once; never forwarded raw.

A duplicate key would let a client show one model name to the check and another to the server (a last-wins and a
first-wins parser differ); a case twin does the same to servers that match field names without regard to case.
"""

import json
import math
import re
from typing import Any, Final, NoReturn

import msgspec

from appliance.domain.errors import BadRequest
from appliance.domain.upstream import Body

MOST_VALUES = 2_000_000  # commas and brackets; far beyond 2048 token-id prompts, far below a minute of CPU
# Possessive, and an open string runs to the end: without both, an unterminated string costs quadratic time.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
STRUCTURE = (b",", b"[", b"]", b"{", b"}")
_SQUARE = bytes.maketrans(b"{}", b"[]")
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
CONTROLS = frozenset({
    "max_completion_tokens", "max_tokens", "messages", "model", "n", "prompt", "stream", "stream_options", "tools"
})  # fmt: skip


MESSAGE = frozenset({"content", "role", "tool_calls"})
PART = frozenset({"image_url", "text", "type", "url"})


class _Refused(ValueError):
    pass


def decode(raw: bytes, depth: int = 64) -> Body:
    """Raises BadRequest: not JSON, not an object, nested deeper than `depth`, duplicate or case-twin keys, NaN."""
    body = check_json(raw, depth)
    if not isinstance(body, dict):
        raise BadRequest(f"the body must be a JSON object, not {_kind(body)}")
    _refuse_twins(body)
    return body


def check_json(raw: bytes, depth: int = 64) -> Any:
    """Any JSON value. Raises BadRequest as `decode` does; case twins are let through."""
    if len(raw) > MOST_VALUES and sum(map(raw.count, STRUCTURE)) > MOST_VALUES:
        raise BadRequest(f"the body holds more than {MOST_VALUES:,} values")
    if too_deep(raw, depth):
        raise BadRequest(f"the body is nested deeper than {depth} levels")
    try:
        value = _QUICK.decode(raw)
        if b"\\u003" not in raw and raw.count(b":") == _encode(value).count(b":"):
            return value
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError):
        pass  # whatever it is, it is said below in better words
    return _slowly(raw)


def _slowly(raw: bytes) -> Any:
    """With a look at every key, and clear words for what is wrong."""
    try:
        value = _DECODER.decode(raw.decode())
    except _Refused as error:
        raise BadRequest(str(error)) from None
    except UnicodeDecodeError:
        raise BadRequest("the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error.msg} at byte {error.pos}") from None
    except (RecursionError, ValueError):
        raise BadRequest("the body is not JSON that can be read: a number or a nesting is out of range") from None
    if _SURROGATE.search(raw):
        _refuse_surrogates(value)
    return value


def too_deep(raw: bytes, depth: int) -> bool:
    """Whether brackets outside strings nest deeper than `depth`, found at the speed of C and without recursion."""
    if raw.count(b"[") + raw.count(b"{") <= depth:
        return False
    left = _STRING.sub(b"", raw).translate(_SQUARE, _OTHERS)
    if b"[" * (depth + 1) in left:  # the usual attack, found without a round
        return True
    for _ in range(depth):
        left = left.replace(b"[]", b"")  # the innermost pairs go; what is left is one less deep
        if not left:
            return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _Refused(f"the key `{name[:64]}` stands twice in one object")
            seen.add(name)
    return made


def _constant(name: str) -> NoReturn:
    raise _Refused(f"`{name}` is no JSON number (RFC 8259 §6)")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Refused(f"`{digits[:32]}` is beyond what a number can hold")
    return number


# A key that stands twice is lost in decoding, and its colon with it: encoded again, the body has fewer than came. Only
# an escaped colon could make up for it, so a body with one is read slowly. Half the time of a look at every key.
_QUICK: Final = msgspec.json.Decoder()
_encode: Final = msgspec.json.Encoder().encode
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)


def _refuse_twins(body: Body) -> None:
    _twins(body, CONTROLS)
    messages = body.get("messages")
    if isinstance(messages, list):
        for message in messages:
            if isinstance(message, dict):
                _refuse_twins_of(message)


def _refuse_twins_of(message: Body) -> None:
    """A message, its parts, and what lies in these (`image_url`)."""
    if not message.keys() <= MESSAGE:
        _twins(message, MESSAGE)
    content = message.get("content")
    if isinstance(content, str):
        return
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict):
            _twins(part, PART)
            for value in part.values():
                if isinstance(value, dict):
                    _twins(value, PART)


def _twins(body: Body, reserved: frozenset[str]) -> None:
    """Names a user chose (metadata, tool schemas) lie deeper and keep their case."""
    names = "".join(body)
    if names.isascii() and names == names.lower():  # nothing to fold, so no two that fold to one
        return
    folded = {name.casefold() for name in body}
    if len(folded) != len(body):
        raise BadRequest("two keys of one object differ only by case")
    for name in body:
        if name not in reserved and name.casefold() in reserved:
            raise BadRequest(f"`{name[:64]}` is spelled `{name.casefold()}` here", param=name[:64])


def _refuse_surrogates(body: object) -> None:
    try:
        msgspec.json.encode(body)
    except UnicodeEncodeError:
        raise BadRequest("the body holds half of a surrogate pair, which is no text") from None


def _kind(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")
