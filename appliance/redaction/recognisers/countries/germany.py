"""Germany.

Tax number for life: § 139b AO, ISO/IEC 7064 MOD 11,10; of the first ten digits one stands twice or thrice. VAT
number: § 27a UStG, MOD 11,10. Pension insurance number: § 2, 4 VKVV. Health insurance number: § 290 SGB V, Luhn with
the letter as two digits. Identity card and passport: serial and check digit after ICAO Doc 9303.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers import gates
from appliance.redaction.recognisers.checksums import DOUBLED, icao_9303, mod_11_10
from appliance.redaction.recognisers.recogniser import WEAK, Rule

PENSION_WEIGHTS: Final = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
SERIAL: Final = "[0-9CFGHJKLMNPRTVWXYZ]"


def tax_id(digits: str) -> bool:
    """Eleven digits, not beginning with 0; one of the first ten stands two or three times, never thrice in a row."""
    stem = digits[:10]
    most = max(stem.count(digit) for digit in set(stem))
    repeated = sum(stem.count(digit) > 1 for digit in set(stem))
    if digits[0] == "0" or repeated != 1 or most > 3:
        return False
    return not any(digit * 3 in stem for digit in set(stem)) and mod_11_10(digits)


def vat_id(text: str) -> bool:
    return text[2] != "0" and mod_11_10(text[2:])


def pension_number(text: str) -> bool:
    """`15070649C103`: area, birthday, initial, serial, check digit: cross sums of products, last digit."""
    day, month = int(text[2:4]), int(text[4:6])
    if not (1 <= (day - 50 if day > 50 else day) <= 31 and 1 <= month <= 12):
        return False
    digits = text[:8] + f"{ord(text[8]) - 64:02}" + text[9:11]
    products = (int(digit) * weight for digit, weight in zip(digits, PENSION_WEIGHTS, strict=True))
    return sum(product // 10 + product % 10 for product in products) % 10 == int(text[11])


def health_number(text: str) -> bool:
    """`A123456780`: the letter counts as two digits; weights 1 and 2 in turn, cross sums."""
    digits = f"{ord(text[0]) - 64:02}" + text[1:9]
    total = sum(DOUBLED[int(digit)] if place & 1 else int(digit) for place, digit in enumerate(digits))
    return total % 10 == int(text[9])


def with_digits(text: str) -> bool:
    """Three digits at least: no word in capitals."""
    return sum(one.isdigit() for one in text) >= 3


def checked_serial(text: str) -> bool:
    """Nine characters and the digit that checks them."""
    return icao_9303(text[:9]) == int(text[9])


CARD_WORDS: Final = (
    r"personalausweis|ausweis|ausweisnummer|ausweis-?nr\.?|perso|dokumentennummer|identity card|id card|id-card"
)
PASSPORT_WORDS: Final = r"reisepass|reisepassnummer|passnummer|pass-?nr\.?|passport|pass"


def _document(entity: str, first: str, words: str) -> tuple[Rule, Rule]:
    """With its check digit as the machine-readable zone has it; without, as it is printed on the front."""
    return (
        Rule(
            entity=Entity(entity),
            pattern=rf"\b[{first}]{SERIAL}{{8}}[0-9]\b",
            gate=rf"{SERIAL}{{9}}[0-9]",
            check=checked_serial,
            score=WEAK,
            context=words,
        ),
        Rule(
            entity=Entity(entity),
            pattern=rf"\b[{first}]{SERIAL}{{8}}\b",
            gate=rf"{SERIAL}{{9}}",
            check=with_digits,
            proved=False,
            score=WEAK,
            context=words,
            lifted=0.7,
        ),
    )


RULES: Final = (
    Rule(
        entity=Entity("DE_TAX_ID"),
        pattern=r"\b[1-9][0-9](?:[ /]?[0-9]{3}){3}\b",
        gate=gates.LONG_NUMBER,
        check=tax_id,
        score=0.5,
        context=(
            r"steuer-?id|steuer-?idnr\.?|idnr\.?|identifikationsnummer|steueridentifikationsnummer|steuerliche|"
            r"steuernummer|tax|tin"
        ),
    ),
    Rule(
        entity=Entity("DE_VAT_ID"),
        pattern=r"\b(?i:de) ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}\b",
        gate=gates.LONG_NUMBER,
        check=vat_id,
        sure=True,
    ),
    Rule(
        entity=Entity("DE_SOCIAL_SECURITY"),
        pattern=r"\b[0-9]{2} ?[0-9]{6} ?[A-Za-z] ?[0-9]{2} ?[0-9]\b",
        gate=r"[0-9]{6} ?[A-Za-z] ?[0-9]{2}",
        check=pension_number,
        score=0.9,
        sure=True,
    ),
    Rule(
        entity=Entity("DE_HEALTH_INSURANCE"),
        pattern=r"\b[A-Za-z][0-9]{9}\b",
        gate=r"[A-Za-z][0-9]{9}",
        check=health_number,
        score=WEAK,
        context=(
            r"krankenversichertennummer|versichertennummer|versicherten-?nr\.?|kvnr|krankenkasse|krankenversicherung|"
            r"gesundheitskarte|health insurance|egk"
        ),
    ),
    *_document("DE_ID_CARD", "LMNPRTVWXY", CARD_WORDS),
    *_document("DE_PASSPORT", "CFGHJK", PASSPORT_WORDS),
)
