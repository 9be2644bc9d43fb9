r"""JSON that travels as text inside a body: arguments of a tool call, the result of a tool.

It is read as one text, so that a key beside a value is its context (`"ssn": "…"`), with the strings decoded, so that
`M\u00fcller` and a name behind `\n` are seen as they are. It is written by changing single values where they stand:
every other byte, the order and the spelling stay, even where a key stands twice.
"""

import json
import re
from typing import Final, NamedTuple

REPLACEMENT: Final = "\ufffd"  # for half of a surrogate pair, which is no text
_TOKEN: Final = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"([ \t\r\n]*+:)?|-?[0-9][0-9.eE+-]*+', re.DOTALL)
_HALF: Final = re.compile("[\ud800-\udfff]")
# Models write bare line breaks into strings, and numbers of any length: neither is a reason to look less closely.
_DECODER: Final = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
_escape = json.encoder.encode_basestring
_escape_ascii = json.encoder.encode_basestring_ascii


class Span(NamedTuple):
    """A value: its place in the decoded text, and that of its token in the raw one."""

    start: int
    end: int
    raw_start: int
    raw_end: int


def decoded(raw: str) -> tuple[str, tuple[Span, ...]] | None:
    """The text as a reader sees it, and where its values are: strings and numbers, never keys.

    None for what is not a JSON object, array or string: that is plain text.
    """
    if raw.lstrip(" \t\r\n")[:1] not in {"{", "[", '"'}:
        return None
    try:
        _DECODER.decode(raw)
    except (ValueError, RecursionError):
        return None
    spans: list[Span] = []
    if "\\" not in raw and not _HALF.search(raw):
        for found in _TOKEN.finditer(raw):
            if found[2] is None:
                start, end = found.span()
                quote = found[1] is not None
                spans.append(Span(start + quote, end - quote, start, end))
        return raw, tuple(spans)
    return _unescaped(raw, spans)


def _unescaped(raw: str, spans: list[Span]) -> tuple[str, tuple[Span, ...]]:
    pieces: list[str] = []
    at = length = 0
    for found in _TOKEN.finditer(raw):
        start, end = found.span()
        quote = found[1] is not None
        inside = end - len(found[2] or "") - quote
        value = raw[start + quote : inside]
        if "\\" in value:
            value = _DECODER.decode(f'"{value}"')
        if quote:
            value = _HALF.sub(REPLACEMENT, value)
        before = raw[at : start + quote]
        pieces += (before, value)
        length += len(before)
        if found[2] is None:
            spans.append(Span(length, length + len(value), start, end))
        length += len(value)
        at = inside
    pieces.append(raw[at:])
    return "".join(pieces), tuple(spans)


def quoted(value: str) -> str:
    """A JSON string."""
    return _escape(value)


def quoted_like(value: str, around: str) -> str:
    """A JSON string that escapes what is not ASCII when the JSON `around` it does."""
    return _escape_ascii(value) if around.isascii() else _escape(value)


def escaped(value: str) -> str:
    """What stands between the quotes of a JSON string."""
    return _escape(value)[1:-1]
