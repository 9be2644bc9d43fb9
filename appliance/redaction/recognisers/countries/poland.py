"""Poland.

PESEL: ustawa o ewidencji ludności, art. 15; birthday with the century in the month, weights 1, 3, 7, 9. NIP: ustawa o
zasadach ewidencji podatników; weights 6, 5, 7, 2, 3, 4, 5, 6, 7 modulo 11. Identity card: weights 7, 3, 1, its digit
in fourth place.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers import gates
from appliance.redaction.recognisers.checksums import day_and_month, weighted
from appliance.redaction.recognisers.recogniser import WEAK, Rule


def pesel(digits: str) -> bool:
    month, day = int(digits[2:4]), int(digits[4:6])
    if not day_and_month(day, month % 20):
        return False
    return weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def nip(text: str) -> bool:
    digits = text[-10:]
    return digits[0] != "0" and weighted(digits, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(digits[9])


def identity_card(text: str) -> bool:
    values = [int(character, 36) for character in text]
    weights = (7, 3, 1, 0, 7, 3, 1, 7, 3)
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) % 10 == values[3]


RULES: Final = (
    Rule(
        entity=Entity("PL_PESEL"),
        pattern=r"\b[0-9]{11}\b",
        gate=gates.LONG_NUMBER,
        check=pesel,
        score=0.3,
        context=r"pesel|peselu|nr pesel|numer pesel|ewidencyjny",
    ),
    Rule(
        entity=Entity("PL_NIP"),
        pattern=(
            r"\b(?:(?i:pl) ?)?(?:[0-9]{10}|[0-9]{3}-[0-9]{3}-[0-9]{2}-[0-9]{2}|[0-9]{3}-[0-9]{2}-[0-9]{2}-[0-9]{3}|"
            r"[0-9]{3} [0-9]{3} [0-9]{2} [0-9]{2})\b"
        ),
        gate=gates.LONG_NUMBER,
        check=nip,
        score=WEAK,
        context=r"nip|numer nip|identyfikacji podatkowej|podatnika|tax number|tax id|vat",
    ),
    Rule(
        entity=Entity("PL_ID_CARD"),
        pattern=r"\b[A-Za-z]{3} ?[0-9]{6}\b",
        gate=r"[A-Za-z]{3} ?[0-9]{6}",
        check=identity_card,
        score=WEAK,
        context=r"dow\xf3d|dowod|dowodu|dow\xf3d osobisty|dowodu osobistego|seria i numer|identity card|id card",
    ),
)
