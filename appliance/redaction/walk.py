"""Every string of a body that may carry personal data, in an order that a longer conversation does not change.

A field that is not known to be structure is walked: what a server learns to read tomorrow is looked at today. Never
visited: keys, roles, ids, names of tools, `enum` and `const` of a schema, grammars. Descriptions of tools are: they are
written by people about people, and cost nothing once the cache knows them.
"""

from collections.abc import Sequence
from typing import Any, Final

from appliance.domain.privacy import Media
from appliance.domain.upstream import Body, Kind
from appliance.redaction import schema
from appliance.redaction.answers import Style, style_of
from appliance.redaction.leaf import Leaves, Origin, Path
from appliance.redaction.opaque import refuse_unreadable, settle
from appliance.redaction.visit import Visit

_FIRST: Final = frozenset(schema.FIRST)
# A client that asks for JSON sends the model's JSON back: a value is read there as it was put there, without escapes.
_SPEAK_JSON: Final = {
    Style.PROSE: frozenset({Origin.TOOL}),
    Style.JSON: frozenset({Origin.TOOL, Origin.MODEL}),
}
_PROMPTS: Final = frozenset({"input", "prompt", "suffix"})


def leaves(kind: Kind, body: Body, media: Media = Media.BLOCK) -> Leaves:
    """The leaves of a request that is to be redacted; `.body` lacks the media that were stripped.

    Raises ContentBlocked, naming the field: token ids, an embedded prompt, or media under `Media.BLOCK`.
    """
    refuse_unreadable(body)
    return glance(kind, settle(body, media))


def glance(kind: Kind, body: Body) -> Leaves:
    """The leaves of a request that is only looked at: what cannot be read is passed over."""
    walk = Visit(_SPEAK_JSON[style_of(body)])
    for field in schema.FIRST:
        value = body.get(field)
        if value is not None:
            walk.field(field, value)
    own = Origin.SITE if kind is Kind.CHAT else Origin.USER
    for field in sorted(body.keys() - schema.STRUCTURE - _FIRST):
        walk.anything(body[field], (field,), own if field in _PROMPTS else Origin.SITE)
    return Leaves(body, walk.found, walk.fixed)


def answer_leaves(body: Body, style: Style = Style.PROSE) -> Leaves:
    """The leaves of a whole answer: texts, thoughts, refusals and arguments of every choice."""
    walk = Visit(_SPEAK_JSON[style])
    choices = body.get("choices")
    for at, choice in enumerate(choices if isinstance(choices, list) else ()):
        if not isinstance(choice, dict):
            continue
        walk.text(choice.get("text"), ("choices", at, "text"), Origin.MODEL)
        if isinstance(choice.get("message"), dict):
            walk.message(choice["message"], ("choices", at, "message"), Origin.MODEL)
    return Leaves(body, walk.found, walk.fixed)


def rewrite(found: Leaves, texts: Sequence[str]) -> Body:
    """The body with each leaf's `raw` replaced by the text of the same place in `texts`.

    Copied along changed paths only, the rest is shared; the body that was walked is not changed.
    """
    body = found.body
    if len(texts) != len(found):
        raise ValueError("one text for each leaf, in order")
    root: Any = None
    copies: dict[Path, Any] = {}
    for leaf, text in zip(found, texts, strict=True):
        if text is leaf.raw or text == leaf.raw:
            continue
        root = dict(body) if root is None else root
        node, path = root, leaf.path
        for depth in range(1, len(path)):
            here = path[:depth]
            child = copies.get(here)
            if child is None:
                child = copies[here] = node[path[depth - 1]].copy()
                node[path[depth - 1]] = child
            node = child
        node[path[-1]] = text
    return body if root is None else root
