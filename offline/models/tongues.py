"""What differs from language to language while training: whose names come first, names of lands, what may be a date.

All else that differs is data, in the home of the language's model.
"""

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Tongue:
    code: str
    common: str  # its list of common words, `words/NAME.tsv.gz`
    people: tuple[str, ...]  # locales that half of all people are named from
    streets: tuple[str, ...]  # locales that three of five addresses are written in
    maybe_date: re.Pattern[str]  # where a corpus may leave a date unmarked
    inflected: bool = False  # whether a nationality ends as its sentence wants
    lands: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))  # country -> its name here


_MONTHS: Final = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
_DAYS: Final = "monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues?|wed|thurs?|fri|sat|sun"
_RELATIVE: Final = (
    "today|tonight|tomorrow|yesterday|morning|afternoon|evening|night|noon|midnight|weekend|week|month|year|day|hour|"
    "minute|decade|century|spring|summer|autumn|winter|christmas|easter"
)
_MONATE: Final = (
    "jänner|januar|feber|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember|"
    "jan|feb|mär|apr|jun|jul|aug|sept?|okt|nov|dez"
)
_TAGE: Final = "montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag"
_ZEITEN: Final = (
    "heute|gestern|vorgestern|morgens?|übermorgen|vormittags?|mittags?|nachmittags?|abends?|nachts?|nacht|mitternacht|"
    "wochenende|wochen?|monat|jahr|tag|stunden?|minuten?|jahrzehnt|jahrhundert|frühling|frühjahr|sommer|herbst|winter|"
    "weihnachten|ostern|pfingsten|silvester|uhr"
)
TONGUES: Final = MappingProxyType({
    "en": Tongue(
        code="en",
        common="english",
        people=("en_US", "en_GB", "en_NZ", "en_IN", "en_IE", "en_NG"),
        streets=("en_US", "en_GB", "en_AU", "en_CA", "en_IE", "en_IN"),
        maybe_date=re.compile(
            rf"(?:(?:\b(?:the|this|last|next|early|late|mid|end of|in|on|at|past|previous|first|second|third)\s+)*"
            rf"(?:\b\w+\s+)?\b(?:{_MONTHS}|{_DAYS}|{_RELATIVE})s?\b\.?(?:[\s,]+(?:of\s+)?\d{{1,4}}(?:st|nd|rd|th)?\b)*"
            r"(?:\s+ago)?)"
            r"|\b\d{1,4}(?:st|nd|rd|th)?\b(?:[/:.-]\d{1,4})*(?:\s?[ap]\.?m\b\.?)?|\b\d+0s\b",
            re.IGNORECASE,
        ),
    ),
    "de": Tongue(
        code="de",
        common="german",
        people=("de_DE", "de_AT", "de_CH"),
        streets=("de_DE", "de_AT", "de_CH"),
        maybe_date=re.compile(
            r"(?:\b(?:anfang|mitte|ende|(?:diese|vorige|letzte|nächste|kommende|vergangene)[mnrs]?)\s+)*"
            rf"\b(?:\d{{1,4}}\.?\s*)?(?:{_MONATE}|{_TAGE}|{_ZEITEN})(?:e?s|e[nr]?)?\b\.?(?:[\s,]+\d{{1,4}}\b\.?)*"
            r"|\b\d{1,4}(?:[/:.-]\d{1,4})*\b\.?(?:\s?uhr\b)?|\b\d+0er\b",
            re.IGNORECASE,
        ),
        inflected=True,
        lands=MappingProxyType({
            "US": "USA", "GB": "Großbritannien", "AU": "Australien", "CA": "Kanada", "IE": "Irland", "IN": "Indien",
            "DE": "Deutschland", "AT": "Österreich", "CH": "Schweiz", "FR": "Frankreich", "ES": "Spanien",
            "IT": "Italien", "NL": "Niederlande", "PL": "Polen", "PT": "Portugal", "BR": "Brasilien",
            "SE": "Schweden", "DK": "Dänemark", "FI": "Finnland", "NO": "Norwegen", "CZ": "Tschechien",
        }),
    ),
})  # fmt: skip
