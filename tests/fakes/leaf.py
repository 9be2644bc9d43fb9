"""One leaf, as a walk would give it."""

from appliance.redaction.leaf import Leaf, Origin


def a_leaf(text: str, origin: Origin = Origin.USER) -> Leaf:
    return Leaf(("messages", 0, "content"), text, origin)
