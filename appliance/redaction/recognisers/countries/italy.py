"""Italy.

Codice fiscale: D.M. 23/12/1976; a check letter over odd and even places, digits replaced by letters where two people
would share a code ("omocodia"). Partita IVA: art. 35 D.P.R. 633/1972, Luhn; one in ten numbers passes, so the test
alone is weak.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers import gates
from appliance.redaction.recognisers.checksums import luhn
from appliance.redaction.recognisers.recogniser import WEAK, Rule

ODD: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
DIGIT: Final = "[0-9LMNPQRSTUVlmnpqrstuv]"
BIRTH_AND_PLACE: Final = rf"{DIGIT}{{2}} ?[ABCDEHLMPRSTabcdehlmprst]{DIGIT}{{2}} ?[A-Za-z]{DIGIT}{{3}}"


def fiscal_code(text: str) -> bool:
    """Digits count as the letter of the same number: 0 as A."""
    values = [int(one) if one.isdigit() else ord(one) - 65 for one in text]
    total = sum(ODD[value] if place % 2 == 0 else value for place, value in enumerate(values[:15]))
    return total % 26 == values[15]


def vat_code(text: str) -> bool:
    digits = text[-11:]
    return int(digits[:7]) > 0 and luhn(digits)


RULES: Final = (
    Rule(
        entity=Entity("IT_FISCAL_CODE"),
        pattern=rf"\b[A-Za-z]{{3}} ?[A-Za-z]{{3}} ?{BIRTH_AND_PLACE} ?[A-Za-z]\b",
        gate=BIRTH_AND_PLACE,
        check=fiscal_code,
        score=0.9,
        sure=True,
    ),
    Rule(
        entity=Entity("IT_VAT_CODE"),
        pattern=r"\b(?i:it) ?[0-9]{11}\b",
        gate=gates.LONG_NUMBER,
        check=vat_code,
        sure=True,
    ),
    Rule(
        entity=Entity("IT_VAT_CODE"),
        pattern=r"\b[0-9]{11}\b",
        gate=gates.LONG_NUMBER,
        check=vat_code,
        score=WEAK,
        context=r"partita iva|p\.? ?iva|p\.i\.|vat|iva|italian vat",
    ),
)
