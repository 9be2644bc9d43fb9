"""Which request targets are read: origin-form (RFC 9112 §3.2.1) of RFC 3986 characters, that means one thing only."""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

_PATH = rb"/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*(?:%[0-9A-Fa-f]{2}[A-Za-z0-9\-._~!$&'()*+,;=:@/]*)*"
_IN_QUERY = rb"[A-Za-z0-9\-._~!$&'()*+,;=:@/?\[\]]*"  # `[` and `]` too: every client sends them as they are
_QUERY = rb"(?:\?" + _IN_QUERY + rb"(?:%[0-9A-Fa-f]{2}" + _IN_QUERY + rb")*)?"
_ORIGIN = re.compile(_PATH + _QUERY).fullmatch
_CONTROL = re.compile(rb"[\x00-\x1f\x7f\\]").search


_REMEMBERED = 256
_SHORT = 128


class Target(NamedTuple):
    """A sound target, as ASGI's scope tells it."""

    path: str
    raw_path: bytes
    query: bytes


class Targets:
    """Remembers sound targets, so that the next request for one costs a look-up. Bounded: 256 of 128 bytes."""

    def __init__(self) -> None:
        self._sound: dict[bytes, Target] = {}

    def objection(self, target: bytes) -> str | None:
        """As the function of that name."""
        if target in self._sound:
            return None
        problem = objection(target)
        if problem is None and len(target) <= _SHORT and len(self._sound) < _REMEMBERED:
            self._sound[target] = _split(target)
        return problem

    def split(self, target: bytes) -> Target:
        """The parts of a target that `objection` has nothing against."""
        return self._sound.get(target) or _split(target)


def _split(target: bytes) -> Target:
    raw_path, _, query = target.partition(b"?")
    return Target(unquote_to_bytes(raw_path).decode(), raw_path, query)


def objection(target: bytes) -> str | None:
    """Why this target is refused, in words for the client; None when it is sound.

    Beyond the grammar: no `.` or `..` segment, no `//` and no encoded control character or backslash, since what stands
    before or behind us may read those differently; and a path that is not UTF-8 names nothing of ours.
    """
    if _ORIGIN(target) is None:
        return "the request target must be a path of URI characters that starts with `/`"
    path = target.partition(b"?")[0]
    if b"%" in path:
        path = unquote_to_bytes(path)
        if _CONTROL(path):
            return "the path holds an encoded control character or backslash"
        try:
            path.decode()
        except UnicodeDecodeError:
            return "the path is not UTF-8"
    if b"//" in path:
        return "the path holds an empty segment"
    if b"/." in path and not {b".", b".."}.isdisjoint(path.split(b"/")):
        return "the path holds a `.` or `..` segment"
    return None
