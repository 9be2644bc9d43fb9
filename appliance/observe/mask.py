"""Keeps secrets and bodies out of log lines, whoever writes them: the last step before a line is made."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from appliance.domain.secret import Secret

MASK = "…"
_LONGEST = 8192  # characters of one value: a traceback fits, a body does not
_DEEPEST = 6

# The name of a value is enough to hide it. Compared without case, and with `-` as `_`.
_SECRET = frozenset({
    "api_key", "authorization", "cookie", "credential", "key", "master_key", "password", "pepper",
    "proxy_authorization", "salt", "secret", "set_cookie", "token", "x_api_key",
})  # fmt: skip
_BODY = frozenset({
    "answer", "arguments", "body", "choices", "content", "data", "delta", "input", "messages", "prompt", "suffix",
    "text", "tools",
})  # fmt: skip

_NAMED = r"(?i)\b(authorization|cookie|x-api-key|api[-_]key|password)(['\"]?\s*[:=]\s*['\"]?)[^\r\n'\"]+"
_PEM = r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
_PATTERNS = (
    # Our keys, whole. A hint (`rdt_LcKW…5csD`) is shorter, and made for people to see.
    (re.compile(r"rdt_[0-9A-Za-z]{5,}"), "rdt_" + MASK),
    (re.compile(r"\b(sk-|hf_|ghp_|xox[a-z]-)[0-9A-Za-z_-]{8,}"), r"\1" + MASK),
    (re.compile(_NAMED), r"\1\2" + MASK),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s'\",]+"), r"\1 " + MASK),
    (re.compile(r"://[^/\s@]+@"), "://" + MASK + "@"),
    (re.compile(_PEM, re.DOTALL), MASK),
)


def masked_text(text: str) -> str:
    """The text with everything that looks like a credential replaced by `…`, cut to a bound."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + MASK


def masked(value: Any, depth: int = 0) -> Any:
    """What may be written of a value: numbers as they are, text masked, bytes as their number, the rest as text."""
    match value:
        case None | bool() | int():
            return value
        case Secret():
            return MASK
        case bytes() | bytearray() | memoryview():
            return f"{len(value)} bytes"
        case Mapping() | list() | tuple() | set() | frozenset():
            return _within(value, depth + 1) if depth < _DEEPEST else MASK
        case _:
            return value if isinstance(value, float) and isfinite(value) else masked_text(str(value))


def _within(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {masked_text(str(name)): _named(str(name), inner, depth) for name, inner in value.items()}
    return [masked(inner, depth) for inner in value]


def _named(name: str, value: Any, depth: int) -> Any:
    plain = name.lower().replace("-", "_")
    return MASK if plain in _SECRET or plain in _BODY else masked(value, depth)


def mask_line(_logger: object, _method: str, line: Mapping[str, Any]) -> Mapping[str, Any]:
    """As a structlog processor: the fields of one line."""
    return {name: _named(name, value, 0) for name, value in line.items()}
