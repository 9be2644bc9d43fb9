"""A policy's guards over the leaves of a request: what is flagged is counted, what is blocked is refused."""

from typing import Final

from appliance.domain.errors import ContentBlocked
from appliance.domain.privacy import Direction
from appliance.domain.privacy_policy import Guard, GuardAction, Guards, Policy
from appliance.domain.redaction import Treatment
from appliance.redaction.guards import Check, Trick, alarms, marks
from appliance.redaction.guards.images import foreign_image
from appliance.redaction.leaf import Leaves

_CHECKS: Final[dict[Guard, tuple[tuple[Trick, Check], ...]]] = {
    Guard.ROLE_MARKERS: ((Trick.ROLE_MARKER, marks.role_marker),),
    Guard.OVERRIDES: ((Trick.OVERRIDE, marks.override),),
    Guard.INVISIBLE: (
        (Trick.INVISIBLE, marks.invisible),
        (Trick.BIDI, marks.bidi),
        (Trick.TAGS, marks.tags),
    ),
    Guard.BASE64: ((Trick.BLOB, marks.blob),),
}


def guarded(found: Leaves, policy: Policy, told: Treatment) -> None:
    """Raises ContentBlocked, naming guard and place, for the first thing that a guard blocks."""
    guards = policy.guards
    if not guards.actions:
        return
    refused: ContentBlocked | None = None
    for guard, action in guards.actions:
        if action is GuardAction.OFF:
            continue
        for alarm in alarms(found, dict(_checks(guard, guards))):
            told.add(f"guard:{alarm.trick}", action.value, Direction.IN)
            if action is GuardAction.BLOCK and refused is None:
                refused = ContentBlocked(
                    f"`{alarm.where}` is refused by the guard `{guard.value}` of the privacy policy of this key",
                    param=alarm.where,
                )
    if refused is not None:
        raise refused


def _checks(guard: Guard, guards: Guards) -> tuple[tuple[Trick, Check], ...]:
    if guard is Guard.IMAGES:
        hosts = frozenset(host.removeprefix("*").lower() for host in guards.image_hosts)
        return ((Trick.FOREIGN_IMAGE, foreign_image(hosts)),)
    return _CHECKS[guard]
