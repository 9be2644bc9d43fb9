"""Streets with house numbers as written in the US, the UK, Germany, Austria, Switzerland, France and the Netherlands,
and postcodes.

Formats: USPS Publication 28, Royal Mail PAF guide, DIN 5008, La Poste NF Z 10-011, NEN 5825. A postcode of five
digits is only one where an address or a word for it stands near.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers.recogniser import WEAK, Rule, apart

STREET_ADDRESS: Final = Entity("STREET_ADDRESS")
ZIP_CODE: Final = Entity("ZIP_CODE")
UPPER: Final = r"A-Z\xc0-\xd6\xd8-\xde"
LOWER: Final = r"a-z\xdf-\xf6\xf8-\xff"
NAME: Final = rf"(?:[{UPPER}][{LOWER}{UPPER}'\-]{{0,24}}\.?|[0-9]{{1,3}}(?:st|nd|rd|th))"
SURE: Final = (
    r"Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Terrace|Ter|Parkway|Pkwy|Highway|Hwy|"
    r"Crescent|Cres|Close|Mews|Circle|Cir|"
    r"Court|Ct|Plaza|Turnpike|Trail|Trl|Freeway|Expressway|Causeway|Grove|Gardens|Square|Sq|Heights|Hollow|Alley|"
    r"Junction|Bypass|Motorway|Esplanade"
)
UNSURE: Final = (
    r"Way|Place|Pl|Park|Row|Walk|Rise|Hill|View|Path|Point|Ridge|Loop|Pass|Run|Green|Wharf|Quay|Manor|Meadows?|"
    r"Crossing|Landing|Canyon|Creek|Island|Village|Ville|Forest|Fields?|Estates?|Glen|Haven|Springs?|Station|Summit|"
    r"Valley|Vista|Extension|Mall|Mill|Oval|Parade|Burgs?|Ports?|Shores?|Islands|Knolls?|Lakes?|Locks?|Mountains?|"
    r"Orchard|Plains?|Rapids?|Rest|Stravenue|Stream|Throughway|Tunnel|Union|Viaduct|Walks|Wall|Ways|Wells|Cape|"
    r"Cliffs?|Club|Common|Corners?|Course|Cove|Dale|Dam|Divide|Drives|Fall|Falls|Ferry|Flats?|Fords?|Forges?|Forks?|"
    r"Fort|Gateway|Harbors?|Inlet|Isle|Keys?|Lodge|Mission|Neck|Overpass|Pine|Pines|Prairie|Radial|Ramp|Ranch|River|"
    r"Roads|Route|Spurs?|Squares|Streets|Trace|Track|Trafficway"
)
UNIT: Final = (
    r"(?:,? ?(?:Apartment|Apt|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Building|Bldg|No|"
    r"#)\.? ?#?[A-Z0-9][A-Z0-9\-]{0,5}\b)?"
)
SIDE: Final = r"(?: (?:[NSEW]|NE|NW|SE|SW|North|South|East|West)\b\.?)?"
HOUSE: Final = r"\b[0-9]{1,6}(?:[A-Za-z]|-[0-9]{1,4}|/[0-9]{1,3}| 1/2)?"
GERMAN: Final = (
    r"(?:stra\xdfe|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|chaussee|steig|stieg|pfad|markt|wall|graben|"
    r"winkel|hof|berg|kamp|deich|promenade)"
)
DUTCH: Final = (
    r"(?:straat|laan|plein|gracht|kade|dijk|singel|weg|pad|hof|steeg|dreef|baan|markt|wal|haven|plantsoen|park|ring)"
)
FRENCH: Final = (
    r"(?:rue|avenue|av\.|boulevard|bd\.?|place|chemin|impasse|all\xe9e|quai|cours|route|passage|square|faubourg|"
    r"sentier|rond-point|voie|villa)"
)
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


def _street(pattern: str, gate: str, score: float) -> Rule:
    return Rule(entity=STREET_ADDRESS, pattern=pattern, gate=gate, edges=apart, score=score)


STREETS: Final = (
    _street(rf"{HOUSE}{SIDE}(?: {NAME}){{1,4}} (?:{SURE})\b\.?{SIDE}{UNIT}", r"[0-9][0-9A-Za-z]{0,2} [A-Z0-9]", 0.75),
    _street(rf"{HOUSE}{SIDE}(?: {NAME}){{1,3}} (?:{UNSURE})\b{SIDE}{UNIT}", r"[0-9][0-9A-Za-z]{0,2} [A-Z0-9]", 0.5),
    _street(
        rf"{HOUSE} [a-z]{{3,20}} (?:street|avenue|road|boulevard|lane)\b",
        r"[0-9A-Za-z] [a-z]{3,20} (?:street|avenue|road|boulevard|lane)\b",
        0.5,
    ),
    _street(
        r"\b(?:P\.? ?O\.? Box|PO Box|Post Office Box|Postfach|Bo\xeete postale|Postbus) [0-9]{1,6}\b",
        r"[Bb]ox [0-9]|Postfach|postale|Postbus",
        0.75,
    ),
    _street(
        (
            rf"\b(?:[{UPPER}][{LOWER}]{{1,20}}[ \-]){{0,3}}(?:[{UPPER}][{LOWER}]{{1,24}}{GERMAN}|"
            rf"[{UPPER}][{LOWER}]{{1,24}}[ \-](?:Stra\xdfe|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ring|Damm|Ufer|"
            rf"Markt)) ?[0-9]{{1,4}}(?:[ ]?[a-zA-Z]\b|[\-/][0-9]{{1,4}})?\b"
        ),
        rf"(?i){GERMAN} ?[0-9]",
        0.7,
    ),
    _street(
        (
            rf"\b(?:Am|An der|An den|Im|In der|Auf der|Auf dem|Zum|Zur|Unter den|Hinter der|"
            rf"Bei der) [{UPPER}][{LOWER}]{{2,24}} [0-9]{{1,3}}[a-z]?\b"
        ),
        r"(?:Am|[Dd]er|[Dd]en|[Dd]em|Im|Zum|Zur) [A-Z\xc0-\xde]",
        0.5,
    ),
    _street(
        (
            rf"(?i)\b[0-9]{{1,4}}(?: ?(?:bis|ter|quater))?,? {FRENCH} (?:de la |de l'|de |du |des |d'|"
            rf"l')?[{UPPER}{LOWER}0-9][{UPPER}{LOWER}'\-]{{1,24}}(?:[ \-](?-i:[{UPPER}][{UPPER}{LOWER}'\-]{{0,24}})"
            rf"){{0,3}}"
        ),
        rf"(?i)[0-9](?: ?(?:bis|ter|quater))?,? {FRENCH}",
        0.7,
    ),
    _street(
        (
            rf"\b(?:[{UPPER}][{LOWER}]{{1,20}} ){{0,2}}(?:[{UPPER}][{LOWER}]{{1,24}}{DUTCH}) "
            rf"[0-9]{{1,4}}(?:[ \-]?[a-zA-Z0-9]{{1,3}})?\b"
        ),
        rf"(?i){DUTCH} [0-9]",
        0.65,
    ),
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
    ),
    Rule(
        entity=ZIP_CODE,
        pattern=r"\b[1-9][0-9]{3} ?[A-Z]{2}\b",
        gate=r"[1-9][0-9]{3} ?[A-Z]{2}\b",
        score=WEAK,
        context=ADDRESS_WORDS + "|postcode",
        lifted=0.6,
    ),
    Rule(
        entity=ZIP_CODE,
        pattern=rf"(?:^|[,\n]) ?([1-9][0-9]{{3}} [A-Z]{{2}}) [{UPPER}][{LOWER}]{{2}}",
        gate=r"[1-9][0-9]{3} ?[A-Z]{2}\b",
        group=1,
        edges=apart,
        score=0.6,
    ),
)
