"""Names as one tag for each word (BIOES): a name begins there, goes on, ends, or stands alone."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Span: TypeAlias = tuple[int, int, str]  # words [from, to), label
OUTSIDE: Final = "O"
ANY: Final = -1  # a word of which nothing is known


@cache
def tags_of(labels: tuple[str, ...]) -> tuple[str, ...]:
    return (OUTSIDE, *(f"{place}-{label}" for label in labels for place in "BIES"))


def may_begin(tag: str) -> bool:
    return tag[0] in "OBS"


def may_end(tag: str) -> bool:
    return tag[0] in "OES"


def may_follow(first: str, second: str) -> bool:
    """Inside a name comes more of the same name, or its end; elsewhere anything that begins."""
    return may_begin(second) if may_end(first) else second[0] in "IE" and first[2:] == second[2:]


@cache
def follows(tags: tuple[str, ...]) -> NDArray[np.bool_]:
    """(tags, tags): whether the second may come right after the first."""
    return np.array([[may_follow(first, second) for second in tags] for first in tags])


def spans_of(path: Iterable[int], tags: Sequence[str]) -> list[Span]:
    """The names along a path that `follows` allows."""
    found: list[Span] = []
    begun = 0
    for at, number in enumerate(path):
        tag = tags[number]
        if tag[0] in "BS":
            begun = at
        if tag[0] in "ES":
            found.append((begun, at + 1, tag[2:]))
    return found


def path_of(spans: Iterable[Span], length: int, tags: Sequence[str]) -> NDArray[np.int32]:
    """The tag of each of `length` words."""
    number = {tag: at for at, tag in enumerate(tags)}
    path = np.zeros(length, dtype=np.int32)
    for start, end, label in spans:
        if end - start == 1:
            path[start] = number[f"S-{label}"]
        else:
            path[start + 1 : end - 1] = number[f"I-{label}"]
            path[start], path[end - 1] = number[f"B-{label}"], number[f"E-{label}"]
    return path
