"""Laws of the line reader: what it reads does not depend on how the bytes arrive."""

import json

from hypothesis import given
from hypothesis import strategies as st

from providers.ndjson import MAX_LINE, NdjsonReader

Cut = tuple[bytes, list[bytes]]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def cut(draw: st.DrawFn, source: st.SearchStrategy[bytes]) -> Cut:
    stream = draw(source)
    at = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    return stream, [stream[a:b] for a, b in zip([0, *at], [*at, len(stream)], strict=True)]


def read(pieces: list[bytes]) -> list[bytes]:
    reader = NdjsonReader()
    return [line for piece in pieces for line in reader.feed(piece)] + reader.end()


@given(st.lists(VALUES, max_size=6), st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.data())
def test_values_come_out_whole_however_their_bytes_arrive(
    values: list[object], end: bytes, data: st.DataObject
) -> None:
    stream = b"".join(json.dumps(value, ensure_ascii=False).encode() + end for value in values)
    _, pieces = data.draw(cut(st.just(stream)))

    assert [json.loads(line) for line in read(pieces)] == values


@given(cut(st.binary(max_size=200)))
def test_bytes_of_any_kind_never_raise_and_split_alike(case: Cut) -> None:
    stream, pieces = case

    assert read(pieces) == read([stream])


def test_a_last_line_without_its_end_counts() -> None:
    assert read([b'{"a":1}\n{"done"', b":true}"]) == [b'{"a":1}', b'{"done":true}']


def test_a_line_past_the_limit_ends_the_reading_after_the_lines_before_it() -> None:
    reader = NdjsonReader()

    assert reader.feed(b"1\n" + b"x" * (MAX_LINE + 1)) == [b"1"]
    assert reader.fault is not None
    assert reader.feed(b"\n2\n") == []
    assert reader.end() == []
