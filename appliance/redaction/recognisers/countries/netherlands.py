"""The Netherlands.

Citizen service number (BSN): Wet algemene bepalingen burgerservicenummer; the eleven-test with weights 9 to 2 and -1.
One in eleven numbers passes, so the test alone is weak.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers import gates
from appliance.redaction.recognisers.checksums import weighted
from appliance.redaction.recognisers.recogniser import WEAK, Rule


def bsn(digits: str) -> bool:
    """Eight digits are nine with a zero in front."""
    digits = digits.zfill(9)
    return int(digits) > 0 and digits[:2] != "00" and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


RULES: Final = (
    Rule(
        entity=Entity("NL_BSN"),
        pattern=(
            r"\b(?:[0-9]{8,9}|[0-9]{4}[. \-][0-9]{2}[. \-][0-9]{3}|[0-9]{3}[. \-][0-9]{3}[. \-][0-9]{3}|"
            r"[0-9]{2}[. \-][0-9]{3}[. \-][0-9]{3})\b"
        ),
        gate=gates.LONG_NUMBER,
        check=bsn,
        score=WEAK,
        context=(
            r"bsn|bsn-?nummer|burgerservicenummer|burger service nummer|sofi|sofinummer|sofi-?nummer|"
            r"citizen service number|persoonsnummer"
        ),
    ),
)
