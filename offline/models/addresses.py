"""Postal addresses as people write them in many countries, from street names of Faker and towns of GeoNames."""

import random
from collections import defaultdict
from dataclasses import dataclass

from faker import Faker

from offline.models.names import Lists

STREETS_EACH = 400
COUNTRIES = {
    "en_US": ("US", "United States"),
    "en_GB": ("GB", "United Kingdom"),
    "en_AU": ("AU", "Australia"),
    "en_CA": ("CA", "Canada"),
    "en_IE": ("IE", "Ireland"),
    "en_IN": ("IN", "India"),
    "de_DE": ("DE", "Germany"),
    "de_AT": ("AT", "Austria"),
    "de_CH": ("CH", "Switzerland"),
    "fr_FR": ("FR", "France"),
    "es_ES": ("ES", "Spain"),
    "it_IT": ("IT", "Italy"),
    "nl_NL": ("NL", "Netherlands"),
    "pl_PL": ("PL", "Poland"),
    "pt_PT": ("PT", "Portugal"),
    "pt_BR": ("BR", "Brazil"),
    "sv_SE": ("SE", "Sweden"),
    "da_DK": ("DK", "Denmark"),
    "fi_FI": ("FI", "Finland"),
    "no_NO": ("NO", "Norway"),
    "cs_CZ": ("CZ", "Czechia"),
}
NUMBER_FIRST = frozenset({"US", "GB", "AU", "CA", "IE", "IN", "FR"})
DIGIT, LETTER, LETTERS = "#", "@", "ABCDEFGHJKLMNPRSTUVWXY"
POSTCODES = {
    "US": ("#####", "#####-####"),
    "GB": ("@@# #@@", "@## #@@", "@@## #@@"),
    "CA": ("@#@ #@#",),
    "IE": ("@## @#@#",),
    "NL": ("#### @@",),
    "PL": ("##-###",),
    "PT": ("####-###",),
    "BR": ("#####-###",),
    "SE": ("### ##",),
    "CZ": ("### ##",),
    "IN": ("######",),
    "AT": ("####",),
    "CH": ("####",),
    "DK": ("####",),
    "NO": ("####",),
    "AU": ("####",),
}


@dataclass(frozen=True)
class Town:
    country: str
    streets: tuple[str, ...]
    cities: tuple[str, ...]
    land: str


class Addresses:
    """Draws addresses. Streets are drawn once, at the start: Faker is slow."""

    def __init__(self, lists: Lists, draw: random.Random) -> None:
        self.draw, self.parts, self.near = draw, lists.parts, len(lists.tongue.streets)
        self.towns = _towns(lists, draw.randrange(2**31))

    def town(self) -> Town:
        return self.draw.choice(self.towns[: self.near] if self.draw.random() < 0.6 else self.towns)

    def street(self) -> str:
        """A street, mostly with its number."""
        town = self.town()
        return self._street(town) if self.draw.random() < 0.65 else self._name(town)

    def address(self) -> str:
        """A whole address, in one line or several."""
        town = self.town()
        city, code = self.draw.choice(town.cities), self._code(town.country)
        parts = [self._street(town), *self._town_line(town, city, code)]
        if self.draw.random() < 0.25:
            parts.append(self.draw.choice((town.land, town.land.upper(), town.country)))
        kind = self.draw.random()
        if kind < 0.08:
            parts = parts[:1]
        joint = "\n" if kind > 0.7 else ", " if kind > 0.15 else self.draw.choice((" ", " - ", ",", ",\n", "\n   "))
        return joint.join(parts)

    def _town_line(self, town: Town, city: str, code: str) -> list[str]:
        if town.country == "US":
            state = self.draw.choice(self.parts["states"])
            return [self.draw.choice((f"{city}, {state} {code}", f"{city} {state} {code}", f"{city}, {state}", city))]
        if town.country in {"GB", "IE"}:
            return self.draw.choice(([city, code], [f"{city} {code}"], [city], [code]))
        if town.country in {"AU", "CA", "IN"}:
            return [self.draw.choice((f"{city} {code}", city, f"{city} - {code}"))]
        return [self.draw.choice((f"{code} {city}", f"{code} {city}", f"{town.country}-{code} {city}", city))]

    def _street(self, town: Town) -> str:
        draw, name = self.draw, self._name(town)
        number = str(
            draw.choice(
                (draw.randint(1, 99), draw.randint(1, 400), draw.randint(100, 19999 if town.country == "US" else 999))
            )
        )
        if town.country not in NUMBER_FIRST:
            number = number if draw.random() < 0.8 else f"{number}{draw.choice(('a', 'b', '/2', ' B', '-3'))}"
            return f"{name} {number}"
        kind = draw.random()
        if kind < 0.04:
            return f"{draw.choice(('P.O. Box', 'PO Box', 'P. O. Box'))} {number}"
        if kind < 0.10:
            return f"{draw.choice(('Flat', 'Apt', 'Unit', 'Suite'))} {draw.randint(1, 99)}, {number} {name}"
        if kind < 0.25:
            inner = draw.choice(("Apt. {}", "Apt {}B", "Suite {}", "Unit {}", "#{}", "Floor {}", "Ste {}"))
            return f"{number} {name}{draw.choice((' ', ', '))}{inner.format(draw.randint(1, 400))}"
        return f"{number} {name}" if kind < 0.97 else f"{number}{draw.choice('ABC')} {name}"

    def _name(self, town: Town) -> str:
        if town.country in NUMBER_FIRST - {"FR"} and self.draw.random() < 0.6:
            front = self.draw.choice(("N. ", "South ", "W ", "East ")) if self.draw.random() < 0.1 else ""
            return (
                f"{front}{self.draw.choice(self.parts['street_names'])} {self.draw.choice(self.parts['street_kinds'])}"
            )
        return self.draw.choice(town.streets)

    def _code(self, country: str) -> str:
        shape = self.draw.choice(POSTCODES.get(country, ("#####",)))
        return "".join(
            self.draw.choice("0123456789") if one == DIGIT else self.draw.choice(LETTERS) if one == LETTER else one
            for one in shape
        )


def _towns(lists: Lists, seed: int) -> tuple[Town, ...]:
    cities: dict[str, list[str]] = defaultdict(list)
    for name, country in lists.cities:
        cities[country].append(name)
    found = []
    tongue = lists.tongue
    countries = sorted(COUNTRIES.items(), key=lambda one: one[0] not in tongue.streets)
    for at, (locale, (country, land)) in enumerate(countries):
        faker = Faker(locale)
        faker.seed_instance(seed + at)
        streets = tuple(sorted({str(faker.street_name()) for _ in range(STREETS_EACH)}))
        streets += 2 * lists.parts.get(f"streets_{country}", ())
        found.append(Town(country, streets, tuple(cities[country]), tongue.lands.get(country, land)))
    return tuple(found)
