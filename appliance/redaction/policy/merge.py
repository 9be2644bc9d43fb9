"""Policies laid over each other: of any two, the stricter word holds.

Laws (tests/properties): a merge with itself or with `off` changes nothing, order does not matter, and what one of the
policies would find and treat is found and treated no less by the merged one.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from hashlib import blake2b
from typing import Final

import msgspec

from appliance.domain.privacy import STRICTNESS, Code, Direction, Entity, Fail, Media
from appliance.domain.privacy_policy import DEFAULT_THRESHOLD, OFF, Guard, GuardAction, Guards, Output, Policy, Rule

_MEDIA: Final = tuple(Media)
_CODE: Final = (Code.SKIP, Code.PATTERNS, Code.SCAN)
_OUTPUT: Final = tuple(Output)
_GUARD: Final = tuple(GuardAction)
_encode = msgspec.json.Encoder(order="deterministic").encode


def merge(policies: Iterable[Policy | None]) -> Policy:
    """Site, workspace, team, key, route: those that are there. Inactive ones say nothing; without any: `off`."""
    active = [policy for policy in policies if policy is not None and policy.active]
    return named(reduce(_both, active, active[0])) if active else OFF  # one alone is put in order too


def named(policy: Policy) -> Policy:
    """With the digest of what it says. Equal policies have equal ids."""
    content = _encode(msgspec.structs.replace(policy, name="", digest=""))
    return msgspec.structs.replace(policy, digest=blake2b(content, digest_size=4).hexdigest())


def _both(a: Policy, b: Policy) -> Policy:
    return Policy(
        name="+".join(sorted({*a.name.split("+"), *b.name.split("+")})),
        rules=_rules(a, b),
        languages=_union(a.languages, b.languages),
        model=a.model or b.model,
        code=max(a.code, b.code, key=_CODE.index),
        media=max(a.media, b.media, key=_MEDIA.index),
        fail=Fail.CLOSED if Fail.CLOSED in {a.fail, b.fail} else Fail.OPEN,
        keep_line=a.keep_line or b.keep_line,
        output=max(a.output, b.output, key=_OUTPUT.index),
        window=max(a.window, b.window),
        phone_regions=_union(a.phone_regions, b.phone_regions),
        internal_suffixes=_union(a.internal_suffixes, b.internal_suffixes),
        patterns=tuple(sorted({*a.patterns, *b.patterns}, key=_encode)),
        allow=_common(a.allow, b.allow),
        deny=tuple(sorted({*a.deny, *b.deny})),
        guards=_guards(a.guards, b.guards),
        most_characters=min(a.most_characters, b.most_characters),
        deadline=min(a.deadline, b.deadline),
    )


def _rules(a: Policy, b: Policy) -> tuple[tuple[Entity, Rule], ...]:
    mine, other = dict(a.rules), dict(b.rules)
    names = sorted({*mine, *other})
    return tuple((name, _rule(mine.get(name) or other[name], other.get(name) or mine[name])) for name in names)


def _rule(a: Rule, b: Rule) -> Rule:
    known = [rule.threshold for rule in (a, b)]
    low = min(DEFAULT_THRESHOLD if one is None else one for one in known)
    return Rule(
        action=max(a.action, b.action, key=STRICTNESS.__getitem__),
        threshold=None if known == [None, None] else low,
        direction=a.direction if a.direction is b.direction else Direction.BOTH,
    )


def _guards(a: Guards, b: Guards) -> Guards:
    actions = {guard: max(a.action(guard), b.action(guard), key=_GUARD.index) for guard in Guard}
    images = [one.image_hosts for one in (a, b) if one.action(Guard.IMAGES) is not GuardAction.OFF]
    return Guards(
        actions=tuple(sorted((guard, action) for guard, action in actions.items() if action is not GuardAction.OFF)),
        image_hosts=reduce(_common, images) if images else (),
    )


def _union(a: Sequence[str], b: Sequence[str]) -> tuple[str, ...]:
    """In order when equal, so that a merge with itself is the same."""
    return tuple(a) if tuple(a) == tuple(b) else tuple(sorted({*a, *b}))


def _common(a: Sequence[str], b: Sequence[str]) -> tuple[str, ...]:
    known = {one.casefold() for one in b}
    return tuple(sorted({one.casefold() for one in a if one.casefold() in known})) if a != b else tuple(a)
