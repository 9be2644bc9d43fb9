"""Long texts, cut where a sentence or a line ends, so that time stays linear in their length. Pure.

Each piece is read with some of its neighbours' text on both sides; a finding counts where it starts. The gateway cuts
large pieces, for tasks that end within their deadline; the worker small ones, for what is not linear in Presidio.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from appliance.domain.privacy import Finding

_ENDS: Final = ("\n\n", "\n", ". ", "! ", "? ", "; ", ", ", " ")


class Piece(NamedTuple):
    """text[start:end] is read; findings that start within core..core_end count."""

    start: int
    end: int
    core: int
    core_end: int


def pieces(text: str, core: int, margin: int) -> Iterator[Piece]:
    """Cores follow one another and cover the text. A margin, in characters, is longer than what is looked for."""
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


def together(parts: Iterable[tuple[Piece, Iterable[Finding]]]) -> tuple[Finding, ...]:
    """The findings of consecutive pieces as findings of the text: sorted, none overlapping another."""
    whole: list[Finding] = []
    for piece, findings in parts:
        for one in findings:
            start, end = one.start + piece.start, one.end + piece.start
            if not piece.core <= start < piece.core_end:
                continue
            start = max(start, whole[-1].end) if whole else start  # one that crossed the border is longer than both saw
            if start < end:
                whole.append(Finding(start, end, one.entity, one.score, one.sure))
    return tuple(whole)
