"""A text as bytes, one for each character, so that a place in the bytes is a place in the text.

Latin-1 keeps its letters. What lies above is brought down to what a pattern looks for: digits of any script to ASCII
digits, dashes to `-`, spaces to a space, quotation marks to `"` and `'`, letters with accents to their base letter.
"""

import unicodedata
from typing import Final

LETTER: Final = 0xAA  # `ª`: a letter in Latin-1, for letters that have no likeness there
NOTHING: Final = 0x02  # stands for signs no pattern asks for
MOST_REMEMBERED: Final = 4096
LIKENESS: Final = {ord("ł"): ord("l"), ord("Ł"): ord("L"), ord("đ"): ord("d"), ord("Đ"): ord("D"), 0x131: ord("i")}
DOUBLE_QUOTES: Final = range(0x201C, 0x2020)
SINGLE_QUOTES: Final = range(0x2018, 0x201C)
SPACES: Final = "\xa0\u2028\u2029"


def likeness(code: int) -> int:
    """The Latin-1 character that stands for `code`."""
    character = chr(code)
    if character in SPACES:
        return ord(" ")
    if code < 256:
        return code
    if code in DOUBLE_QUOTES or code in SINGLE_QUOTES:
        return ord('"') if code in DOUBLE_QUOTES else ord("'")
    return LIKENESS.get(code) or _by_kind(character)


def _by_kind(character: str) -> int:
    kind = unicodedata.category(character)
    if kind == "Nd":
        return ord("0") + unicodedata.digit(character)
    if kind in {"Zs", "Pd"}:
        return ord(" ") if kind == "Zs" else ord("-")
    folded = unicodedata.normalize("NFKD", character)
    if folded and ord(folded[0]) < 256 and folded[0] != " ":
        return ord(folded[0])
    return LETTER if kind[0] in "LM" else NOTHING


class Likenesses(dict[int, int]):
    """`likeness`, remembered for the characters that occur; never for more than a script's worth."""

    def __missing__(self, code: int) -> int:
        found = likeness(code)
        if len(self) < MOST_REMEMBERED:
            self[code] = found
        return found


class Narrowing:
    """Turns texts into bytes of the same length."""

    def __init__(self) -> None:
        self._likenesses = Likenesses()

    def bytes_of(self, text: str) -> bytes:
        """One byte for each character of `text`. Plain ASCII costs a copy."""
        if text.isascii():
            return text.encode("ascii")
        return text.translate(self._likenesses).encode("latin-1")
