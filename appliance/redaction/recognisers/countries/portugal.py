"""Portugal.

Tax number (NIF, contribuinte): Decreto-Lei 14/2013; weights 9 to 2 modulo 11, and a first digit or pair that is in
use. One in eleven numbers passes, so the test alone is weak; `PT` in front makes it a VAT number.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers import gates
from appliance.redaction.recognisers.checksums import weighted
from appliance.redaction.recognisers.recogniser import WEAK, Rule

PAIRS: Final = {"45", "70", "71", "72", "74", "75", "77", "78", "79", "90", "91", "98", "99"}


def nif(text: str) -> bool:
    digits = text[-9:]
    if digits[0] not in "1235689" and digits[:2] not in PAIRS:
        return False
    rest = weighted(digits[:8], (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest < 2 else 11 - rest) == int(digits[8])


RULES: Final = (
    Rule(
        entity=Entity("PT_NIF"),
        pattern=r"\b(?i:pt) ?[0-9]{3}[ .]?[0-9]{3}[ .]?[0-9]{3}\b",
        gate=gates.LONG_NUMBER,
        check=nif,
        sure=True,
    ),
    Rule(
        entity=Entity("PT_NIF"),
        pattern=r"\b[0-9]{3}[ .\-]?[0-9]{3}[ .\-]?[0-9]{3}\b",
        gate=gates.LONG_NUMBER,
        check=nif,
        score=WEAK,
        context=(
            r"nif|nipc|contribuinte|n\xfamero fiscal|numero fiscal|identifica\xe7\xe3o fiscal|contribuinte n\.?\xba|"
            r"portuguese tax|tax number|tax id"
        ),
    ),
)
