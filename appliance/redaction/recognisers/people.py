"""What stands beside a person: an age, a title."""

from collections.abc import Sequence
from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers.recogniser import Rule, apart

AGE: Final = Entity("AGE")
TITLE: Final = Entity("TITLE")
TENS: Final = r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
ONES: Final = r"(?:one|two|three|four|five|six|seven|eight|nine)"
WORDED: Final = (
    rf"(?:{TENS}(?:[ \-]{ONES})?|{ONES}|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|"
    rf"nineteen)"
)
YEARS: Final = r"(?:1[0-2][0-9]|[1-9]?[0-9])"
NAME: Final = r"[A-Z\xc0-\xd6\xd8-\xde][a-z\xdf-\xf6\xf8-\xff'A-Z.\-]"


def _age(pattern: str, gate: str, score: float = 0.7) -> Rule:
    return Rule(entity=AGE, pattern=pattern, gate=gate, group=1, edges=apart, score=score)


AGES: Final = (
    _age(rf"(?i)\b({YEARS}|{WORDED})[ \-](?:years?|yrs?|months?)[ \-](?:old|of age)\b", r"(?i)[ \-](?:old|of age)\b"),
    _age(rf"(?i)\b({YEARS}) ?(?:y/o|yo|y\.o\.)(?:[^a-z]|$)", r"(?i)[0-9] ?y[/.]?o"),
    _age(rf"(?i)\b(?:aged|age|ages|age of)(?: is)?[: ] ?({YEARS}|{WORDED})\b", r"(?i)\bage[ds]?\b"),
    _age(rf"(?i)\x22age\x22 ?: ?\x22?({YEARS})\b", r"(?i)\x22age\x22"),
    _age(
        rf"(?i)\b(?:he|she|i|who)(?:'s| is| was|'m| am) ({YEARS})(?: now| then| today)?(?:[.,;!]|$)",
        r"(?i)(?:'s|is|was|'m|am) [0-9]{1,3}",
        0.5,
    ),
)
AGES_IN: Final = {
    "de": (
        _age(rf"(?i)\b({YEARS})[ \-](?:jahren?|j\xe4hrige[rnms]?)(?: alt\b|\b)", r"(?i)[0-9][ \-]j(?:ahre|\xe4hrig)"),
    ),
    "fr": (
        _age(rf"(?i)(?:\b\xe2g\xe9e? de |\ba |\xe2g\xe9e? de |\bai |\bavait |\b)({YEARS}) ans\b", r"(?i)[0-9] ans\b"),
    ),
    "nl": (_age(rf"(?i)\b({YEARS}) jaar(?: oud)?\b", r"(?i)[0-9] jaar"),),
    "es": (_age(rf"(?i)\b({YEARS}) a\xf1os\b", r"(?i)[0-9] a\xf1os"),),
    "it": (_age(rf"(?i)\b({YEARS}) anni\b", r"(?i)[0-9] anni"),),
}
TITLES: Final = (
    r"Mr|MR|Mrs|MRS|Ms|Miss|Mx|Dr|DR|Prof|Professor|Doctor|Sir|Dame|Madam|Rev|Reverend|Hon|Capt|Lt|Sgt|Col|Gen\.|"
    r"Maj|Msgr"
)
TITLES_IN: Final = {
    "de": r"Herrn?|Frau|Hr|Fr\.|Dipl\.-Ing",
    "fr": r"M|Mme|Mlle|Me|Monsieur|Madame|Mademoiselle",
    "nl": r"Dhr|dhr|Mevr|mevr|Mw|mw|Meneer|Mevrouw|mevrouw|meneer|Drs|drs|Ir|ir",
    "es": r"Sr|Sra|Srta|Don|Do\xf1a|Dra",
    "it": r"Sig|Sig\.ra|Sig\.na|Signor|Signora|Dott|Dott\.ssa|Avv|Ing",
}


def titles(languages: Sequence[str]) -> tuple[Rule, ...]:
    """A title counts where a name or an initial follows; English ones always, others by language."""
    words = "|".join([TITLES, *(TITLES_IN[one] for one in languages if one in TITLES_IN)])
    pattern = rf"\b((?:{words})\.?)(?: (?:{words})\.?){{0,2}} (?:{NAME}|[A-Z]\.)"
    return (
        Rule(entity=TITLE, pattern=pattern, gate=rf"\b(?:{words})\.? [A-Z\xc0-\xde]", group=1, edges=apart, score=0.6),
    )


def ages(languages: Sequence[str]) -> tuple[Rule, ...]:
    """Spans hold the number alone: `[AGE_1] years old` still reads as a sentence."""
    return (*AGES, *(rule for one in languages for rule in AGES_IN.get(one, ())))
