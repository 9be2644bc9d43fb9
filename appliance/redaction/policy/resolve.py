"""From what a site says of its policies to whole ones, and to the one in force for a request."""

from collections.abc import Mapping

import msgspec

from appliance.domain.errors import RedactionUnavailable, Unable
from appliance.domain.privacy import Action, Analysis, Direction
from appliance.domain.privacy_entities import MODELLED
from appliance.domain.privacy_policy import OFF, Guards, Policy, Preset, Rule, Terms
from appliance.redaction.policy.merge import merge, named
from appliance.redaction.policy.presets import PRESETS

_GIVEN = (
    "languages", "model", "code", "media", "fail", "keep_line", "output", "window", "phone_regions",
    "internal_suffixes", "most_characters", "deadline",
)  # fmt: skip


class InForce(msgspec.Struct, frozen=True):
    """A policy with what has to be known of it for every request."""

    policy: Policy
    way_in: Analysis | None  # None: nothing is looked for in requests
    way_out: Analysis | None  # None: nothing is looked for in answers


IDLE = InForce(OFF, None, None)


class Policies:
    """All policies of a site by name, and which holds for whom."""

    def __init__(self, own: Mapping[str, Terms], site: str = Preset.OFF) -> None:
        """`site` names the policy that holds for every request. Raises RedactionUnavailable for a name that is none."""
        self._named = {preset.value: named(policy) for preset, policy in PRESETS.items()}
        self._named |= {name: whole(name, terms) for name, terms in own.items()}
        self._site = self.named(site)
        self._known: dict[tuple[str | None, str | None], InForce] = {}

    def names(self) -> tuple[str, ...]:
        return tuple(self._named)

    def named(self, name: str) -> Policy:
        """Raises RedactionUnavailable: whoever named it wanted protection, and gets none by passing."""
        found = self._named.get(name)
        if found is None:
            raise RedactionUnavailable(
                f"no privacy policy is named `{name[:64]}` here; see your operator", why=Unable.POLICY
            )
        return found

    def in_force(self, *, key: str | None, route: str | None) -> InForce:
        """For a request of a key to a model, by the names of their policies."""
        found = self._known.get((key, route))
        if found is None:
            names = [name for name in (key, route) if name is not None]
            found = in_force(merge([self._site, *(self.named(name) for name in names)]))
            self._known[key, route] = found  # bounded: only names that exist come here
        return found


def whole(name: str, terms: Terms) -> Policy:
    """A policy of the site's own: its preset, with what is said of it laid over.

    An entity of its own patterns or lists that has no rule is masked.
    """
    base = PRESETS[terms.based_on]
    given = {one: getattr(terms, one) for one in _GIVEN if getattr(terms, one) is not None}
    guards = dict(base.guards.actions) | dict(terms.guards.actions)
    own = {pattern.entity: Rule() for pattern in terms.patterns} | {entity: Rule() for entity, _ in terms.deny}
    policy = msgspec.structs.replace(
        base,
        name=name,
        rules=tuple(sorted((own | dict(base.rules) | dict(terms.rules)).items())),
        patterns=terms.patterns,
        allow=terms.allow,
        deny=terms.deny,
        guards=Guards(
            actions=tuple(sorted(guards.items())),
            image_hosts=terms.guards.image_hosts,
        ),
        **given,
    )
    return named(policy)


def in_force(policy: Policy) -> InForce:
    if not policy.active:
        return IDLE
    return InForce(policy, analysis(policy, Direction.IN), analysis(policy, Direction.OUT))


def analysis(policy: Policy, way: Direction = Direction.IN) -> Analysis | None:
    """What the analyser is asked on one way; None: nothing."""
    entities = policy.entities(way)
    if not entities:
        return None
    wanted = frozenset(entities)
    return Analysis(
        entities=entities,
        counted=tuple(name for name, rule in policy.rules if name in wanted & MODELLED and rule.action is Action.ALLOW),
        thresholds=tuple(
            (name, rule.threshold) for name, rule in policy.rules if name in wanted and rule.threshold is not None
        ),
        languages=policy.languages,
        model=policy.model,
        code=policy.code,
        phone_regions=policy.phone_regions,
        internal_suffixes=policy.internal_suffixes,
        patterns=tuple(pattern for pattern in policy.patterns if pattern.entity in wanted),
        allow=policy.allow,
        deny=tuple((entity, text) for entity, text in policy.deny if entity in wanted),
    )
