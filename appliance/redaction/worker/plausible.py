"""What a model found that cannot be what it says: identifiers, sizes, versions, hashes, words of software.

A model that learned names from letters and mail has never seen a log. Only its findings pass through here; patterns
with check digits, lists of the site and full names do not. Pure, linear in the finding.
"""

import re
from typing import Final

from appliance.redaction.recognisers.people import TITLES, TITLES_IN
from appliance.redaction.worker.technical import TECHNICAL

_UNIT: Final = re.compile(r"[kKMGTP]i?[Bb]|[mun\u00b5]?s|[kMG]?Hz|min|h|px|rpm|ULL")
_MACHINE: Final = re.compile(r"[_=<>{}\[\]$\\]|::|\(\)")  # in no name, in most code
_BEFORE: Final = 12  # characters: the longest title and its space
_TITLED: Final = re.compile(rf"\b(?:{'|'.join([TITLES, *TITLES_IN.values()])})\.?\s$")
_TIME: Final = re.compile(
    r"[^\W\d_]{3}"  # a month, a day, a word
    r"|\d{1,2}:\d\d|\d{1,2}\s?[ap]\.?m\b|\d{1,2}(?:st|nd|rd|th)\b|\b\d{1,3}0s\b"
    r"|\b\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?\b|\b\d{1,2}([-/.])\d{1,2}\1(?:\d\d){1,2}\b|\b\d{1,2}/\d{1,4}\b"
    r"|(?<![\w.])(?:19\d\d|20[0-4]\d)(?![\w.]?\d)",
    re.IGNORECASE,
)
_LASTS: Final = re.compile(
    r"\d+\s?(?:second|minute|hour|day|week|month|year|Sekunde|Minute|Stunde|Tag|Woche|Monat|Jahr)\w*"
)
_VERBS: Final = frozenset({"may", "march", "mar", "sat", "sun", "sec", "dec", "second"})


def plausible(entity: str, text: str, start: int, end: int) -> bool:
    """Whether text[start:end] can be an `entity`: PERSON, LOCATION, ORGANIZATION, NRP, STREET_ADDRESS, DATE_TIME."""
    said = text[start:end]
    if entity == "DATE_TIME":
        return _is_time(said)
    if entity == "STREET_ADDRESS":
        said = said.partition("\n")[0]
        return bool(_words(said))
    words = _words(said)
    if not words or (entity == "ORGANIZATION" and len(said) <= 3 and said.islower()):
        return False
    return not _technical(words) or _TITLED.search(text, max(0, start - _BEFORE), start) is not None


def _words(said: str) -> list[str]:
    """The parts between white space that a name may be made of: letters of any script, no digit, nothing of code."""
    parts = (part.strip(",;:!?\"'()\u201c\u201d") for part in said.split())
    return [part for part in parts if _is_word(part) and not _UNIT.fullmatch(part) and not _MACHINE.search(part)]


def _is_word(part: str) -> bool:
    return any(map(str.isalpha, part)) and not any(map(str.isdigit, part))


def _technical(words: list[str]) -> bool:
    named = [word.casefold().rstrip(".") for word in words if word.casefold() not in {"and", "or", "und", "oder"}]
    return " ".join(named) in TECHNICAL or all(word in TECHNICAL for word in named)


def _is_time(said: str) -> bool:
    if _MACHINE.search(said) or _TIME.search(said) is None or _LASTS.fullmatch(said):
        return False
    words = said.split()
    if all(word in _VERBS for word in words):
        return False
    return not all(_hexadecimal(word) for word in words)


def _hexadecimal(word: str) -> bool:
    """A hash, an address of memory, a UUID: longer than any date, or letters glued to digits."""
    bare = word.lower().removeprefix("0x").replace("-", "")
    return len(bare) >= 8 and not bare.isdecimal() and all(one in "0123456789abcdef" for one in bare)
