"""What a site adds: patterns of its own, and texts that always are a finding. `resolve` knows those that never are.

They are written in Unicode and read the text itself. RE2 compiles them, so none takes more than linear time.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import re2

from appliance.domain.privacy import Entity, Finding, SitePattern
from appliance.redaction.recognisers.recogniser import WINDOW, WINDOW_AFTER

MEMORY: Final = 8 * 1024 * 1024
UNSPACED: Final = 0x2E80  # from here on: Chinese, Japanese and their neighbours
LIFT: Final = 0.35  # as Presidio's enhancer adds


def compile_pattern(pattern: str) -> re2._Regexp:
    """Raises ValueError, saying what RE2 refuses: look-around, back-references, size, a match of nothing at all."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as refused:
        reason = refused.args[0] if refused.args else "not a pattern"
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"pattern `{pattern}`: {reason}; RE2 has no look-around and no back-references") from refused
    if compiled.search("") is not None:
        raise ValueError(
            f"pattern `{pattern}`: matches the empty text, so it would be found everywhere; ask for one "
            f"character at least"
        )
    return compiled


class Utf8:
    """A text in UTF-8, and where its bytes stand in characters."""

    def __init__(self, text: str) -> None:
        self.data = text.encode("utf-8", "replace")  # a lone surrogate becomes `?`: one character as before
        self._same = len(self.data) == len(text)
        self._bytes = self._characters = 0

    def place(self, byte: int) -> int:
        """The character at `byte`. Cheap when asked in rising order."""
        if self._same:
            return byte
        if byte < self._bytes:
            self._bytes = self._characters = 0
        self._characters += len(self.data[self._bytes : byte].decode("utf-8", "replace"))
        self._bytes = byte
        return self._characters


class SitePatterns:
    """The patterns of an analysis. A match of nothing is passed over."""

    def __init__(self, patterns: Sequence[SitePattern]) -> None:
        self.entities: tuple[Entity, ...] = tuple(sorted({one.entity for one in patterns}))
        self._patterns = tuple((one, compile_pattern(one.pattern), _words(one.context)) for one in patterns)

    def find(self, text: str) -> Iterator[Finding]:
        data = text.encode("utf-8", "replace")
        for pattern, compiled, words in self._patterns:
            places = Utf8(text)
            for match in compiled.finditer(data):
                start, end = match.span()
                if start == end:
                    continue
                score = pattern.score
                if words and words.search(data[max(0, start - WINDOW) : start] + b" " + data[end : end + WINDOW_AFTER]):
                    score = min(1.0, score + LIFT)
                yield Finding(places.place(start), places.place(end), pattern.entity, score)


def _words(words: Sequence[str]) -> re2._Regexp | None:
    if not words:
        return None
    return re2.compile(r"(?i)(?:^|[^\pL])(?:" + "|".join(re2.escape(one) for one in words) + r")(?:[^\pL]|$)")


class Denied:
    """Texts that always are a finding, as words of their own and without regard to case."""

    def __init__(self, denied: Sequence[tuple[Entity, str]]) -> None:
        wanted = [(entity, text) for entity, text in denied if text.strip()]
        self.entities: tuple[Entity, ...] = tuple(sorted({entity for entity, _ in wanted}))
        self._patterns = tuple(
            (
                entity,
                re2.compile(
                    "(?i)" + "|".join(_literal(text) for of, text in sorted(wanted, key=_longest) if of == entity)
                ),
            )
            for entity in self.entities
        )

    def find(self, text: str) -> Iterator[Finding]:
        data = text.encode("utf-8", "replace")
        for entity, pattern in self._patterns:
            places = Utf8(text)
            for match in pattern.finditer(data):
                start, end = places.place(match.start()), places.place(match.end())
                if not (_joined(text, start) or _joined(text, end)):
                    yield Finding(start, end, entity, 1.0, sure=True)


def _literal(text: str) -> str:
    escaped: str = re2.escape(text.strip())
    return escaped


def _longest(denied: tuple[Entity, str]) -> int:
    return -len(denied[1])


def _joined(text: str, place: int) -> bool:
    """Whether letters or digits meet at `place`, in a script that puts spaces between its words."""
    return 0 < place < len(text) and all(one.isalnum() and ord(one) < UNSPACED for one in text[place - 1 : place + 1])
