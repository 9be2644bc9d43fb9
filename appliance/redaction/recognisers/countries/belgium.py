"""Belgium.

National register number (rijksregisternummer, numéro de registre national) and its bis number: arrêté royal of 3
April 1984; birthday, serial, and 97 less the rest modulo 97, with a 2 in front for those born from 2000 on.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers import gates
from appliance.redaction.recognisers.recogniser import Rule

WORDS: Final = (
    r"rijksregisternummer|rijksregister|insz|niss|rrn|registre national|num\xe9ro national|numero national|"
    r"national register|national number|bis-?nummer"
)


def register_number(digits: str) -> bool:
    """Months go up by 20 or 40 in bis numbers; month and day may be zero where they are not known."""
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    if int(digits[2:4]) > 52 or month > 12 or day > 31 or digits[6:9] in {"000", "999"}:
        return False
    check = int(digits[9:])
    return check in {97 - int(digits[:9]) % 97, 97 - int("2" + digits[:9]) % 97}


RULES: Final = (
    Rule(
        entity=Entity("BE_RRN"),
        pattern=r"\b[0-9]{2}\.[0-9]{2}\.[0-9]{2}[ \-][0-9]{3}[. \-][0-9]{2}\b",
        gate=gates.LONG_NUMBER,
        check=register_number,
        score=0.9,
        sure=True,
    ),
    Rule(
        entity=Entity("BE_RRN"),
        pattern=r"\b[0-9]{6}[ \-]?[0-9]{3}[ .\-]?[0-9]{2}\b",
        gate=gates.LONG_NUMBER,
        check=register_number,
        score=0.45,
        context=WORDS,
    ),
)
