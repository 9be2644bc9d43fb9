"""Austria.

Social security number (SVNR): § 31 ASVG; serial, check digit, birthday. Weights 3, 7, 9, then 5, 8, 4, 2, 1, 6 over
the birthday, modulo 11; ten is never issued. Birthdays may carry the months 13 to 15 when a day is used up.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers import gates
from appliance.redaction.recognisers.checksums import weighted
from appliance.redaction.recognisers.recogniser import Rule

WORDS: Final = (
    r"svnr\.?|sv-?nr\.?|sv-?nummer|sozialversicherungsnummer|sozialversicherung|versicherungsnummer|e-?card|vsnr\.?|"
    r"social security|insurance number"
)


def svnr(digits: str) -> bool:
    day, month = int(digits[4:6]), int(digits[6:8])
    if digits[0] == "0" or not (1 <= day <= 31 and 1 <= month <= 15):
        return False
    return weighted(digits, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == int(digits[3])


RULES: Final = (
    Rule(
        entity=Entity("AT_SVNR"),
        pattern=r"\b[1-9][0-9]{3}[ /\-][0-9]{2}[. ]?[0-9]{2}[. ]?[0-9]{2}\b",
        gate=gates.LONG_NUMBER,
        check=svnr,
        score=0.6,
        context=WORDS,
    ),
    Rule(
        entity=Entity("AT_SVNR"),
        pattern=r"\b[1-9][0-9]{9}\b",
        gate=gates.LONG_NUMBER,
        check=svnr,
        score=0.3,
        context=WORDS,
    ),
)
