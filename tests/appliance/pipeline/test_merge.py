"""A server without `n` is asked once a choice; the client sees one answer."""

import asyncio
import json
from typing import Any

import pytest

from appliance.domain.ledger import Status
from appliance.domain.upstream import FailureKind, WholeAnswer
from appliance.domain.usage import Usage
from appliance.pipeline.merge import merged, usage_object
from tests.fakes import wire
from tests.fakes.gate import PATIENCE, Gate
from tests.fakes.gateway import Gateway, a_gateway
from tests.fakes.upstream import Says, broken

USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "cached_tokens": 3}


async def without_n(*answers: Says) -> Gateway:
    gateway = await a_gateway(*answers)
    gateway.provider.one_choice = True
    return gateway


def says(text: str, usage: bytes = wire.usage(7, 5)) -> Says:
    return Says([wire.delta(text), wire.delta("!"), wire.finish(), usage, wire.DONE])


def by_choice(events: list[Any]) -> dict[int, str]:
    texts: dict[int, str] = {}
    for event in events:
        for choice in event["choices"] if event != "[DONE]" else ():
            index = choice["index"]
            texts[index] = texts.get(index, "") + (choice["delta"].get("content") or "")
    return texts


async def test_whole_choices_stand_side_by_side_with_their_usages_added_up() -> None:
    gateway = await without_n(*(Says([wire.whole(text, usage=USAGE)]) for text in "abc"))

    client = await gateway.serve(gateway.client(n=3))

    told = client.json
    assert [(choice["index"], choice["message"]["content"]) for choice in told["choices"]] == [
        (0, "a"),
        (1, "b"),
        (2, "c"),
    ]
    assert (told["usage"]["prompt_tokens"], told["usage"]["completion_tokens"]) == (21, 15)
    assert told["usage"]["prompt_tokens_details"] == {"cached_tokens": 9}
    assert gateway.ledger.row.usage == Usage(prompt=21, completion=15, cached=9)
    assert gateway.ledger.row.attempts == 1
    assert gateway.at_rest()


async def test_streams_of_choices_carry_their_own_index_and_one_end() -> None:
    gateway = await without_n(says("a"), says("b"), says("c"))

    client = await gateway.serve(gateway.client(n=3, stream=True, stream_options={"include_usage": True}))

    assert by_choice(client.events) == {0: "a!", 1: "b!", 2: "c!"}
    assert client.events[-1] == "[DONE]"
    assert client.events.count("[DONE]") == 1
    usages = [event["usage"] for event in client.events[:-1] if event.get("usage")]
    assert usages == [usage_object(Usage(prompt=21, completion=15))]
    assert gateway.ledger.row.usage == Usage(prompt=21, completion=15)
    assert len({event["id"] for event in client.events[:-1]}) == 1
    assert gateway.at_rest()
    assert all(exchange.returned for exchange in gateway.upstream.exchanges)


async def test_usage_of_merged_streams_is_stripped_unless_asked_for() -> None:
    gateway = await without_n(says("a"), says("b"))

    client = await gateway.serve(gateway.client(n=2, stream=True))

    assert not any("usage" in event for event in client.events[:-1])
    assert gateway.ledger.row.usage == Usage(prompt=14, completion=10)


async def test_when_one_part_tells_no_usage_the_sum_is_estimated() -> None:
    gateway = await without_n(says("a"), says("b", usage=b""))

    await gateway.serve(gateway.client(n=2, stream=True))

    assert gateway.ledger.row.usage.estimated
    assert gateway.ledger.row.usage.completion >= 4


async def test_choices_are_interleaved_as_they_come() -> None:
    slow = Gate()
    gateway = await without_n(Says([wire.delta("a"), slow, wire.finish(), wire.DONE]), says("b"))
    client = gateway.client(n=2, stream=True)
    task = gateway.start(client)

    await slow.reached()
    await client.said(b'"finish_reason":"stop"')
    assert by_choice(client.events) == {0: "a", 1: "b!"}
    slow.open()
    async with asyncio.timeout(PATIENCE):
        await task

    assert gateway.ledger.row.status is Status.OK


async def test_one_part_that_cannot_begin_fails_the_attempt_and_stops_the_others() -> None:
    gateway = await without_n(says("a"), Says([wire.refusal()], status=503), Says([wire.delta("c"), Gate()]))

    client = await gateway.serve(gateway.client(n=3, stream=True))

    assert client.status == 503
    assert gateway.at_rest()


async def test_a_part_that_waits_is_stopped_when_another_cannot_begin() -> None:
    gateway = await without_n(Says([Gate()]), Says([wire.refusal()], status=503))

    client = await gateway.serve(gateway.client(n=2))

    assert client.status == 503
    assert gateway.upstream.exchanges[0].aborted
    assert gateway.at_rest()


async def test_one_part_that_breaks_breaks_the_answer_with_one_error_event() -> None:
    reset = broken(FailureKind.DEAD, "reset")
    gateway = await without_n(Says([wire.delta("a"), reset]), Says([wire.delta("b"), Gate()]))

    client = await gateway.serve(gateway.client(n=2, stream=True))

    assert client.complete
    assert client.events[-1]["error"]["code"] == "upstream_failed"
    assert sum("error" in event for event in client.events) == 1
    assert gateway.ledger.row.status is Status.FAILED
    assert gateway.at_rest()


@pytest.mark.parametrize("others", range(1, 6))
async def test_nothing_follows_the_error_event_though_another_part_speaks_in_the_same_moment(others: int) -> None:
    talking = Says([wire.delta("b")] * 20 + [wire.DONE])
    breaks = Says([wire.delta("a"), wire.delta("a"), wire.error(message="died")])
    gateway = await without_n(breaks, *(talking for _ in range(others)))

    client = await gateway.serve(gateway.client(n=1 + others, stream=True))

    assert "error" in client.events[-1]
    assert sum("error" in event for event in client.events) == 1
    assert gateway.at_rest()


async def test_a_part_that_broke_is_not_read_again() -> None:
    gateway = await without_n(
        Says([wire.delta("a"), wire.error(message="died"), wire.delta("more")]), Says([wire.delta("b"), Gate()])
    )

    await gateway.serve(gateway.client(n=2, stream=True))

    assert gateway.upstream.exchanges[0].left == 1


async def test_a_client_that_leaves_stops_every_part() -> None:
    one, two = Gate(), Gate()
    gateway = await without_n(Says([wire.delta("a"), one]), Says([wire.delta("b"), two]))
    client = gateway.client(n=2, stream=True)
    task = gateway.start(client)

    await one.reached()
    await two.reached()
    client.leave()
    async with asyncio.timeout(PATIENCE):
        await task

    assert gateway.ledger.row.status is Status.GONE
    assert all(exchange.aborted for exchange in gateway.upstream.exchanges)
    for _ in range(20):  # what was cancelled takes a few turns to end
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert gateway.at_rest()


async def test_a_fault_in_one_part_ends_the_request() -> None:
    gateway = await without_n(Says([wire.delta("a"), wire.delta("fault"), Gate()]), Says([wire.delta("b"), Gate()]))
    gateway.provider.faulty_decoder = ZeroDivisionError()

    client = await gateway.serve(gateway.client(n=2, stream=True))

    assert client.complete
    assert client.events[-1]["error"]["code"] == "internal"
    assert len(gateway.faults) == 1
    assert gateway.at_rest()


def test_parts_with_several_choices_are_counted_on() -> None:
    def part(choices: int) -> WholeAnswer:
        return WholeAnswer(json.loads(wire.whole(choices=choices)), None)

    whole = merged([(0, part(2)), (2, part(1)), (3, part(2))])

    assert [choice["index"] for choice in whole.body["choices"]] == [0, 1, 2, 3, 4]
    assert whole.usage is None
    assert "usage" not in whole.body


def embedded(*vectors: float, usage: Usage | None = None) -> WholeAnswer:
    data = [{"object": "embedding", "index": at, "embedding": [vector]} for at, vector in enumerate(vectors)]
    return WholeAnswer({"object": "list", "data": data, "usage": {"prompt_tokens": 9, "total_tokens": 9}}, usage)


def test_parts_with_embeddings_are_counted_on_and_none_is_lost() -> None:
    whole = merged([(0, embedded(0.1, 0.2, usage=Usage(prompt=4))), (2, embedded(0.3, usage=Usage(prompt=3)))])

    assert [(entry["index"], entry["embedding"]) for entry in whole.body["data"]] == [
        (0, [0.1]),
        (1, [0.2]),
        (2, [0.3]),
    ]
    assert "choices" not in whole.body
    assert whole.body["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    assert whole.usage == Usage(prompt=7)


@pytest.mark.parametrize(
    "bodies",
    [
        [{"object": "list", "results": [1]}, {"object": "list", "results": [2]}],
        [{"choices": []}, {"data": []}],
        [{"choices": [], "data": []}, {"choices": [], "data": []}],
        [{"choices": {}}, {"choices": {}}],
        [{}, {}],
    ],
)
def test_parts_that_cannot_be_joined_are_refused_rather_than_lost(bodies: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="cannot join"):
        merged([(at, WholeAnswer(body, None)) for at, body in enumerate(bodies)])
