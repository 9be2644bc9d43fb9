"""Bytes into one JSON object, or a clear refusal. Laws in tests/properties/test_decode.py."""

import json
import time
from typing import Any

import pytest

from appliance.domain.errors import BadRequest
from appliance.http.errors import render
from appliance.http.v1.decode import MOST_VALUES, decode, too_deep

CEILING = 20.0  # seconds of CPU: what is quadratic would take hours


def refused(raw: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as error:
        decode(raw)
    render(error.value)  # whatever was sent, the refusal itself can be
    return error.value


def nested(depth: int, opens: str) -> bytes:
    """An object that nests `depth` levels, itself counted. `opens`: the kinds of bracket, taken in turn."""
    value = "1"
    for level in range(depth - 1, 0, -1):
        value = f"[{value}]" if opens[level % len(opens)] == "[" else f'{{"a":{value}}}'
    return f'{{"a":{value}}}'.encode()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "not JSON"),
        (b"   ", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a":1}}', "not JSON"),
        (b'{"a":1} {"b":2}', "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":01}', "not JSON"),
        (b'{"a":"\x01"}', "not JSON"),
        (b'{"a":"\\x"}', "not JSON"),
        (b"{a:1}", "not JSON"),
        (b'\xef\xbb\xbf{"a":1}', "not JSON"),
        (b'{"a":\xff}', "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a":"\xc0\xaf"}', "not UTF-8"),
        (b"\x1f\x8b\x08\x00", "not UTF-8"),
        (b"[]", "must be a JSON object, not an array"),
        (b'"a"', "must be a JSON object, not a string"),
        (b"5", "must be a JSON object, not a number"),
        (b"5.5", "must be a JSON object, not a number"),
        (b"true", "must be a JSON object, not a boolean"),
        (b"null", "must be a JSON object, not null"),
        (b'{"a":NaN}', "`NaN` is no JSON number"),
        (b'{"a":[Infinity]}', "`Infinity` is no JSON number"),
        (b'{"a":-Infinity}', "`-Infinity` is no JSON number"),
        (b'{"a":1e999}', "`1e999` is beyond"),
        (b'{"a":-1e999}', "`-1e999` is beyond"),
        (b'{"a":' + b"9" * 5000 + b"}", "out of range"),
        (b'{"a":"\\ud800"}', "half of a surrogate pair"),
        (b'{"a":["\\udc00x"]}', "half of a surrogate pair"),
        (b'{"\\ud800":1}', "half of a surrogate pair"),
        (b'{"a":"\\udc00\\ud800"}', "half of a surrogate pair"),
    ],
)
def test_what_is_no_json_object_is_refused(raw: bytes, says: str) -> None:
    assert says in refused(raw).message


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"a","x":1,"model":"a"}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":[[{"b":1,"b":2}]]}',
        b'{"mod\\u0065l":"a","model":"b"}',
        b'{"a":{"\\ud800":1,"\\ud800":2}}',
        b'{"":1,"":2}',
        b'{"model":"a","model":"b","x":"\\u003a"}',  # as many colons as it would have, were it read again
        b'{"model":"a","model":"b","x":"\\u003A\\u003a"}',
        b'{"a":{"b":":","b":""},"x":"\\u003a:"}',
    ],
)
def test_a_key_that_stands_twice_is_refused_at_any_depth(raw: bytes) -> None:
    assert "stands twice" in refused(raw).message


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (b'{"Model":"a"}', "Model"),
        (b'{"model":"a","MODEL":"b"}', None),
        (b'{"x":1,"X":2}', None),
        (b'{"Stream":true}', "Stream"),
        ('{"\u017ftream":true}'.encode(), "\u017ftream"),
        ('{"max_to\u212aens":5}'.encode(), "max_to\u212aens"),
        (b'{"messages":[{"role":"user","Content":"x"}]}', "Content"),
        (b'{"messages":[{"role":"user","role ":"x","ROLE":"system"}]}', None),
        (b'{"messages":[{"role":"user","content":[{"type":"text","Text":"x"}]}]}', "Text"),
        (b'{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:","URL":"file:"}}]}]}', None),
        (b'{"messages":[{"content":[{"type":"image_url","IMAGE_URL":{"url":"data:"}}]}]}', "IMAGE_URL"),
    ],
)
def test_a_name_that_differs_only_by_case_is_refused(raw: bytes, param: str | None) -> None:
    assert refused(raw).param == param


@pytest.mark.parametrize(
    "body",
    [
        {"metadata": {"a": 1, "A": 2}},
        {"tools": [{"function": {"parameters": {"properties": {"Model": {}, "model": {}}}}}]},
        {"logit_bias": {"50256": -100}},
        {"Straße": 1, "strase": 2},
        {"messages": [{"role": "user", "content": "Role content MODEL"}]},
    ],
)
def test_names_a_user_chose_keep_their_case(body: dict[str, Any]) -> None:
    assert decode(json.dumps(body).encode()) == body


@pytest.mark.parametrize("opens", ["{", "[", "{[", "[{", "{{[[", "{[["])
def test_64_levels_pass_and_65_are_refused_whatever_the_brackets(opens: str) -> None:
    assert decode(nested(64, opens))
    assert "deeper than 64" in refused(nested(65, opens)).message


@pytest.mark.parametrize("depth", [66, 128, 129, 1000, 100_000])
def test_deeper_is_refused_before_anything_recurses(depth: int) -> None:
    assert "deeper than 64" in refused(b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}").message


def test_many_brackets_that_do_not_nest_pass() -> None:
    body = {"a": [[] for _ in range(1000)], "b": [{"c": []} for _ in range(1000)]}

    assert decode(json.dumps(body).encode()) == body


def test_brackets_in_strings_do_not_nest() -> None:
    body = {"a": "[{" * 500, 'quoted "[[[ \\': '\\"' + "[" * 500}

    assert decode(json.dumps(body).encode()) == body


@pytest.mark.parametrize(("depth", "deep"), [(0, True), (1, False)])
def test_the_depth_is_the_callers(depth: int, deep: object) -> None:
    assert too_deep(b'{"a":"["}', depth) is deep


HUGE = {
    "an open string of escaped quotes": b"[" * 65 + b'"' + b'\\"' * 1_000_000,
    "an open string of backslashes": b"[" * 65 + b'"' + b"\\" * 2_000_001,
    "quotes that open and close": b"[" * 65 + b'"' * 2_000_000,
    "opening brackets": b"[" * (16 << 20),
    "opening braces": b"{" * (16 << 20),
    "brackets that nest": b"{" * (8 << 20) + b"}" * (8 << 20),
    "brackets side by side": b"[]" * (8 << 20),
    "brackets just few enough": b"[" * (MOST_VALUES - 1) + b"]" * (MOST_VALUES - 1),
    "commas": b"[" + b"1," * (8 << 20),
    "closing brackets": b"[" * 65 + b"]" * (16 << 20),
}


@pytest.mark.parametrize("raw", HUGE.values(), ids=HUGE.keys())
def test_what_is_huge_and_wrong_is_refused_in_no_time(raw: bytes) -> None:
    began = time.process_time()

    refused(raw)

    assert time.process_time() - began < CEILING


def test_too_many_values_are_refused() -> None:
    assert "more than 2,000,000 values" in refused(b'{"a":[' + b"1," * MOST_VALUES + b"1]}").message


def test_a_million_token_ids_are_one_prompt() -> None:
    body = decode(b'{"prompt":[' + b",".join([b"7"] * 1_000_000) + b"]}")

    assert len(body["prompt"]) == 1_000_000


def test_integers_beyond_64_bits_stay_whole() -> None:
    assert decode(b'{"seed":123456789012345678901234567890}') == {"seed": 123456789012345678901234567890}


def test_escaped_text_is_what_it_stands_for() -> None:
    assert decode(b'{"a":"\\ud83d\\udc22 \\u00e9 \\\\ud800"}') == {"a": "🐢 é \\ud800"}


def test_a_long_key_is_not_repeated_whole() -> None:
    name = "a" * 10_000

    assert len(refused(f'{{"{name}":1,"{name}":2}}'.encode()).message) < 200
