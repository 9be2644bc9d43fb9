"""Fenced code blocks (CommonMark 0.31 §4.5). Pure."""

import re
from typing import Final

_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)


def fences(text: str) -> list[tuple[int, int]]:
    """Places of code blocks, fences included, in order. One that is never closed runs to the end."""
    found: list[tuple[int, int]] = []
    opened: tuple[int, str] | None = None
    for mark in _FENCE.finditer(text):
        run, info = mark[1], mark[2]
        if opened is None:
            if run[0] == "~" or "`" not in info:
                opened = (mark.start(), run)
        elif run[0] == opened[1][0] and len(run) >= len(opened[1]) and not info.strip():
            found.append((opened[0], mark.end()))
            opened = None
    if opened is not None:
        found.append((opened[0], len(text)))
    return found


def outside(text: str, code: list[tuple[int, int]]) -> str:
    """The text with code blanked out: places stay, lines stay."""
    if not code:
        return text
    parts: list[str] = []
    at = 0
    for start, end in code:
        parts += [text[at:start], "".join("\n" if sign == "\n" else " " for sign in text[start:end])]
        at = end
    return "".join([*parts, text[at:]])
