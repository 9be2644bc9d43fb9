"""Spain.

NIF of citizens (DNI and letter) and NIE of foreigners: Real Decreto 1553/2005 and 557/2011; the number modulo 23
names the letter, X, Y and Z of a NIE counting as 0, 1 and 2.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers.recogniser import WEAK, Rule

LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"


def nif(text: str) -> bool:
    return LETTERS[int(text[:-1]) % 23] == text[-1]


def nie(text: str) -> bool:
    return nif(str("XYZ".index(text[0])) + text[1:])


RULES: Final = (
    Rule(
        entity=Entity("ES_NIF"),
        pattern=r"\b[0-9]{1,2}\.?[0-9]{3}\.?[0-9]{3}[ \-]?[A-HJ-NP-TV-Z]\b",
        gate=r"[0-9]{3}[ \-]?[A-HJ-NP-TV-Z]\b",
        check=lambda text: len(text) == 9 and nif(text),
        score=0.7,
        context=r"dni|nif|d\.n\.i\.?|n\.i\.f\.?|documento|identidad|identificaci\xf3n|fiscal|spanish",
    ),
    Rule(
        entity=Entity("ES_NIF"),
        pattern=r"\b(?:[0-9]{7,8}|[0-9]{1,2}\.[0-9]{3}\.[0-9]{3})[ \-]?[A-HJ-NP-TV-Za-hj-np-tv-z]\b",
        gate=r"[0-9]{3}[ \-]?[A-HJ-NP-TV-Za-hj-np-tv-z]\b",
        check=nif,
        score=WEAK,
        context=r"dni|nif|d\.n\.i\.?|n\.i\.f\.?|documento nacional|documento de identidad",
    ),
    Rule(
        entity=Entity("ES_NIE"),
        pattern=r"\b[XYZxyz][ \-]?[0-9]\.?[0-9]{3}\.?[0-9]{3}[ \-]?[A-HJ-NP-TV-Za-hj-np-tv-z]\b",
        gate=r"[XYZxyz][ \-]?[0-9]\.?[0-9]{3}",
        check=nie,
        score=0.85,
        sure=True,
    ),
)
