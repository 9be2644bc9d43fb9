"""Laws of masking: what was covered comes back exactly, and an answer is the same however its stream was cut."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.privacy import Action, Entity, Finding, Media
from appliance.domain.upstream import Body, Kind
from appliance.redaction.answers import Restoration, Style
from appliance.redaction.placeholders import Keys, Mask
from appliance.redaction.restore import LONGEST, JsonRestorer, Restorer, Table
from appliance.redaction.walk import leaves, rewrite
from tests.fakes.findings import always

VALUES = {
    "[PERSON_1]": 'Ann "Q" O\\Neil\n',
    "[PERSON_1B]": "[PERSON_1]",
    "[PERSON_12]": "Bo 😀",
    "[EMAIL_ADDRESS_1]": "a@b.corp",
    "[X_K7QF2AK7QF2AK7QF]": "",
}
ATOMS = [
    *VALUES, "[", "]", "[PERSON", "[PERSON_", "[PERSON_1", "[PERSON_9]", "[person_1]", "[Person_1b]", "[[", "a[0]",
    "[A_B]", "\\", '"', "\\\\", '\\"', "{", "}", ": ", "\n", " ", "é", "e\u0301", "😀", "\u017f", "\u0131", "_1]", "1]",
    "PERSON_1", "[PERSON_99999999999]", "[PERSON_1_]", "[x_k7qf2ak7qf2ak7qf]",
]  # fmt: skip
TEXT = st.lists(st.sampled_from(ATOMS) | st.text(max_size=3), max_size=10).map("".join)
CUTS = st.lists(st.integers(1, 9), max_size=60)
ENTITIES = ["PERSON", "EMAIL_ADDRESS", "US_HEALTH_INSURANCE_MEMBER_ID", "X"]
COMES_BACK = [Action.ALLOW, Action.MASK, Action.PSEUDONYM]
KEYS = Keys(pseudonym=b"k" * 32, hash_key=b"h" * 32, encrypt=lambda text, data: text)


def cut(text: str, cuts: list[int]) -> list[str]:
    pieces, at = [], 0
    for size in cuts:
        if at >= len(text):
            break
        pieces.append(text[at : at + size])
        at += size
    return [*pieces, text[at:]] if at < len(text) or not pieces else pieces


@st.composite
def findings(draw: st.DrawFn, length: int) -> tuple[Finding, ...]:
    edges = sorted(draw(st.sets(st.integers(0, length), max_size=8)))
    entities = st.sampled_from(ENTITIES)
    return tuple(
        Finding(start, end, Entity(draw(entities)), 1) for start, end in zip(edges[::2], edges[1::2], strict=False)
    )


@given(text=TEXT, cuts=CUTS)
def test_streamed_is_whole_for_every_split(text: str, cuts: list[int]) -> None:
    for kind in (Restorer, JsonRestorer):
        whole, piecewise = kind(Table(VALUES)), kind(Table(VALUES))
        expected = whole.feed(text) + whole.end()

        out = ""
        for piece in cut(text, cuts):
            out += piecewise.feed(piece)
            assert len(piecewise._held) < LONGEST

        assert out + piecewise.end() == expected


@given(data=st.data(), texts=st.lists(TEXT, min_size=1, max_size=4))
def test_a_conversation_comes_back_exactly_as_typed(data: st.DataObject, texts: list[str]) -> None:
    actions = {entity: data.draw(st.sampled_from(COMES_BACK)) for entity in ENTITIES}
    body: Body = {"messages": [{"role": "user", "content": text} for text in texts]}
    found = leaves(Kind.CHAT, body, Media.ALLOW)
    mask = Mask(Kind.CHAT, KEYS)

    sent = [mask.cover(leaf, data.draw(findings(len(leaf.text))), lambda e: actions[e]) for leaf in found]

    for leaf, text in zip(found, sent, strict=True):
        restorer = Restorer(mask.table())
        assert restorer.feed(text) + restorer.end() == leaf.raw


@given(data=st.data(), texts=st.lists(TEXT, min_size=1, max_size=4))
def test_what_is_sent_of_one_way_actions_restores_nothing_else(data: st.DataObject, texts: list[str]) -> None:
    """A redacted hole must not forge a placeholder out of its two edges."""
    actions = {entity: data.draw(st.sampled_from([*Action][:-1])) for entity in ENTITIES}
    mask = Mask(Kind.CHAT, KEYS)
    body: Body = {"messages": [{"role": "user", "content": text} for text in texts]}
    for leaf in leaves(Kind.CHAT, body, Media.ALLOW):
        found = data.draw(findings(len(leaf.text)))
        expected, at = "", 0
        for one in found:
            expected += leaf.text[at : one.start] + _shown(
                mask, leaf.text[one.start : one.end], one, actions[one.entity]
            )
            at = one.end
        expected += leaf.text[at:]

        restorer = Restorer(mask.table())
        text = mask.cover(leaf, found, lambda e: actions[e])
        restorer = Restorer(mask.table())

        assert restorer.feed(text) + restorer.end() == expected


def _shown(mask: Mask, value: str, one: Finding, action: Action) -> str:
    if action in COMES_BACK:
        return value
    return "" if action is Action.REDACT else mask._instead(one.entity, value, action)


@given(data=st.data(), texts=st.lists(TEXT, min_size=1, max_size=3), more=TEXT)
def test_one_more_turn_changes_nothing_that_was_sent_before(data: st.DataObject, texts: list[str], more: str) -> None:
    found = [data.draw(findings(len(text))) for text in [*texts, more]]

    def sent(of: list[str]) -> list[str]:
        mask = Mask(Kind.CHAT)
        walked = leaves(Kind.CHAT, {"messages": [{"role": "user", "content": text} for text in of]})
        places = [places for text, places in zip(of, found, strict=False) if text]
        return [mask.cover(leaf, own, always(Action.MASK)) for leaf, own in zip(walked, places, strict=True)]

    before = sent(texts)
    assert sent([*texts, more])[: len(before)] == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(TEXT, JSON, max_size=3)


def _strings(value: Any) -> Any:
    """Numbers as their digits: a covered number is a string."""
    if isinstance(value, dict):
        return {key: _strings(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_strings(inner) for inner in value]
    return repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


@given(data=st.data(), arguments=ARGUMENTS, ascii_only=st.booleans(), indent=st.none() | st.just(1), cuts=CUTS)
def test_arguments_stay_json_and_come_back(
    data: st.DataObject, arguments: Body, ascii_only: object, indent: int | None, cuts: list[int]
) -> None:
    raw = json.dumps(arguments, ensure_ascii=bool(ascii_only), indent=indent)
    call = {"id": "c", "function": {"name": "f", "arguments": raw}}
    body: Body = {"messages": [{"role": "assistant", "tool_calls": [call]}]}
    before = copy.deepcopy(body)
    found = leaves(Kind.CHAT, body)
    mask = Mask(Kind.CHAT)
    mask.reserve(found.fixed)

    [sent] = [mask.cover(leaf, data.draw(findings(len(leaf.text))), always(Action.MASK)) for leaf in found]

    json.loads(sent)
    assert rewrite(found, [sent])["messages"][0]["tool_calls"][0]["function"]["arguments"] == sent
    assert body == before
    restorer = JsonRestorer(mask.table())
    back = "".join(restorer.feed(piece) for piece in cut(sent, cuts)) + restorer.end()
    assert _strings(json.loads(back)) == _strings(arguments)


@given(raw=st.one_of(ARGUMENTS.map(json.dumps), TEXT))
def test_arguments_in_which_nothing_is_found_are_sent_byte_for_byte(raw: str) -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": raw}}
    body: Body = {"messages": [{"role": "assistant", "tool_calls": [call]}]}
    found = leaves(Kind.CHAT, body)
    mask = Mask(Kind.CHAT)

    assert rewrite(found, [mask.cover(leaf, (), always(Action.MASK)) for leaf in found]) is body


FIELDS = ["content", "reasoning", "reasoning_content", "refusal", "call 0", "call 1", "custom 2", "function_call"]
CHOICE = st.dictionaries(st.sampled_from(FIELDS), TEXT.filter(bool), max_size=5)


def _fill(said: Body, field: str, text: str) -> None:
    kind, _, index = field.partition(" ")
    if kind == "call":
        said.setdefault("tool_calls", []).append({"index": int(index), "function": {"arguments": text}})
    elif kind == "custom":
        said.setdefault("tool_calls", []).append({"index": int(index), "custom": {"input": text}})
    elif kind == "function_call":
        said["function_call"] = {"arguments": text}
    else:
        said[field] = text


def _read(said: Body, into: dict[str, str]) -> None:
    for name in ("content", "reasoning", "reasoning_content", "refusal"):
        into[name] = into.get(name, "") + (said.get(name) or "")
    into["function_call"] = into.get("function_call", "") + (said.get("function_call") or {}).get("arguments", "")
    for call in said.get("tool_calls", ()):
        name = f"{'custom' if 'custom' in call else 'call'} {call['index']}"
        text = (call.get("custom") or {}).get("input") or (call.get("function") or {}).get("arguments") or ""
        into[name] = into.get(name, "") + text


@given(
    data=st.data(),
    choices=st.lists(CHOICE, min_size=1, max_size=3),
    style=st.sampled_from(Style),
    finish=st.booleans(),
)
def test_a_streamed_chat_is_the_whole_one(
    data: st.DataObject, choices: list[dict[str, str]], style: Style, finish: object
) -> None:
    whole: Body = {"choices": []}
    for index, texts in enumerate(choices):
        message: Body = {}
        for field in sorted(texts):
            _fill(message, field, texts[field])
        whole["choices"].append({"index": index, "message": message})
    Restoration(Table(VALUES), style).answer(whole)
    expected: list[dict[str, str]] = [{} for _ in choices]
    for index, choice in enumerate(whole["choices"]):
        _read(choice["message"], expected[index])

    pieces = [
        [(index, field, piece) for piece in cut(text, data.draw(CUTS))]
        for index, texts in enumerate(choices)
        for field, text in texts.items()
    ]
    restoration = Restoration(Table(VALUES), style)
    got: list[dict[str, str]] = [{} for _ in choices]
    while any(pieces):
        queue = data.draw(st.sampled_from([one for one in pieces if one]))
        index, field, piece = queue.pop(0)
        delta: Body = {}
        _fill(delta, field, piece)
        _say(restoration, {"choices": [{"index": index, "delta": delta, "finish_reason": None}]}, got)
    if finish:
        for index in range(len(choices)):
            _say(restoration, {"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]}, got)
        assert restoration.end() is None
    else:
        last = restoration.end()
        for choice in (last or {"choices": []})["choices"]:
            _read(choice["delta"], got[choice["index"]])

    assert [{k: v for k, v in one.items() if v} for one in got] == [
        {k: v for k, v in one.items() if v} for one in expected
    ]


def _say(restoration: Restoration, body: Body, into: list[dict[str, str]]) -> None:
    restoration.chunk(body)
    for choice in body["choices"]:
        _read(choice["delta"], into[choice["index"]])


@given(texts=st.lists(TEXT, min_size=1, max_size=3), cuts=CUTS)
def test_a_streamed_completion_is_the_whole_one(texts: list[str], cuts: list[int]) -> None:
    whole: Body = {"choices": [{"index": index, "text": text} for index, text in enumerate(texts)]}
    Restoration(Table(VALUES)).answer(whole)

    restoration = Restoration(Table(VALUES))
    got = [""] * len(texts)
    for index, text in enumerate(texts):
        for piece in cut(text, cuts):
            body: Body = {"choices": [{"index": index, "text": piece, "finish_reason": None}]}
            restoration.chunk(body)
            got[index] += body["choices"][0]["text"]
    for choice in (restoration.end() or {"choices": []})["choices"]:
        got[choice["index"]] += choice["text"]

    assert got == [choice["text"] for choice in whole["choices"]]
