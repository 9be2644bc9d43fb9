"""The site's own lists, and sizes."""

import re

from appliance.domain.upstream import Kind
from appliance.redaction.guards import Alarm, Trick, alarms
from appliance.redaction.guards.lists import leaf_size, total_size, word
from appliance.redaction.walk import glance
from tests.fakes.findings import chat

BODY = glance(Kind.CHAT, chat("project Basilisk", "nothing", "x" * 50))


def test_a_word_of_any_list_is_seen() -> None:
    lists = [re.compile("cobra").search, re.compile("basilisk", re.IGNORECASE).search]
    check = word([lambda text, one=one: one(text) is not None for one in lists])  # type: ignore[misc]  # bound early

    assert alarms(BODY, {Trick.WORD: check}) == [Alarm(Trick.WORD, "messages[0].content")]


def test_a_leaf_of_more_characters_than_allowed_is_seen() -> None:
    assert alarms(BODY, {Trick.LEAF_SIZE: leaf_size(49)}) == [Alarm(Trick.LEAF_SIZE, "messages[2].content")]
    assert alarms(BODY, {Trick.LEAF_SIZE: leaf_size(50)}) == []


def test_a_body_of_more_characters_than_allowed_is_seen() -> None:
    size = sum(len(leaf.raw) for leaf in BODY)

    assert total_size(BODY, size) == []
    assert total_size(BODY, size - 1) == [Alarm(Trick.TOTAL_SIZE, "")]
