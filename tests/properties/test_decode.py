"""Laws of the body decoder: it neither loses nor invents, and no bytes are a fault."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.errors import BadRequest
from appliance.http.errors import render
from appliance.http.v1.decode import CONTROLS, decode, too_deep

TEXT = st.text(max_size=12)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXT
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


def without_twins(body: dict[str, Any]) -> bool:
    folded = [name.casefold() for name in body]
    return len(set(folded)) == len(folded) and not any(
        name.casefold() in CONTROLS and name not in CONTROLS for name in body
    )


BODIES = st.dictionaries(TEXT, VALUES, max_size=6).filter(without_twins)


@settings(deadline=None)
@given(BODIES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_what_json_writes_is_read_back_whole(
    body: dict[str, Any], ascii_only: object, indent: int | str | None
) -> None:
    raw = json.dumps(body, ensure_ascii=bool(ascii_only), indent=indent).encode()

    assert decode(raw) == body


@settings(deadline=None)
@given(BODIES)
def test_reading_does_not_change_the_kind_of_a_number(body: dict[str, Any]) -> None:
    assert repr(decode(json.dumps(body).encode())) == repr(body)


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\u0123d89eE.-+ truefalsn', max_size=60).map(str.encode))
def test_no_bytes_are_a_fault(raw: bytes) -> None:
    try:
        decode(raw)
    except BadRequest as error:
        render(error)


@settings(deadline=None)
@given(BODIES, st.data())
def test_a_second_key_is_refused_wherever_it_stands(body: dict[str, Any], data: st.DataObject) -> None:
    raw = json.dumps(body)
    at = data.draw(st.sampled_from([place for place, char in enumerate(raw) if char == "{"]))
    twice = raw[: at + 1] + '"q":1,"q":2' + ("," if raw[at + 1] != "}" else "") + raw[at + 1 :]

    try:
        parsed = json.loads(twice)
    except ValueError:
        return  # the brace stood in a string that this broke
    if json.dumps(parsed).count('"q"') == json.dumps(body).count('"q"'):
        return  # the brace stood in a string
    try:
        decode(twice.encode())
    except BadRequest:
        return
    raise AssertionError(f"taken: {twice}")


def nested(levels: list[str]) -> object:
    """A value as deep as there are levels, of these kinds from the inside out."""
    value: object = 0
    for kind in levels:
        value = [value] if kind == "list" else {'["': value} if kind == "object" else [[], value]
    return value


@settings(deadline=None)
@given(st.lists(st.sampled_from(["list", "object", "list beside a leaf"]), max_size=80).map(nested))
def test_the_depth_found_is_the_depth_there_is(value: object) -> None:
    def depth(of: object) -> int:
        inner = of.values() if isinstance(of, dict) else of if isinstance(of, list) else ()
        return 1 + max((depth(one) for one in inner), default=0) if isinstance(of, dict | list) else 0

    raw = json.dumps(value).encode()

    assert not too_deep(raw, depth(value))
    assert depth(value) == 0 or too_deep(raw, depth(value) - 1)


PIECES = st.sampled_from(["a", "b", ":", '\\"', "\\\\", "\\u003a", "\\u003A", "\\u0062", "\\n", "é", ",", "{"])
STRINGS = st.lists(PIECES, max_size=3).map("".join)


def written(value: Any) -> str:
    """JSON with the escapes and the double keys that were drawn."""
    if isinstance(value, list):
        return "{" + ",".join(f'"{key}" : {written(of)}' for key, of in value) + "}"
    return f'"{value}"'


@settings(deadline=None)
@given(st.recursive(STRINGS, lambda inner: st.lists(st.tuples(STRINGS, inner), max_size=3), max_leaves=8))
def test_an_object_is_read_if_and_only_if_no_key_stands_twice(value: Any) -> None:
    raw = '{"x":' + written(value) + "}"
    twice = False

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        twice |= len(dict(pairs)) != len(pairs)
        return dict(pairs)

    wanted = json.loads(raw, object_pairs_hook=look)

    if twice:
        with pytest.raises(BadRequest, match="stands twice"):
            decode(raw.encode())
    else:
        assert decode(raw.encode()) == wanted
