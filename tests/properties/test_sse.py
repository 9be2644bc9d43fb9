"""Laws of the event-stream reader: what it reads does not depend on how the bytes arrive."""

from hypothesis import example, given
from hypothesis import strategies as st

from providers.sse import MAX_EVENT, MAX_LINE, SseReader

Cut = tuple[bytes, list[bytes]]
LINES = st.sampled_from(
    [
        b"data: {}",
        b"data:x",
        b"data:  two spaces",
        b"data",
        "data: żółw 🐢".encode(),
        b": comment",
        b":",
        b"event: ping",
        b"id: 7",
        b"retry: 10",
        b"database: no",
        b"",
        b"",
        b"\xef\xbb\xbfdata: bom",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    pieces = draw(st.lists(st.tuples(LINES, ENDS), max_size=14))
    start = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
    rest = draw(st.sampled_from([b"", b"data: unfinished", b"data: cut\n"]))
    return start + b"".join(line + end for line, end in pieces) + rest


@st.composite
def cut(draw: st.DrawFn, source: st.SearchStrategy[bytes]) -> Cut:
    stream = draw(source)
    at = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    return stream, [stream[a:b] for a, b in zip([0, *at], [*at, len(stream)], strict=True)]


def read(pieces: list[bytes]) -> list[bytes | None]:
    reader = SseReader()
    return [item for piece in pieces for item in reader.feed(piece)]


def by_the_standard(stream: bytes) -> list[bytes | None]:
    """WHATWG HTML §9.2.6, written as naively as it reads."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    items: list[bytes | None] = []
    data: bytes | None = None
    for line in text.split(b"\n")[:-1]:
        if line == b"":
            if data is not None:
                items.append(data[:-1])
            data = None
        elif line.startswith(b":"):
            items.append(None)
        else:
            name, colon, value = line.partition(b":")
            if colon and value.startswith(b" "):
                value = value[1:]
            if name == b"data":
                data = (data or b"") + value + b"\n"
    return items


@given(cut(streams()))
@example((b"data: a\r\n\r\n", [b"data: a\r", b"\n\r", b"\n"]))
@example((b"\xef\xbb\xbfdata: a\n\n", [b"\xef", b"\xbb", b"\xbfdata: a\n\n"]))
@example((b"data: a\n\ndata: b\r\n\n", [b"data: a\n\n", b"data: b\r", b"\n\n"]))
def test_any_split_reads_as_the_whole(case: Cut) -> None:
    stream, pieces = case

    assert read(pieces) == read([stream])


@given(streams())
def test_a_stream_reads_as_the_standard_says(stream: bytes) -> None:
    assert read([stream]) == by_the_standard(stream)


@given(streams())
def test_byte_by_byte_reads_as_the_whole(stream: bytes) -> None:
    assert read([stream[i : i + 1] for i in range(len(stream))]) == read([stream])


@given(cut(st.binary(max_size=300)))
def test_bytes_of_any_kind_never_raise_and_split_alike(case: Cut) -> None:
    stream, pieces = case

    assert read(pieces) == read([stream])


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=20), min_size=1, max_size=6))
def test_the_quick_way_reads_what_the_long_way_reads(texts: list[str]) -> None:
    stream = b"".join(b"data: " + text.encode() + b"\n\n" for text in texts)

    assert read([stream]) == [text.encode() for text in texts]
    assert read([stream]) == read([b": x\n", stream])[1:]


def test_a_line_past_the_limit_ends_the_reading_after_the_events_before_it() -> None:
    reader = SseReader()

    items = reader.feed(b"data: good\n\n") + reader.feed(b"data: ") + reader.feed(b"x" * MAX_LINE)

    assert items == [b"good"]
    assert reader.fault is not None
    assert reader.feed(b"\n\ndata: more\n\n") == []


def test_a_line_past_the_limit_is_the_same_in_one_read() -> None:
    reader = SseReader()

    assert reader.feed(b"data: good\n\ndata: " + b"x" * MAX_LINE + b"\n\n") == [b"good"]
    assert reader.fault is not None


def test_an_event_of_too_many_lines_ends_the_reading() -> None:
    reader = SseReader()
    line = b"data: " + b"x" * (MAX_LINE - 6) + b"\n"

    for _ in range(MAX_EVENT // MAX_LINE + 1):
        assert reader.feed(line) == []

    assert reader.fault is not None
