"""What no single setting of privacy can know: names that exist, entities that are found, patterns that RE2 takes."""

from collections.abc import Iterator

from appliance.config.patterns import why_not
from appliance.config.privacy import PolicyEntry, Privacy
from appliance.config.problems import Problem, nearest
from appliance.config.tree import Path
from appliance.domain.privacy_entities import ENTITIES
from appliance.domain.privacy_policy import Preset

AT = ("privacy",)


def broken_privacy(privacy: Privacy) -> Iterator[Problem]:
    """Everything in the section that is well-formed and still not allowed."""
    yield from unknown_policy(privacy.policy, privacy.names, (*AT, "policy"))
    seen = {preset.value for preset in Preset}
    for at, one in enumerate(privacy.policies):
        path = (*AT, "policies", at)
        if one.name in seen:
            yield Problem((*path, "name"), f"`{one.name}` is there already; each policy has a name of its own")
        seen.add(one.name)
        yield from _policy(one, path)


def unknown_policy(name: str | None, names: tuple[str, ...], path: Path) -> Iterator[Problem]:
    if name is not None and name not in names:
        yield Problem(path, f"no privacy policy is named `{name}`{nearest(name, names)}")


def _policy(one: PolicyEntry, path: Path) -> Iterator[Problem]:
    own = {pattern.entity for pattern in one.patterns} | {listed.entity for listed in one.deny}
    known = sorted({*ENTITIES, *own})
    twice: set[str] = set()
    for at, rule in enumerate(one.rules):
        where = (*path, "rules", at, "entity")
        if rule.entity not in known:
            yield Problem(where, f"nothing is found that is called `{rule.entity}`{nearest(rule.entity, known, OR)}")
        if rule.entity in twice:
            yield Problem(where, f"`{rule.entity}` has a rule already")
        twice.add(rule.entity)
    for at, pattern in enumerate(one.patterns):
        if wrong := why_not(pattern.pattern):
            yield Problem((*path, "patterns", at, "pattern"), wrong)


OR = "see `redoubt pii policies --entities`"
