"""The United Kingdom.

NHS number: NHS Data Dictionary, weights 10 to 2 modulo 11; one in eleven numbers passes, so the test alone is weak.
National Insurance number: HMRC manual NIM39110, format and prefixes never issued; it has no check digit.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers import gates
from appliance.redaction.recognisers.checksums import weighted
from appliance.redaction.recognisers.recogniser import Rule

NEVER: Final = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}
NINO: Final = r"[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z]"
INSURANCE: Final = r"national insurance|nino|ni number|ni no\.?|n\.i\.|insurance number|ni"


def nhs(digits: str) -> bool:
    check = 11 - weighted(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return int(digits) > 0 and check != 10 and check % 11 == int(digits[9])


def prefix(text: str) -> bool:
    return text[:2] not in NEVER


RULES: Final = (
    Rule(
        entity=Entity("UK_NHS"),
        pattern=r"\b[0-9]{3}[ \-]?[0-9]{3}[ \-]?[0-9]{4}\b",
        gate=gates.LONG_NUMBER,
        check=nhs,
        score=0.3,
        context=r"nhs|nhs no\.?|nhs number|national health|health service|nhs_number|patient",
    ),
    Rule(
        entity=Entity("UK_NINO"),
        pattern=rf"\b{NINO} ?[0-9]{{2}} ?[0-9]{{2}} ?[0-9]{{2}} ?[A-Da-d]\b",
        gate=r"[A-Za-z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-Da-d]",
        check=prefix,
        proved=False,
        score=0.6,
        context=INSURANCE,
        lifted=0.95,
    ),
)
