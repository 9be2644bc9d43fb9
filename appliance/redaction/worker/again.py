"""Whoever is named in full once is known by the surname alone elsewhere in the text. Linear in the text. Pure.

A model reads a few words at a time: it finds `Ben Player`, and takes `Player` for a word two sentences on.
"""

from collections.abc import Iterable, Iterator
from typing import Final
from unicodedata import normalize

import regex

from appliance.domain.privacy import Entity, Finding

PERSON: Final = Entity("PERSON")
_SHORTEST: Final = 3  # letters; `Li` and `Ng` are too often something else
_LETTER: Final = r"\p{L}\p{M}*"  # with the accents behind it, where they are characters of their own
_WORD: Final = regex.compile(rf"(?:{_LETTER})+(?:[-'\u2019](?:{_LETTER}){{2,}})*")


def again(text: str, claims: Iterable[Finding]) -> Iterator[Finding]:
    """A finding for each word that is the last one of a longer PERSON among `claims`, cased alike.

    An accent may be part of a letter in one place and a character of its own in another.
    """
    surnames: dict[str, float] = {}
    for one in claims:
        if one.entity == PERSON:
            words = _WORD.findall(text, one.start, one.end)
            last = normalize("NFC", words[-1]) if len(words) > 1 else ""
            if len(last) >= _SHORTEST and last[0].isupper():
                surnames[last] = max(one.score, surnames.get(last, 0.0))
    if surnames:
        for word in _WORD.finditer(text):
            if (score := surnames.get(normalize("NFC", word[0]))) is not None:
                yield Finding(word.start(), word.end(), PERSON, score, sure=False)
