"""Whoever is named in full once is known by the surname alone elsewhere in the text. Linear in the text. Pure.

A model reads a few words at a time: it finds `Ben Player`, and takes `Player` for a word two sentences on.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from appliance.domain.privacy import Entity, Finding

PERSON: Final = Entity("PERSON")
_SHORTEST: Final = 3  # letters; `Li` and `Ng` are too often something else
_WORD: Final = re.compile(r"[^\W\d_]+(?:[-'\u2019][^\W\d_]{2,})*")


def again(text: str, claims: Iterable[Finding]) -> Iterator[Finding]:
    """A finding for each word that is the last one of a longer PERSON among `claims`, cased alike."""
    surnames: dict[str, float] = {}
    for one in claims:
        if one.entity == PERSON:
            words = _WORD.findall(text, one.start, one.end)
            if len(words) > 1 and len(words[-1]) >= _SHORTEST and words[-1][0].isupper():
                surnames[words[-1]] = max(one.score, surnames.get(words[-1], 0.0))
    if surnames:
        for word in _WORD.finditer(text):
            if (score := surnames.get(word[0])) is not None:
                yield Finding(*word.span(), PERSON, score, sure=False)
