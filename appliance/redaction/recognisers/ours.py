"""All of our recognisers, compiled for one analysis."""

from collections.abc import Iterator
from typing import Final

from appliance.domain.privacy import Analysis, Entity
from appliance.redaction.recognisers import addresses, dates, keys, network, people, postcodes
from appliance.redaction.recognisers.accounts import Ibans, Wallets
from appliance.redaction.recognisers.cards import Cards
from appliance.redaction.recognisers.countries import (
    austria,
    belgium,
    france,
    germany,
    italy,
    netherlands,
    poland,
    portugal,
    spain,
    switzerland,
    united_kingdom,
    united_states,
)
from appliance.redaction.recognisers.credentials import Named, Random
from appliance.redaction.recognisers.gate import Gated
from appliance.redaction.recognisers.network import Ipv4, Ipv6
from appliance.redaction.recognisers.phone import PHONE_NUMBER, Phones
from appliance.redaction.recognisers.recogniser import Recogniser, Rule, Ruled, Scanner
from appliance.redaction.recognisers.site import Denied, SitePatterns
from appliance.redaction.recognisers.web import DOMAIN_NAME, EMAIL_ADDRESS, URL, Emails, Hosts, Urls

KINDS: Final = (Cards, Ibans, Wallets, Ipv4, Ipv6, Urls, Named, Random)
COUNTRIES: Final = (
    *(austria.RULES, belgium.RULES, france.RULES, germany.RULES, italy.RULES, netherlands.RULES),
    *(poland.RULES, portugal.RULES, spain.RULES, switzerland.RULES, united_kingdom.RULES, united_states.RULES),
)


def ours(analysis: Analysis) -> tuple[Recogniser, ...]:
    """Recognisers for the entities the analysis asks for, behind one gate; then the site's own.

    Takes some 50 ms: keep what it returns for as long as the analysis is in use. It is not safe for several threads.
    Raises ValueError, in words for whoever wrote the policy, for a pattern RE2 refuses and a telephone region that
    does not exist.
    """
    asked = frozenset(analysis.entities)
    found: list[Recogniser] = []
    if scanners := [*_scanners(analysis, asked)]:
        found.append(Gated(scanners))
    if patterns := [one for one in analysis.patterns if one.entity in asked]:
        found.append(SitePatterns(patterns))
    if denied := [(entity, text) for entity, text in analysis.deny if entity in asked and text.strip()]:
        found.append(Denied(denied))
    return tuple(found)


def _scanners(analysis: Analysis, asked: frozenset[Entity]) -> Iterator[Scanner]:
    yield from (Ruled(rule) for rule in rules(analysis) if rule.entity in asked)
    for kind in KINDS:
        if asked & set(kind.entities):
            yield kind()
    if EMAIL_ADDRESS in asked:
        yield Emails(analysis.internal_suffixes)
    if host := next((one for one in (DOMAIN_NAME, URL) if one in asked), None):
        yield Hosts(host, analysis.internal_suffixes)
    if PHONE_NUMBER in asked:
        yield Phones(analysis.phone_regions)


def rules(analysis: Analysis) -> tuple[Rule, ...]:
    """Everything that is told by one pattern and a check."""
    return (
        *(rule for country in COUNTRIES for rule in country),
        *network.RULES,
        *dates.RULES,
        *people.ages(analysis.languages),
        *people.titles(analysis.languages),
        *addresses.streets(analysis.languages),
        *postcodes.postcodes(analysis.languages),
        *keys.RULES,
    )
