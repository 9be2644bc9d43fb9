"""Streets with house numbers as written in the US, the UK, Germany, Austria, Switzerland, France, the Netherlands.

Formats: USPS Publication 28 (and its list of suffixes), Royal Mail PAF guide, DIN 5008, La Poste NF Z 10-011, NEN
5825. Endings that are common elsewhere (`Spring 2015`, `iPad 2`) count only where the policy names the language.
"""

from collections.abc import Sequence
from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers.recogniser import WEAK, Rule, word

STREET_ADDRESS: Final = Entity("STREET_ADDRESS")
UPPER: Final = r"A-Z\xc0-\xd6\xd8-\xde"
LOWER: Final = r"a-z\xdf-\xf6\xf8-\xff"
NAME: Final = rf"(?:[{UPPER}][{LOWER}{UPPER}'\-]{{0,24}}\.?|[0-9]{{1,3}}(?:st|nd|rd|th))"
SURE: Final = (
    r"Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Terrace|Ter|Parkway|Pkwy|Highway|Hwy|"
    r"Crescent|Cres|Close|Mews|Circle|Cir|"
    r"Court|Ct|Plaza|Turnpike|Trail|Trl|Freeway|Expressway|Causeway|Grove|Gardens|Square|Sq|Heights|Hollow|Alley|"
    r"Junction|Bypass|Motorway|Esplanade"
)
COMMON: Final = (
    r"Way|Place|Pl|Park|Row|Walk|Rise|Hill|View|Path|Point|Ridge|Loop|Pass|Run|Green|Wharf|Quay|"
    r"Manor|Meadows?|Crossing|Landing|Village|Glen|Parade|Mall"
)
RARE: Final = (
    r"Anex|Arcade|Bayou|Beach|Bend|Bluffs?|Bottom|Branch|Bridge|Brooks?|Burgs?|Camp|Canyon|Cape|"
    r"Centers?|Circles|Cliffs?|Club|Commons?|Corners?|Course|Courts|Coves?|Creek|Crest|Crossroads?|"
    r"Curve|Dale|Dam|Divide|Drives|Estates?|Extensions?|Falls?|Ferry|Fields?|Flats?|Fords?|Forest|"
    r"Forges?|Forks?|Fort|Garden|Gateway|Glens|Greens|Groves|Harbors?|Haven|Hills|Inlet|Islands?|"
    r"Isle|Junctions|Keys?|Knolls?|Lakes?|Land|Lights?|Loaf|Locks?|Lodge|Manors|Mills?|Mission|Mount|"
    r"Mountains?|Neck|Orchard|Oval|Overpass|Parks|Parkways|Passage|Pike|Pines?|Plains?|Points|Ports?|"
    r"Prairie|Radial|Ramp|Ranch|Rapids?|Rest|Ridges|River|Roads|Route|Rue|Shoals?|Shores?|Skyway|"
    r"Springs?|Spurs?|Squares|Station|Stravenue|Stream|Streets|Summit|Throughway|Trace|Track|"
    r"Trafficway|Trailer|Tunnel|Underpass|Unions?|Valleys?|Viaduct|Views|Villages|Ville|Via|Vista|Walks|"
    r"Wall|Ways|Wells?"
)
FLAT: Final = (
    r"(?:,? ?(?:Apartment|Apt|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Building|Bldg|No|#)"
    r"\.? ?#?[A-Z0-9][A-Z0-9\-]{0,5}\b)"
)
UNIT: Final = FLAT + "?"
SIDE: Final = r"(?: (?:[NSEW]|NE|NW|SE|SW|North|South|East|West)\b\.?)?"
HOUSE: Final = r"\b[0-9]{1,6}(?:[A-Za-z]|-[0-9]{1,4}|/[0-9]{1,3}| 1/2)?"
GERMAN: Final = r"(?:stra\xdfe|strasse|str\.|platz|allee|gasse|chaussee|promenade)"
GERMAN_TOO: Final = r"(?:weg|ring|damm|ufer|steig|stieg|pfad|markt|wall|graben|winkel|hof|berg|kamp|deich)"
GERMAN_ALONE: Final = r"(?:Stra\xdfe|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ring|Damm|Ufer|Markt)"
DUTCH: Final = r"(?:straat|laan|plein|gracht|kade|dijk|singel)"
DUTCH_TOO: Final = r"(?:weg|pad|hof|steeg|dreef|baan|markt|wal|haven|plantsoen|park|ring)"
FRENCH: Final = r"(?:rue|avenue|av\.|boulevard|bd\.?|chemin|impasse|all\xe9e|quai|faubourg|sentier|rond-point)"
FRENCH_TOO: Final = r"(?:place|cours|route|passage|square|voie|villa)"
OF: Final = r"(?:de la |de l'|de |du |des |d'|l')"
HOME: Final = r"lives?|living|lived|address|located|office|residence|resides|at|ship|deliver|delivery|moved|home|house"


def whole(plain: bytes, start: int, end: int) -> bool:
    """No part of a word, and the house number no part of a longer number, as in `18,000 square miles`."""
    if start and (word(plain[start - 1]) or plain[start - 1] in b".:,/-$"):
        return False
    if plain[start - 2 : start] == b", " and plain[start - 3 : start - 2].isdigit():
        return False
    return end == len(plain) or not word(plain[end])


def _street(pattern: str, gate: str, score: float, context: str = "") -> Rule:
    return Rule(
        entity=STREET_ADDRESS,
        pattern=pattern,
        gate=gate,
        edges=whole,
        score=score,
        context=context,
        lifted=0.6,
        proved=False,
    )


def _joined(endings: str, most: int, score: float) -> Rule:
    """Name and kind in one word, the number behind: `Königstraße 12a`, `Keizersgracht 123`."""
    number = rf"[0-9]{{1,{most}}}(?:[ \-]?[a-zA-Z]\b|[\-/][0-9]{{1,4}})?\b"
    pattern = rf"\b(?:[{UPPER}][{LOWER}]{{1,20}}[ \-]){{0,2}}[{UPPER}][{LOWER}]{{1,24}}{endings} ?{number}"
    return _street(pattern, rf"{endings} ?[0-9]", score)


LONG_HOUSE: Final = r"\b(?:[03-9][0-9]{2,4}|1[0-8][0-9]{1,3}|2[1-9][0-9]{1,3}|[12][0-9]{2}|[12][0-9]{4})"  # not a year
PLAIN: Final = rf"[{UPPER}][{LOWER}]{{2,20}}"
NUMBER_FIRST: Final = r"[0-9][0-9A-Za-z]{0,2} [A-Z0-9]"
STREETS: Final = (
    _street(rf"{HOUSE}{SIDE}(?: {NAME}){{1,4}} (?:{SURE})\b\.?{SIDE}{UNIT}", NUMBER_FIRST, 0.75),
    _street(rf"{HOUSE}{SIDE}(?: {NAME}){{1,3}} (?:{COMMON})\b{SIDE}{UNIT}", NUMBER_FIRST, 0.5),
    _street(rf"{HOUSE}{SIDE}(?: {NAME}){{1,2}} (?:{RARE})\b{SIDE}{UNIT}", NUMBER_FIRST, WEAK, HOME),
    _street(rf"{LONG_HOUSE} {PLAIN} (?:{RARE})\b{SIDE}", NUMBER_FIRST, 0.5),
    _street(rf"{HOUSE}{SIDE}(?: {NAME}){{1,3}} (?:{COMMON}|{RARE})\b{FLAT}", NUMBER_FIRST, 0.75),
    _street(
        rf"\b(?:Flat|Studio|Apartment|Unit|Suite) [0-9]{{1,4}}[A-Za-z]?,? (?:{HOUSE} )?(?:{NAME} ){{1,3}}"
        rf"(?:{SURE}|{COMMON}|{RARE})\b",
        r"(?:Flat|Studio|Apartment|Unit|Suite) [0-9]",
        0.75,
    ),
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
    _joined(GERMAN, 4, 0.7),
    _joined(DUTCH, 4, 0.65),
    _street(
        rf"\b(?:[{UPPER}][{LOWER}]{{1,24}}[ \-](?:van-|von-|der-|"
        rf"den-){{0,2}}){{1,3}}{GERMAN_ALONE} [0-9]{{1,4}}(?: ?[a-zA-Z]\b|[\-/][0-9]{{1,4}})?\b",
        rf"{GERMAN_ALONE} [0-9]",
        0.6,
    ),
    _street(
        rf"(?i)\b[0-9]{{1,4}}(?: ?(?:bis|ter|quater))?,? (?:{FRENCH} {OF}?|{FRENCH_TOO} {OF})"
        rf"[{UPPER}{LOWER}0-9][{UPPER}{LOWER}'\-]{{1,24}}(?:[ \-](?-i:[{UPPER}][{UPPER}{LOWER}'\-]{{0,24}})){{0,3}}",
        rf"(?i)[0-9](?: ?(?:bis|ter|quater))?,? (?:{FRENCH}|{FRENCH_TOO})",
        0.7,
    ),
)
STREETS_IN: Final = {
    "de": (
        _joined(GERMAN_TOO, 3, 0.6),
        _street(
            r"\b(?:Am|An der|An den|Im|In der|Auf der|Auf dem|Zum|Zur|Unter den|Hinter der|Bei der) "
            rf"[{UPPER}][{LOWER}]{{2,24}} [0-9]{{1,3}}[a-z]?\b",
            r"(?:Am|[Dd]er|[Dd]en|[Dd]em|Im|Zum|Zur) [A-Z\xc0-\xde]",
            0.5,
        ),
    ),
    "nl": (_joined(DUTCH_TOO, 3, 0.6),),
}


def streets(languages: Sequence[str]) -> tuple[Rule, ...]:
    return (*STREETS, *(rule for one in languages for rule in STREETS_IN.get(one, ())))
