"""The United States.

Social security number: 20 CFR 422.103 and SSA's list of areas never assigned (000, 666, 900 to 999), groups 00 and
serials 0000. Taxpayer number (ITIN): IRS, IRM 3.21.263; begins with 9, its group lies in 50-65, 70-88, 90-92 or
94-99. Neither has a check digit.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers import gates
from appliance.redaction.recognisers.recogniser import WEAK, Rule

PUBLISHED: Final = {"078051120", "219099999", "123456789"}  # printed on samples, or counted up
SECURITY: Final = r"ssn|ssns|social security|social|soc sec|ss#|social_security"
TAXPAYER: Final = r"itin|itins|tin|taxpayer|tax id|tax identification|individual taxpayer"


def ssn(digits: str) -> bool:
    if digits in PUBLISHED or digits[0] == "9" or digits[:3] in {"000", "666"}:
        return False
    return digits[3:5] != "00" and digits[5:] != "0000"


def itin(digits: str) -> bool:
    group = int(digits[3:5])
    return 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99


RULES: Final = (
    Rule(
        entity=Entity("US_SSN"),
        pattern=r"\b(?:[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4})\b",
        gate=r"[0-9]{3}[ \-][0-9]{2}[ \-][0-9]{4}",
        check=ssn,
        proved=False,
        lifted=0.95,
        score=0.75,
        context=SECURITY,
    ),
    Rule(
        entity=Entity("US_SSN"),
        pattern=r"\b(?:[0-9]{9}|[0-9]{3}\.[0-9]{2}\.[0-9]{4})\b",
        gate=gates.LONG_NUMBER,
        check=ssn,
        proved=False,
        lifted=0.95,
        score=WEAK,
        context=SECURITY,
    ),
    Rule(
        entity=Entity("US_ITIN"),
        pattern=r"\b(?:9[0-9]{2}-[0-9]{2}-[0-9]{4}|9[0-9]{2} [0-9]{2} [0-9]{4})\b",
        gate=r"[0-9]{3}[ \-][0-9]{2}[ \-][0-9]{4}",
        check=itin,
        proved=False,
        lifted=0.95,
        score=0.75,
        context=TAXPAYER,
    ),
    Rule(
        entity=Entity("US_ITIN"),
        pattern=r"\b9[0-9]{8}\b",
        gate=gates.LONG_NUMBER,
        check=itin,
        proved=False,
        lifted=0.95,
        score=WEAK,
        context=TAXPAYER,
    ),
)
