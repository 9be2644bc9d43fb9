"""Laws of the stream decoders, over every golden stream: how the bytes arrive changes nothing."""

import itertools
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.upstream import Broken, Call, Finished, Kind, StreamEvent
from appliance.ports.provider import Provider
from providers import builtin, load
from tests.providers.golden import FOLDER, REQUEST, call_of, deployment

PROVIDERS = load([traits.name for traits in builtin()], frozenset())
STREAMS = sorted(FOLDER.glob("*/stream-*.txt"))


def events(provider: Provider, call: Call, pieces: list[bytes]) -> list[StreamEvent]:
    decoder = provider.decoder(call, deployment(provider.traits.name))
    found = [event for piece in pieces for event in decoder.feed(piece)]
    return found + decoder.end()


def golden() -> Iterator[tuple[Provider, Call, bytes]]:
    for file in STREAMS:
        source, _, _ = file.read_text().partition("\n---\n")
        head, _, raw = source.partition("\n")
        call, _ = call_of(head, file.parent.name)
        yield PROVIDERS[file.parent.name], call, raw.encode()


def cut(stream: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(i % (len(stream) + 1) for i in at), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(edges)]


CASES = list(golden())


@settings(max_examples=200)
@given(st.sampled_from(CASES), st.lists(st.integers(0, 1 << 16), max_size=30))
def test_any_split_gives_the_same_events(case: tuple[Provider, Call, bytes], at: list[int]) -> None:
    provider, call, stream = case

    assert events(provider, call, cut(stream, at)) == events(provider, call, [stream])


@pytest.mark.parametrize("case", CASES, ids=[f"{file.parent.name}/{file.stem}" for file in STREAMS])
def test_byte_by_byte_gives_the_same_events(case: tuple[Provider, Call, bytes]) -> None:
    provider, call, stream = case

    assert events(provider, call, [stream[i : i + 1] for i in range(len(stream))]) == events(provider, call, [stream])


@settings(max_examples=200)
@given(st.sampled_from(CASES), st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(max_size=3)), max_size=5))
def test_damaged_streams_end_in_exactly_one_verdict_and_never_raise(
    case: tuple[Provider, Call, bytes], damage: list[tuple[int, bytes]]
) -> None:
    provider, call, stream = case
    for at, junk in damage:
        where = at % (len(stream) + 1)
        stream = stream[:where] + junk + stream[where + len(junk) :]

    found = events(provider, call, [stream])

    assert [isinstance(event, Broken | Finished) for event in found].count(True) == 1
    assert isinstance(found[-1], Broken | Finished)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "index",
                    "content",
                    "tool_calls",
                    "function",
                    "arguments",
                    "id",
                    "name",
                    "usage",
                    "finish_reason",
                    "error",
                    "message",
                    "code",
                    "reasoning",
                    "prompt_tokens",
                    "text",
                    "detail",
                    "object",
                    "done",
                    "done_reason",
                    "response",
                    "thinking",
                    "eval_count",
                    "prompt_eval_count",
                    "logprobs",
                    "role",
                    "http_status_code",
                    "prompt_tokens_details",
                    "remote_host",
                    "embeddings",
                    "data",
                    "embedding",
                    "token",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=300)
@given(st.sampled_from(sorted(PROVIDERS)), st.sampled_from([Kind.CHAT, Kind.COMPLETION]), st.lists(JSON, max_size=4))
def test_json_of_any_shape_never_raises(name: str, kind: Kind, values: list[object]) -> None:
    provider = PROVIDERS[name]
    call = Call(kind=kind, body={}, request_id=REQUEST, salt="", stream=True)
    lines = [msgspec.json.encode(value) for value in values]
    stream = b"".join(line + b"\n" if name == "ollama" else b"data: " + line + b"\n\n" for line in lines)

    assert isinstance(events(provider, call, [stream])[-1], Broken | Finished)
