"""France.

Registration number (NIR, INSEE, "numéro de sécurité sociale"): décret n° 82-103; sex, year, month, place, order, and
a key that is 97 less the rest modulo 97, Corsica's 2A and 2B counting as 19 and 18.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers.recogniser import Rule


def nir(text: str) -> bool:
    month = int(text[3:5])
    if not (1 <= month <= 12 or 20 <= month <= 42 or 50 <= month <= 99):
        return False
    place = {"2A": "19", "2B": "18"}.get(text[5:7], text[5:7])
    if not place.isdigit():
        return False
    stem = text[:5] + place + text[7:13]
    return 97 - int(stem) % 97 == int(text[13:])


RULES: Final = (
    Rule(
        entity=Entity("FR_NIR"),
        pattern=r"\b[123478][ .\-]?(?:[0-9]{2}[ .\-]?){2}[0-9][0-9ABab][ .\-]?(?:[0-9]{3}[ .\-]?){2}[0-9]{2}\b",
        gate=r"[0-9]{3}[ .\-]?[0-9]{3}[ .\-]?[0-9]{2}\b",
        check=nir,
        score=0.9,
        sure=True,
    ),
)
