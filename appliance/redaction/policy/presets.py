"""The policies that every site has, as data."""

from collections.abc import Iterable
from typing import Final

from appliance.domain.privacy import Action, Direction, Entity, Fail, Media
from appliance.domain.privacy_entities import ABOUT, CONTACT, ENTITIES, MONEY, NATIONAL, NETWORK, PLACE
from appliance.domain.privacy_policy import OFF, Guard, GuardAction, Guards, Output, Policy, Preset, Rule

_ADDRESS: Final = ("STREET_ADDRESS",)
_EUROPE: Final = ("AT", "BE", "CH", "DE", "ES", "FR", "GB", "IT", "NL", "PL", "PT")
_FLAGGED: Final = Guards(
    actions=tuple((guard, GuardAction.FLAG) for guard in sorted((Guard.INVISIBLE, Guard.ROLE_MARKERS, Guard.IMAGES)))
)
_BLOCKED: Final = Guards(
    actions=tuple(
        sorted(
            [
                (Guard.INVISIBLE, GuardAction.BLOCK),
                (Guard.ROLE_MARKERS, GuardAction.BLOCK),
                (Guard.IMAGES, GuardAction.BLOCK),
                (Guard.BASE64, GuardAction.FLAG),
            ]
        )
    )
)


def _rules(
    *groups: tuple[Iterable[str], Action], direction: Direction = Direction.IN, secret: Action = Action.BLOCK
) -> tuple[tuple[Entity, Rule], ...]:
    told = {name: Rule(action=action, direction=direction) for names, action in groups for name in names}
    told["SECRET"] = Rule(action=secret, direction=Direction.IN)
    return tuple((Entity(name), rule) for name, rule in sorted(told.items()))


PRESETS: Final = {
    Preset.OFF: OFF,
    Preset.DETECT_ONLY: Policy(
        name=Preset.DETECT_ONLY,
        rules=_rules((ENTITIES, Action.ALLOW), secret=Action.ALLOW),
        fail=Fail.OPEN,  # nothing is protected here, so nothing is gained by refusing
    ),
    Preset.STANDARD: Policy(
        name=Preset.STANDARD,
        rules=_rules(((*CONTACT, *MONEY, *NATIONAL, *_ADDRESS), Action.MASK)),
        guards=_FLAGGED,
    ),
    Preset.STRICT: Policy(
        name=Preset.STRICT,
        rules=_rules(((*CONTACT, *MONEY, *NATIONAL, *PLACE, *NETWORK, *ABOUT), Action.MASK), direction=Direction.BOTH),
        media=Media.BLOCK,
        guards=_BLOCKED,
    ),
    Preset.GDPR_EU: Policy(
        name=Preset.GDPR_EU,
        # Article 4(1): names, identification numbers, locations, online identifiers. NRP: article 9(1).
        rules=_rules(((*CONTACT, *MONEY, *NATIONAL, *PLACE, "IP_ADDRESS", "MAC_ADDRESS", "AGE", "NRP"), Action.MASK)),
        phone_regions=_EUROPE,
        media=Media.STRIP,
        guards=_FLAGGED,
    ),
    Preset.PCI: Policy(
        name=Preset.PCI,
        # Card numbers are neither sent nor put back, whoever says them (PCI DSS 4.0 §3.3, §3.5).
        rules=_rules((("CREDIT_CARD",), Action.REPLACE), direction=Direction.BOTH),
        model=False,
        output=Output.WINDOW,
        media=Media.BLOCK,
    ),
}
"""By name. `SECRET` is blocked wherever something is protected."""
