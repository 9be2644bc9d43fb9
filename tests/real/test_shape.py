import json

from hypothesis import given
from hypothesis import strategies as st

from tests.real import compare, shape

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def _stream(*events: str) -> bytes:
    return "".join(f"data: {event}\n\n" for event in events).encode()


def _chunk(index: int = 0, **fields: object) -> str:
    return json.dumps({"choices": [{"index": index, **fields}]}, separators=(",", ":"))


@given(json_values)
def test_a_shape_never_differs_from_itself(value: object) -> None:
    assert list(compare.differences(shape.of_value(value), shape.of_value(value))) == []


def test_identifiers_and_numbers_differ_in_value_but_not_in_shape() -> None:
    one = shape.of_value({"id": "chatcmpl-0f3a9b12cd", "created": 1, "message": "limit is 512"})
    other = shape.of_value({"id": "chatcmpl-9e8d7c6b5a", "created": 2, "message": "limit is 8192"})

    assert one == other == {"id": "id chatcmpl-<hex>", "created": "integer", "message": "~ limit is <n>"}


def test_constants_and_nulls_are_kept() -> None:
    assert shape.of_value({"object": "list", "code": 404, "param": None}) == {
        "object": "= list",
        "code": "= 404",
        "param": "null",
    }


def test_a_list_has_the_shape_all_its_elements_share() -> None:
    assert shape.of_value([{"a": 1}, {"a": 1.5, "b": ""}]) == [{"a": "integer | number", "b?": "empty string"}]


def test_the_length_of_a_text_does_not_change_the_shape_of_its_stream() -> None:
    opening, word, half = (_chunk(delta={"content": text}) for text in ("", "x", ""))

    short, long = _stream(opening, word, "[DONE]"), _stream(opening, word, half, word, "[DONE]")
    assert shape.of_stream(short) == shape.of_stream(long)


def test_whether_the_first_event_carries_text_is_part_of_the_shape() -> None:
    opening, word = (_chunk(delta={"content": text}) for text in ("", "x"))

    assert shape.of_stream(_stream(opening, word)) != shape.of_stream(_stream(word, word))


def test_how_two_choices_interleave_does_not_matter_but_each_choice_does() -> None:
    first, second = (_chunk(index, delta={"content": "x"}) for index in (0, 1))

    assert shape.of_stream(_stream(first, second, first)) == shape.of_stream(_stream(first, first, second))
    assert shape.of_stream(_stream(first)) != shape.of_stream(_stream(first, second))


def test_framing_is_part_of_a_streams_shape() -> None:
    compact, spaced = b'data: {"a":1}\n\n', b'data: {"a": 1}\n\n'

    shapes = [shape.of_stream(raw) for raw in (compact, spaced, compact.replace(b"data: ", b"data:"))]
    assert shapes[0] != shapes[1]
    assert shapes[0] != shapes[2]
    assert shape.of_stream(compact.replace(b"\n", b"\r\n")) != shapes[0]


def test_metrics_keep_type_labels_and_bucket_borders() -> None:
    text = (
        "# TYPE s:wait_seconds histogram\n"
        's:wait_seconds_bucket{model_name="m",le="0.1"} 1.0\n'
        's:wait_seconds_count{model_name="m"} 1.0\n'
    )

    assert shape.of_metrics(text, "s:") == {
        "s:wait_seconds": {
            "type": "histogram",
            "labels": ["model_name"],
            "suffixes": ["_bucket", "_count"],
            "buckets": ["0.1"],
        }
    }


def test_an_allowance_covers_its_pattern_and_is_stale_when_nothing_uses_it() -> None:
    found = [compare.Difference("plain / chat / body", "a", "b"), compare.Difference("plain / n", "a", "b")]
    used, unused = (compare.Allowed("s", path, "because") for path in ("plain / chat / *", "gone / *"))

    left, stale = compare.unexplained("s", found, (used, unused))

    assert left == found[1:]
    assert stale == [unused]
