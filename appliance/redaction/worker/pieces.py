"""Long texts, cut where a sentence or a line ends, so that time stays linear in their length. Pure.

Each piece is read with some of its neighbours' text on both sides; a finding counts where it starts.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

CORE: Final = 3000  # characters
MARGIN: Final = 240  # on both sides: longer than any pattern that is run on pieces
_ENDS: Final = ("\n\n", "\n", ". ", "! ", "? ", "; ", ", ", " ")


class Piece(NamedTuple):
    """text[start:end] is read; findings that start within core..core_end count."""

    start: int
    end: int
    core: int
    core_end: int


def pieces(text: str, core: int = CORE, margin: int = MARGIN) -> Iterator[Piece]:
    """Cores follow one another and cover the text."""
    at, size = 0, len(text)
    while at < size:
        end = size if size - at <= core + margin else _cut(text, at + core // 2, at + core)
        yield Piece(_back(text, at, margin), _on(text, end, margin), at, end)
        at = end


def _cut(text: str, low: int, high: int) -> int:
    """The best place to end a core: after a paragraph, a line, a sentence, a word; else anywhere."""
    for mark in _ENDS:
        found = text.rfind(mark, low, high)
        if found >= 0:
            return found + len(mark)
    return high


def _back(text: str, at: int, margin: int) -> int:
    """Where reading begins: not within a word, if there is a space to begin after."""
    low = max(0, at - margin)
    if low == 0:
        return 0
    space = text.find(" ", low, at)
    return low if space < 0 else space + 1


def _on(text: str, at: int, margin: int) -> int:
    high = min(len(text), at + margin)
    if high == len(text):
        return high
    space = text.rfind(" ", at, high)
    return high if space < 0 else space
