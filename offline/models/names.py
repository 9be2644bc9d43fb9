"""Names of people, places and organisations of many cultures, to fill synthetic text and swapped sentences with."""

import importlib
import random
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offline.models.corpora import lines
from offline.models.manifest import language_of
from offline.models.tongues import TONGUES, Tongue

LOCALES = (
    *("en_US", "en_GB", "en_NZ", "en_IN", "en_IE", "en_NG", "de_DE", "de_AT", "de_CH", "fr_FR", "fr_CH", "fr_CA"),
    *("es_ES", "es_MX", "es_CO", "it_IT", "nl_NL", "nl_BE", "pt_BR", "pt_PT", "pl_PL", "cs_CZ", "sk_SK", "sl_SI"),
    *("hr_HR", "ro_RO", "hu_HU", "fi_FI", "sv_SE", "no_NO", "da_DK", "et_EE", "lt_LT", "lv_LV", "tr_TR", "en_PK"),
    *("id_ID", "is_IS", "ga_IE", "vi_VN", "zu_ZA", "yo_NG"),
)
JOINTS = ("&", "and", "+")
CAPITALS = "ABCDEFGHIKLMNOPRSTUVWZ"
UNTYPED = "\u0304\u0323\u0324\u0327\u0331\u0326\u02bb\u2018"  # macron, dots, cedilla, line, comma below, turned commas
Names = tuple[tuple[str, ...], tuple[str, ...]]  # given, family


@dataclass(frozen=True)
class Lists:
    """Everything names are drawn from. `cities` are ordered by size, those of the language's own lands first."""

    tongue: Tongue
    people: tuple[Names, ...]  # by culture; the tongue's own come first
    cities: tuple[tuple[str, str], ...]  # name, country
    regions: tuple[str, ...]
    organisations: tuple[str, ...]
    parts: dict[str, tuple[str, ...]]
    nrp: tuple[str, ...]
    technical: tuple[str, ...]


def read_lists(home: Path) -> Lists:
    words, tongue = home / "words", TONGUES[language_of(home)]
    locales = sorted(LOCALES, key=lambda one: one not in tongue.people)
    places = [line.split("\t") for line in lines(words / "places.tsv.gz")]
    return Lists(
        tongue=tongue,
        people=(*(_of_faker(locale) for locale in locales), *_own(words / "names.txt")),
        cities=tuple((_plainly(name), country) for name, _, country in places),
        regions=tuple(lines(words / "regions.txt")),
        organisations=tuple(lines(words / "organisations.txt")),
        parts={**_parts(words / "org_parts.txt"), **_phrases(words / "phrases.txt")},
        nrp=tuple(lines(words / "nrp.txt")),
        technical=tuple(lines(home / "templates/technical.txt")),
    )


def _plainly(name: str) -> str:
    """`Ghaziabad`, not `Ghāziābād`: marks that nobody types fall away, those of European languages stay."""
    marked = unicodedata.normalize("NFD", name)
    return unicodedata.normalize("NFC", "".join(one for one in marked if one not in UNTYPED))


def _of_faker(locale: str) -> Names:
    """The plain lists behind Faker's names, without its weights: rare names are worth as much as common ones."""
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    given: set[str] = set()
    family: set[str] = set()
    for field in dir(provider):
        if field.startswith("first_names"):
            given |= _words(getattr(provider, field))
        elif field.startswith("last_names"):
            family |= _words(getattr(provider, field))
    return tuple(sorted(given)), tuple(sorted(family))


def _words(value: Any) -> set[str]:
    """Names written in Latin letters out of a list, or out of a table of weights."""
    if not isinstance(value, Iterable):
        return set()
    return {one.strip() for one in value if isinstance(one, str) and one[:1].isalpha() and ord(one[0]) < 0x250}


def _own(path: Path) -> list[Names]:
    found = []
    for line in lines(path):
        given, family = line.partition(":")[2].split("|")
        found.append((tuple(given.split()), tuple(family.split())))
    return found


def _parts(path: Path) -> dict[str, tuple[str, ...]]:
    parts: dict[str, tuple[str, ...]] = {}
    section = ""
    for line in lines(path):
        if line.startswith("["):
            section = line.strip("[]")
        else:
            parts[section] = (*parts.get(section, ()), *line.split())
    return parts


def _phrases(path: Path) -> dict[str, tuple[str, ...]]:
    pairs = (line.partition(": ") for line in lines(path))
    return {name: tuple(told.split("|")) for name, _, told in pairs}


class Namer:
    """Draws names. `draw` decides everything: the same seed names the same people."""

    def __init__(self, lists: Lists, draw: random.Random) -> None:
        self.lists = lists
        self.draw = draw

    def culture(self) -> Names:
        people, own = self.lists.people, len(self.lists.tongue.people)
        return self.draw.choice(people[:own] if self.draw.random() < 0.5 else people)

    def given(self) -> str:
        return self.draw.choice(self.culture()[0])

    def family(self) -> str:
        return self.draw.choice(self.culture()[1])

    def person(self) -> str:
        """A full name, or what people make of it."""
        given, family = (self.draw.choice(some) for some in self.culture())
        initial = f"{self.draw.choice('ABCDEFGHJKLMNPRSTVW')}."
        kind = self.draw.random()
        for below, name in (
            (0.58, f"{given} {family}"),
            (0.70, given),
            (0.76, family),
            (0.82, f"{given} {initial} {family}"),
            (0.85, f"{given[0]}. {family}"),
            (0.88, f"{family}, {given}"),
            (0.92, f"{given} {self.given()} {family}"),
            (0.95, f"{given} {family}-{self.family()}"),
            (0.97, f"{given} {self.draw.choice(self.lists.parts['particles'])} {family}"),
            (0.98, f"{given} {self.draw.choice(self.lists.parts['before_family'])}{family}"),
        ):
            if kind < below:
                return name
        return f"{given[0]}.{self.draw.choice('ABCDEFGHJKLMNPRSTVW')}. {family}"

    def full_name(self) -> str:
        given, family = (self.draw.choice(some) for some in self.culture())
        return f"{given} {family}"

    def city(self) -> str:
        """Half of all draws are from the six hundred largest, as they are in what people write."""
        most = 600 if self.draw.random() < 0.5 else len(self.lists.cities)
        return self.lists.cities[self.draw.randrange(most)][0]

    def region(self) -> str:
        return self.draw.choice(self.lists.regions)

    def place(self) -> str:
        kind = self.draw.random()
        if kind < 0.5:
            return self.city()
        if kind < 0.93:
            return self.region()
        return f"{self.draw.choice(self.lists.parts['place_front'])} {self.city()}"

    def organisation(self) -> str:
        kind = self.draw.random()
        if kind < 0.42:
            return self.draw.choice(self.lists.organisations)
        return self._made_up() if kind < 0.86 else self._of_a_place()

    def _made_up(self) -> str:
        parts, pick = self.lists.parts, self.draw.choice
        suffix = f" {pick(parts['suffix'])}" if self.draw.random() < 0.5 else ""
        kind = self.draw.random()
        for below, name in (
            (0.30, f"{pick(parts['core'])} {pick(parts['tail'])}{suffix}"),
            (0.40, f"{pick(parts['core'])} {pick(parts['core'])} {pick(parts['tail'])}{suffix}"),
            (0.55, f"{pick(parts['core'])}{pick(parts['glue'])}{suffix}"),
            (0.66, f"{self.family()} {pick(parts.get('joints', JOINTS))} {self.family()}{suffix}"),
            (0.74, f"{self.family()}, {self.family()} {parts.get('joints', JOINTS)[1]} {self.family()}"),
            (0.90, f"{self.family()} {pick(parts['tail'])}{suffix}"),
            (0.95, f"{self.family()}{suffix or ' GmbH'}"),
        ):
            if kind < below:
                return name
        return "".join(self.draw.choices(CAPITALS, k=self.draw.randint(3, 5)))

    def _of_a_place(self) -> str:
        parts = self.lists.parts
        if self.draw.random() < 0.4:
            return f"{self.draw.choice(parts['before_place'])} {self.place()}"
        return f"{self.place()} {self.draw.choice(parts['after_place'])}"
