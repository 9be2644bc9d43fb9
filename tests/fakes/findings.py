"""Findings without an analysis: every place of every word that is named."""

import re
from collections.abc import Callable, Mapping

from appliance.domain.privacy import Action, Entity, Finding, Media
from appliance.domain.upstream import Body, Kind
from appliance.redaction.placeholders import NO_KEYS, Keys, Mask
from appliance.redaction.walk import leaves, rewrite

PEOPLE = {
    "Ann Smith": "PERSON",
    "ANN SMITH": "PERSON",
    "Bo": "PERSON",
    'Ann "Q" O\\Neil\n': "PERSON",
    "Jörg 😀 Müller": "PERSON",
    "bob@mail.corp": "EMAIL_ADDRESS",
    "Leeds": "LOCATION",
}


def found_in(text: str, words: Mapping[str, str] = PEOPLE) -> tuple[Finding, ...]:
    """As the port promises: sorted, none overlapping another. Longer words win."""
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return tuple(Finding(one.start(), one.end(), Entity(words[one[0]]), 0.85) for one in re.finditer(pattern, text))


def always(action: Action) -> Callable[[Entity], Action]:
    return lambda entity: action


def masked(
    body: Body,
    words: Mapping[str, str] = PEOPLE,
    action: Action = Action.MASK,
    kind: Kind = Kind.CHAT,
    keys: Keys = NO_KEYS,
) -> tuple[Body, Mask]:
    """What is sent upstream, and the mask it was made with."""
    found = leaves(kind, body, Media.ALLOW)
    mask = Mask(kind, keys)
    mask.reserve(found.fixed)
    texts = [mask.cover(leaf, found_in(leaf.text, words), always(action)) for leaf in found]
    return rewrite(found, texts), mask


def chat(*texts: str, role: str = "user") -> Body:
    return {"model": "m", "messages": [{"role": role, "content": text} for text in texts]}


def said(body: Body) -> list[str]:
    """The texts of a chat's messages."""
    return [message["content"] for message in body["messages"]]
