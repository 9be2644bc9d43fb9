"""Offline heuristics on the leaves of a body: they say where something looks wrong, never what it says.

They claim no rate of detection: each finds one known trick in its known forms, and whoever knows the list can write
around it. Policy decides for each whether an alarm is ignored, counted or refused.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

import msgspec

from appliance.redaction.leaf import Leaf


class Trick(StrEnum):
    """What a guard looks for."""

    ROLE_MARKER = "role_marker"  # tokens of a chat template, in the text of a user or a tool
    OVERRIDE = "override"  # "ignore all previous instructions", in the text of a user or a tool
    INVISIBLE = "invisible"  # characters without a shape, where no script needs them
    BIDI = "bidi"  # controls that show a text in another order than it has
    TAGS = "tags"  # Unicode tag characters: ASCII nobody sees
    BLOB = "blob"  # a long run of base64
    FOREIGN_IMAGE = "foreign_image"  # an image that a viewer would fetch from a host not on the list
    WORD = "word"  # a word or pattern of the site's own lists
    LEAF_SIZE = "leaf_size"
    TOTAL_SIZE = "total_size"


class Alarm(msgspec.Struct, frozen=True):
    """Something looks wrong at `where`, a place in the body; empty for the body as a whole."""

    trick: Trick
    where: str


Check = Callable[[Leaf], bool]
"""True when a leaf looks wrong. Pure, and linear in the leaf's length."""


def alarms(leaves: Iterable[Leaf], checks: Mapping[Trick, Check]) -> list[Alarm]:
    """One alarm at most for each leaf and check, in the order of the walk."""
    return [Alarm(trick, leaf.where) for leaf in leaves for trick, check in checks.items() if check(leaf)]
