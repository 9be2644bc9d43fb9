"""A text cut where sentences end: long texts are read as the short ones that were learned from, side by side."""

from collections.abc import Sequence
from typing import Final

SHORTEST: Final = 8  # words
LINES: Final = 40
LONG: Final = 60
LONGEST: Final = 120
_ENDS: Final = frozenset(".!?…")


def stretches(words: Sequence[str]) -> list[int]:
    """How many words each stretch has; together all of them.

    A stretch ends with a paragraph, or with a sentence when eight words have gone by. Lines may be those of one
    address: one ends a stretch of forty words. One of sixty ends before the next word in lower case, where no name goes
    on.
    """
    found: list[int] = []
    length = 0
    for at, word in enumerate(words):
        length += 1
        following = words[at + 1] if at + 1 < len(words) else ""
        if not following:
            continue
        if (
            word.count("\n") > 1
            or ("\n" in word and length >= LINES)
            or (length >= SHORTEST and word[-1:] in _ENDS and len(word) == 1 and not following[:1].islower())
            or (length >= LONG and following[:1].islower() and word[-1:].islower())
            or length >= LONGEST
        ):
            found.append(length)
            length = 0
    if length:
        found.append(length)
    return found
