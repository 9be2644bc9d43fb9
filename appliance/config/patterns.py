"""Whether RE2 will take a pattern, judged without RE2: it is loaded in workers only, and an error belongs to a line.

RE2 refuses what cannot be matched in linear time. Where this errs, it errs by refusing.
"""

import re
import warnings
from typing import Final

LONGEST: Final = 1000
MOST_TIMES: Final = 1000  # of a counted repetition; RE2's own limit
_GROUPS: Final = {
    "(?=": "a look ahead",
    "(?!": "a look ahead",
    "(?<=": "a look behind",
    "(?<!": "a look behind",
    "(?>": "an atomic group",
    "(?(": "a condition",
    "(?P=": "a back reference",
    "(?P>": "a recursion",
    "(?#": "a comment",
    "(?R": "a recursion",
}
_PIECE: Final = re.compile(
    r"\\[pP](?:\{\^?\w+\}|\w)|\\x\{[0-9a-fA-F]+\}|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|"
    r"\(\?(?:P[=<>]|<[=!]?|[=!>(#R])?|\{\d*,?\d*\}\+?|[*+?][+?]?|.",
    re.DOTALL,
)
_CLASS: Final = re.compile(r"\\[pP](?:\{\^?\w+\}|\w)|\[:\^?\w+:\]")
_TIMES: Final = re.compile(r"\{(\d*)(?:,(\d*))?\}")


def why_not(pattern: str) -> str:
    """In words for the operator; empty when RE2 takes it."""
    if len(pattern) > LONGEST:
        return f"is longer than {LONGEST} characters"
    plain = []
    for piece in _PIECE.findall(pattern):
        if found := _refused(piece):
            return f"holds {found}, which RE2 has not"
        plain.append(_as_python(piece))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = re.compile("".join(plain))
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no pattern: {error}"
    return "matches the empty text, and so everything" if made.match("") else ""


def _refused(piece: str) -> str:
    if piece in _GROUPS:
        return _GROUPS[piece]
    if piece[:1] == "\\" and piece[1:2] in "123456789kgGzZK" and piece != "\\z":
        return "`\\Z` (it is `\\z` there)" if piece == "\\Z" else f"`{piece}`"
    if len(piece) > 1 and piece[-1] == "+" and piece[0] in "*+?{":
        return "a possessive repetition"
    if piece[0] == "{" and (counted := _TIMES.fullmatch(piece)):
        return f"a repetition of more than {MOST_TIMES}" if _most(counted) > MOST_TIMES else ""
    return ""


def _most(counted: re.Match[str]) -> int:
    return max((int(number) for number in counted.groups() if number), default=0)


def _as_python(piece: str) -> str:
    """The same shape in Python's words, so that its parser can judge brackets and repetitions."""
    if piece == "\\z":
        return r"\Z"
    if piece.startswith("\\x{"):
        return "x"
    if piece[:1] == "[" and len(piece) > 1:
        return _CLASS.sub(r"\\w", piece)
    return _CLASS.sub(r"\\w", piece)
