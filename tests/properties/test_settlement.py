"""Whatever a server says and whoever leaves when, there is one row and nothing is left behind."""

import asyncio

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from appliance.domain.ledger import Status
from appliance.domain.money import Price
from appliance.domain.upstream import FailureKind
from appliance.pipeline import stream as engine
from tests.fakes import wire
from tests.fakes.client import FakeClient
from tests.fakes.gate import PATIENCE, Gate
from tests.fakes.gateway import Gateway, a_gateway
from tests.fakes.site import a_deployment, a_model
from tests.fakes.upstream import Piece, Says, broken

PRICE = Price(input=1_000_000, output=2_000_000, gpu_second=7)
ENOUGH = 400  # turns of the loop: every script that ends by itself has ended
WORDS = {
    "delta": wire.delta("hello"),
    "empty": wire.delta(""),
    "alive": wire.KEEP_ALIVE,
    "finish": wire.finish(),
    "usage": wire.usage(7, 5),
    "done": wire.DONE,
    "overload": wire.error("overload"),
    "context": wire.error("context"),
    "fault": wire.delta("fault"),
    "whole": wire.whole(usage={"prompt_tokens": 7, "completion_tokens": 5}),
    "refusal": wire.refusal("bad"),
}
FAULTS = {"dead": FailureKind.DEAD, "timeout": FailureKind.TIMEOUT, "protocol": FailureKind.PROTOCOL}


class Script(msgspec.Struct, frozen=True):
    """What one deployment says; `stall` in `pieces` waits for ever."""

    pieces: list[str]
    status: int
    before: str | None


class Story(msgspec.Struct, frozen=True):
    scripts: list[Script]
    streams: bool
    choices: int
    ends: str  # what befalls the request from outside
    after: int  # turns of the loop until it does
    faulty: bool


PIECE = st.sampled_from([*WORDS, *FAULTS, "stall"])
GOOD = st.sampled_from([["delta", "finish", "usage", "done"], ["alive", "delta", "done"], ["whole"]])
SCRIPT = st.builds(
    Script,
    GOOD | st.lists(PIECE, max_size=6),
    st.sampled_from([200, 200, 200, 400, 500, 503]),
    st.sampled_from([None, None, None, "dead", "stall"]),
)
ENDS = st.sampled_from(["nothing", "leaves", "stops", "deadline", "cancelled", "resets", "stalls"])
STORY = st.builds(
    Story,
    st.lists(SCRIPT, min_size=1, max_size=3),
    st.booleans(),
    st.integers(1, 3),
    ENDS,
    st.integers(1, 60),
    st.booleans(),
)


def piece(word: str) -> Piece:
    if word == "stall":
        return Gate()
    return broken(FAULTS[word]) if word in FAULTS else WORDS[word]


async def scene(story: Story) -> Gateway:
    labels = [str(index) for index in range(len(story.scripts))]
    model = a_model(*(a_deployment(label, price=PRICE) for label in labels), attempts=len(labels))
    gateway = await a_gateway(model=model)
    gateway.provider.one_choice = story.choices > 1
    gateway.provider.faulty_decoder = ZeroDivisionError() if story.faulty else None
    for label, script in zip(labels, story.scripts, strict=True):
        answers = [
            Says(
                [piece(word) for word in script.pieces], script.status, piece(script.before) if script.before else None
            )
            for _ in range(story.choices)
        ]
        gateway.upstream.script(label, *answers)
    return gateway


async def turns(count: int, task: asyncio.Task[None]) -> None:
    for _ in range(count):
        if task.done():
            return
        await asyncio.sleep(0)


async def told(story: Story) -> tuple[Gateway, FakeClient, bool]:
    """Run a story to its end. True when it was ended from outside."""
    gateway = await scene(story)
    client = gateway.client(stream=story.streams, n=story.choices)
    client.resets = story.ends == "resets"
    client.stalls = Gate() if story.ends == "stalls" else None
    task = gateway.start(client)
    await turns(story.after if story.ends != "nothing" else ENOUGH, task)
    under_way = not task.done()
    if story.ends == "leaves":
        client.leave()
    elif story.ends == "deadline":
        for running in gateway.live:
            running.end(Status.FAILED)
    elif story.ends == "cancelled":
        task.cancel()
    await turns(ENOUGH, task)
    gateway.live.stop()
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait([task])
    await asyncio.gather(task, return_exceptions=True)
    for _ in range(20):  # what was cancelled takes a few turns to end
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task outlives its request"
    assert task.cancelled() or task.exception() is None
    return gateway, client, under_way


def check_books(gateway: Gateway) -> None:
    row = gateway.ledger.row
    assert gateway.observer.ended == [row]
    assert gateway.at_rest()
    assert len(gateway.counters.settled) == len(gateway.counters.holds) <= 1
    if gateway.counters.settled:
        assert gateway.counters.settled == [(row.usage.total, row.cost)]
    assert row.cost == row.usage.prompt + 2 * row.usage.completion  # the clock stands: no GPU second has passed
    asked = len(set(gateway.upstream.asked))
    assert asked <= row.attempts <= asked + 1  # cancelled on its way to the socket
    assert (row.deployment is None) is (row.attempts == 0)


def check_answer(gateway: Gateway, client: FakeClient) -> None:
    """The client and the ledger were told the same."""
    row = gateway.ledger.row
    if not client.complete:
        assert row.status is not Status.REFUSED
        return
    streamed = client.headers["content-type"].startswith("text/event-stream")
    if not streamed:
        assert (row.status is Status.OK) is (client.status == 200)
        assert row.http_status == client.status
        assert client.status == 200 or client.error["code"] == row.error
        return
    assert client.status == 200
    errors = [told for told in client.events if told != "[DONE]" and "error" in told]
    assert (client.events[-1] == "[DONE]") is (row.status is Status.OK) is (not errors)
    assert client.events.count("[DONE]") <= 1
    if errors:
        assert errors == [client.events[-1]]
        assert errors[0]["error"]["code"] == row.error


@pytest.fixture(scope="module", autouse=True)
def _no_waiting() -> object:
    """The two waits of the product that a stalled peer would make us sit out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "DRAIN_SECONDS", 0.001)
        patch.setattr("appliance.http.v1.route.PARTING_SECONDS", 0.001)
        yield


@settings(max_examples=300, deadline=None)
@given(STORY)
def test_every_request_is_settled_once_and_leaves_nothing_behind(story: Story) -> None:
    gateway, client, ended_from_outside = asyncio.run(told(story))

    event(f"{gateway.ledger.row.status} ended from outside: {ended_from_outside}")
    check_books(gateway)
    check_answer(gateway, client)
