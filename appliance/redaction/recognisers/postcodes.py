"""Postcodes. Five digits are one only where an address or a word for it stands near.

Formats: Royal Mail PAF guide, USPS Publication 28, DIN 5008, La Poste NF Z 10-011, NEN 5825.
"""

from collections.abc import Sequence
from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers.addresses import LOWER, UPPER
from appliance.redaction.recognisers.recogniser import WEAK, Rule, apart

ZIP_CODE: Final = Entity("ZIP_CODE")
STATES: Final = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|"
    r"V[AIT]|W[AIVY]|AA|AE|AP|AS|GU|MP|PW|FM|MH)"
)
ADDRESS_WORDS: Final = (
    r"zip|zip code|zipcode|zip_code|postal|postal code|postcode|postal_code|post code|plz|postleitzahl|code postal|"
    r"adresse|anschrift|adres|wohnt|lives in|lives at|c\.p\."
)
BESIDE: Final = (
    r"[a-z\xdf-\xff-]*(?:stra\xdfe|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|markt)|rue|avenue|"
    r"boulevard|place|chemin|"
    r"impasse|all\xe9e|quai|postfach|wohne|wohnt|wohnhaft|habite|domicili\xe9e?|adresse|anschrift|plz|code postal"
)
ZIPS: Final = (
    Rule(
        entity=ZIP_CODE,
        pattern=(
            r"\b(?:GIR ?0AA|[A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9]|[A-HK-Y][0-9][0-9]|[0-9][A-HJKSTUW]|"
            r"[A-HK-Y][0-9][ABEHMNPRV-Y]) [0-9][ABD-HJLNP-UW-Z]{2})\b"
        ),
        gate=r"[0-9A-Z] [0-9][A-Z]{2}\b",
        edges=apart,
        score=0.6,
    ),
    Rule(
        entity=ZIP_CODE,
        pattern=rf"\b{STATES},? ([0-9]{{5}}(?:-[0-9]{{4}})?)\b",
        gate=r"[A-Z]{2},? [0-9]{5}",
        group=1,
        edges=apart,
        score=0.7,
    ),
    Rule(
        entity=ZIP_CODE,
        pattern=r"\b[0-9]{5}(?:-[0-9]{4})?\b",
        gate=r"[0-9]{5}",
        score=WEAK,
        context=ADDRESS_WORDS,
        lifted=0.6,
        proved=False,
    ),
    Rule(
        entity=ZIP_CODE,
        pattern=rf"(?:^|[,\n]) ?(?:(?:D|F|DE|FR)-)?([0-9]{{5}}) [{UPPER}][{LOWER}]{{2}}",
        gate=rf"[0-9]{{5}} [{UPPER}]",
        group=1,
        edges=apart,
        score=WEAK,
        context=BESIDE,
        lifted=0.6,
        proved=False,
    ),
    Rule(
        entity=ZIP_CODE,
        pattern=r"\b[1-9][0-9]{3} ?[A-Z]{2}\b",
        gate=r"[1-9][0-9]{3} ?[A-Z]{2}\b",
        score=WEAK,
        context=ADDRESS_WORDS + "|postcode",
        lifted=0.6,
        proved=False,
    ),
)
DUTCH: Final = (
    Rule(
        entity=ZIP_CODE,
        pattern=rf"(?:^|[,\n]) ?([1-9][0-9]{{3}} [A-Z]{{2}}) [{UPPER}][{LOWER}]{{2}}",
        gate=r"[1-9][0-9]{3} ?[A-Z]{2}\b",
        group=1,
        edges=apart,
        score=0.6,
    ),
)


def postcodes(languages: Sequence[str]) -> tuple[Rule, ...]:
    return (*ZIPS, *(DUTCH if "nl" in languages else ()))
