"""Placeholders back into what they stand for, in a whole text or in pieces, with the same result.

Held back is only the end of a piece that may still become a placeholder of this very request: at most 39 characters.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

from appliance.redaction.embedded import escaped, quoted

LONGEST: Final = 40  # characters of a placeholder
BRACKETED: Final = re.compile(r"\[[A-Za-z][A-Za-z0-9_]{1,37}\]")
_QUOTES: Final = re.compile(r'["\\]')


class Table:
    """What the placeholders of a request stand for, and which of them came back."""

    __slots__ = ("_sorted", "_values", "restored")

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._sorted = sorted(values)
        self.restored: set[str] = set()  # placeholders, not values

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Table({len(self._values)})"

    def value(self, word: str) -> str | None:
        """What a word in brackets stands for, however its letters are cased; None when it stands for itself."""
        upper = word.upper()
        value = self._values.get(upper)
        if value is not None:
            self.restored.add(upper)
        return value

    def begins(self, piece: str) -> bool:
        """Whether a placeholder begins with `piece` and goes on."""
        upper = piece.upper()
        at = bisect_left(self._sorted, upper)
        return at < len(self._sorted) and self._sorted[at].startswith(upper) and self._sorted[at] != upper


class Restorer:
    """One text that comes in pieces."""

    __slots__ = ("_held", "_table")

    def __init__(self, table: Table) -> None:
        self._table = table
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be said by now."""
        if self._held:
            text = self._held + text
            self._held = ""
        at = text.rfind("[", 1 - LONGEST)
        if at >= 0 and self._table.begins(text[at:]):
            self._held = text[at:]
            text = text[:at]
        return self._put_back(text) if text else text

    def end(self) -> str:
        """The rest, when nothing more comes."""
        rest, self._held = self._held, ""
        return self._put_back(rest) if rest else rest

    def _put_back(self, text: str) -> str:
        return BRACKETED.sub(self._value, text) if "[" in text else text

    def _value(self, found: re.Match[str]) -> str:
        value = self._table.value(found[0])
        return found[0] if value is None else value


class JsonRestorer(Restorer):
    """A text that is JSON, if it begins like it: a value lands inside a string, or becomes one where JSON expects one.

    Arguments that begin with anything but `{`, `[` or `"` are plain text.
    """

    __slots__ = ("_before", "_escape", "_json", "_string")

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._json: bool | None = None  # not known yet
        self._string = False  # inside quotes
        self._escape = False  # behind a backslash
        self._before = ""  # the last character that is no space

    def _put_back(self, text: str) -> str:
        if "[" not in text:
            self._read(text)
            return text
        pieces: list[str] = []
        at = 0
        for found in BRACKETED.finditer(text):
            value = self._table.value(found[0])
            if value is not None:
                before = text[at : found.start()]
                self._read(before)
                pieces += (before, self._dressed(value))
                at = found.end()
        self._read(text[at:])
        pieces.append(text[at:])
        return "".join(pieces)

    def _dressed(self, value: str) -> str:
        if self._json is None:
            self._json = False
        self._escape = False
        if not self._json:
            return value
        if self._string:
            return escaped(value)
        return quoted(value) if self._before and self._before in ":[," else value

    def _read(self, text: str) -> None:
        """Follow the quotes: all that has to be known of JSON here."""
        if self._json is None:
            begun = text.lstrip(" \t\r\n")
            if begun:
                self._json = begun[0] in '{["'
        if not self._json or not text:
            return
        self._before = text.rstrip(" \t\r\n")[-1:] or self._before
        behind = 0 if self._escape else -1  # the place of a character that is escaped
        self._escape = False
        for found in _QUOTES.finditer(text):
            at = found.start()
            if at == behind:
                continue
            if found[0] == '"':
                self._string = not self._string
            elif self._string:
                behind = at + 1
        self._escape = behind == len(text)
