"""The site's own words and patterns, and the sizes it lets through."""

from collections.abc import Callable, Iterable, Sequence

from appliance.redaction.guards import Alarm, Check, Trick
from appliance.redaction.leaf import Leaf

Matches = Callable[[str], bool]
"""Whether a text holds a word or pattern of one list. Compiled elsewhere, to something that takes linear time."""


def word(lists: Sequence[Matches]) -> Check:
    """A check for anything on any of the lists."""

    def check(leaf: Leaf) -> bool:
        return any(matches(leaf.text) for matches in lists)

    return check


def leaf_size(most: int) -> Check:
    """A check for leaves of more than `most` characters."""

    def check(leaf: Leaf) -> bool:
        return len(leaf.raw) > most

    return check


def total_size(leaves: Iterable[Leaf], most: int) -> list[Alarm]:
    """One alarm for a body whose leaves have more than `most` characters together."""
    return [Alarm(Trick.TOTAL_SIZE, "")] if sum(len(leaf.raw) for leaf in leaves) > most else []
