"""Deployments are asked in turn, within one deadline and a bounded number of tries."""

import asyncio
from typing import Any

import pytest

from appliance.domain.errors import BadRequest
from appliance.domain.ledger import Status
from appliance.domain.model import Deployment, Model, Timeouts
from appliance.domain.money import Price
from appliance.domain.upstream import FailureKind
from tests.fakes import wire
from tests.fakes.gate import PATIENCE, Gate
from tests.fakes.gateway import Gateway, a_gateway
from tests.fakes.site import SOON, a_deployment, a_model
from tests.fakes.upstream import Says, broken

GOOD = Says([wire.whole("good")])
STREAM = Says([wire.delta("good"), wire.finish(), wire.DONE])


def in_order(*labels: str, **more: Any) -> Model:
    """The first by weight, the others behind it in no set order."""
    ranked = [a_deployment(label, weight=10.0 ** (-12 * place), **more) for place, label in enumerate(labels)]
    return a_model(*ranked, attempts=len(labels))


async def fleet(model: Model, **answers: Says) -> Gateway:
    gateway = await a_gateway(model=model)
    for label, says in answers.items():
        gateway.upstream.script(label, says)
    return gateway


OVERLOADED = {
    "503": Says([wire.refusal(message="busy")], status=503),
    "429": Says([wire.refusal(message="busy")], status=429),
    "event in a 200 stream": Says([wire.error("overload", "busy")]),
    "event in a 200 stream after keep-alives": Says([wire.KEEP_ALIVE, wire.KEEP_ALIVE, wire.error("overload", "busy")]),
}
FAILING = {
    **OVERLOADED,
    "500": Says([wire.refusal()], status=500),
    "401": Says([wire.refusal()], status=401),
    "404": Says([wire.refusal()], status=404),
    "refused connection": Says(before=broken(FailureKind.DEAD)),
    "reset before the head": Says(before=broken(FailureKind.DEAD)),
    "reset after the head": Says([broken(FailureKind.DEAD)]),
    "reset while it refuses": Says([broken(FailureKind.DEAD)], status=500),
    "silence between chunks": Says([wire.KEEP_ALIVE, broken(FailureKind.TIMEOUT)]),
    "silent end": Says([]),
    "end of stream at once": Says([wire.DONE]),
}


@pytest.mark.parametrize("first", FAILING.values(), ids=FAILING.keys())
async def test_a_failure_before_the_first_good_event_moves_on_to_another_deployment(first: Says) -> None:
    gateway = await fleet(in_order("one", "two"), one=first, two=STREAM)

    client = await gateway.serve(gateway.client(stream=True))

    assert client.status == 200
    assert client.text == "good"
    assert gateway.upstream.asked == ["one", "two"]
    assert (client.headers["x-redoubt-deployment"], client.headers["x-redoubt-attempts"]) == ("two", "2")
    assert (gateway.ledger.row.deployment, gateway.ledger.row.attempts) == ("two", 2)
    assert [label for label, _, _ in gateway.observer.failures] == ["one"]
    assert gateway.at_rest()


async def test_a_whole_answer_falls_back_too() -> None:
    bad = Says([b"<html>"])
    gateway = await fleet(in_order("one", "two"), one=bad, two=GOOD)

    client = await gateway.serve(gateway.client())

    assert client.json["choices"][0]["message"]["content"] == "good"
    assert gateway.observer.failures == [("one", FailureKind.PROTOCOL, 0.0)]
    assert gateway.at_rest()


@pytest.mark.parametrize("code", ["bad", "context"])
async def test_what_no_other_server_would_answer_differently_is_not_tried_again(code: str) -> None:
    gateway = await fleet(in_order("one", "two"), one=Says([wire.refusal(code)], status=400), two=GOOD)

    client = await gateway.serve(gateway.client())

    assert client.status == 400
    assert gateway.upstream.asked == ["one"]


async def test_no_more_deployments_are_asked_than_the_model_allows() -> None:
    model = a_model(*(a_deployment(label) for label in "abcde"), attempts=3)
    gateway = await fleet(model, **dict.fromkeys("abcde", OVERLOADED["503"]))

    client = await gateway.serve(gateway.client())

    assert len(gateway.upstream.asked) == len(set(gateway.upstream.asked)) == 3
    assert gateway.ledger.row.attempts == 3
    assert client.status == 503


async def test_a_deployment_that_gives_no_first_byte_in_time_is_left() -> None:
    silent = a_deployment("one", weight=10.0**9, timeouts=SOON)
    gateway = await fleet(a_model(silent, a_deployment("two", weight=1e-9)), one=Says([Gate()]), two=STREAM)

    client = await gateway.serve(gateway.client(stream=True))

    assert client.text == "good"
    assert gateway.upstream.asked == ["one", "two"]
    assert [kind for _, kind, _ in gateway.observer.failures] == [FailureKind.TIMEOUT]
    assert gateway.upstream.exchanges[0].aborted
    assert gateway.at_rest()


async def test_keep_alives_do_not_hold_the_first_byte_deadline_off() -> None:
    queued = Says([wire.KEEP_ALIVE, wire.KEEP_ALIVE, Gate()])
    gateway = await fleet(a_model(a_deployment("one", timeouts=SOON)), one=queued)

    client = await gateway.serve(gateway.client(stream=True))

    assert (client.status, client.error["code"]) == (504, "upstream_timeout")
    assert gateway.at_rest()


async def test_a_connection_that_does_not_come_about_counts_for_the_first_byte() -> None:
    gateway = await fleet(a_model(a_deployment("one", timeouts=SOON)), one=Says(before=Gate()))

    client = await gateway.serve(gateway.client())

    assert client.status == 504
    assert gateway.at_rest()


async def test_one_deadline_holds_over_all_attempts() -> None:
    slow = Gate()
    failing = Says(before=slow, status=503)
    gateway = await fleet(in_order("one", "two", timeouts=Timeouts(total=10)), one=failing, two=GOOD)
    task = gateway.start(gateway.client())

    await slow.reached()
    gateway.clock.advance(10)
    slow.open()
    async with asyncio.timeout(PATIENCE):
        await task

    row = gateway.ledger.row
    assert gateway.upstream.asked == ["one"]
    assert (row.attempts, row.deployment, row.status) == (1, "one", Status.FAILED)
    assert gateway.at_rest()


async def test_a_later_attempt_has_only_the_time_that_is_left() -> None:
    slow = Gate()
    failing = Says(before=slow, status=503)
    times = Timeouts(total=10, first_byte=10)
    gateway = await fleet(in_order("one", "two", timeouts=times), one=failing, two=Says([Gate()]))
    client = gateway.client()
    task = gateway.start(client)

    await slow.reached()
    gateway.clock.advance(9.99)
    slow.open()
    async with asyncio.timeout(5):  # the loop's own time: 0.01 s are left, and not ten
        await task

    assert gateway.upstream.asked == ["one", "two"]
    assert gateway.ledger.row.attempts == 2


async def test_a_stream_has_what_is_left_of_the_total_deadline() -> None:
    before, after = Gate(), Gate()
    gateway = await fleet(in_order("one", timeouts=Timeouts(total=100)), one=Says([before, wire.delta("x"), after]))
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await before.reached()
    gateway.clock.advance(40)
    before.open()
    await after.reached()
    (running,) = gateway.live
    until = running.until
    client.leave()
    async with asyncio.timeout(PATIENCE):
        await task

    assert until is not None
    assert until - asyncio.get_running_loop().time() == pytest.approx(60, abs=20)


async def test_a_deployment_that_filled_up_since_the_plan_was_made_is_passed_over() -> None:
    reserving = Gate()
    gateway = await fleet(in_order("one", "two", max_parallel=1), one=STREAM, two=STREAM)
    gateway.counters.at_reserve = reserving
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await reserving.reached()
    flight = gateway.state.begin(a_deployment("one").id)
    reserving.open()
    async with asyncio.timeout(PATIENCE):
        await task
    flight.end()

    assert gateway.upstream.asked == ["two"]
    assert gateway.ledger.row.attempts == 1
    assert gateway.at_rest()


async def test_a_race_for_the_last_place_is_refused_and_not_failed() -> None:
    reserving = Gate()
    gateway = await fleet(in_order("one", max_parallel=1), one=STREAM)
    gateway.counters.at_reserve = reserving
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await reserving.reached()
    flight = gateway.state.begin(a_deployment("one").id)
    reserving.open()
    async with asyncio.timeout(PATIENCE):
        await task
    flight.end()

    assert client.headers["x-should-retry"] == "true"
    assert client.status in {429, 503}
    assert (gateway.ledger.row.status, gateway.ledger.row.attempts) == (Status.REFUSED, 0)
    assert gateway.upstream.calls == []


async def test_each_deployment_is_asked_for_its_own_model() -> None:
    one = a_deployment("one", weight=1e9, upstream_model="first/secret")
    two = a_deployment("two", weight=1e-9, upstream_model="second/secret")
    gateway = await fleet(a_model(one, two), one=OVERLOADED["503"], two=GOOD)

    await gateway.serve(gateway.client())

    assert b"first/secret" in gateway.upstream.calls[0][1].body
    assert b"second/secret" in gateway.upstream.calls[1][1].body


async def test_the_deployment_that_answers_is_the_one_that_is_paid() -> None:
    cheap, dear = Price(output=1_000_000), Price(output=5_000_000)
    one = a_deployment("one", weight=1e9, price=cheap)
    two = a_deployment("two", weight=1e-9, price=dear)
    answer = Says([wire.whole(usage={"prompt_tokens": 1, "completion_tokens": 3})])
    gateway = await fleet(a_model(one, two), one=OVERLOADED["503"], two=answer)

    await gateway.serve(gateway.client())

    assert gateway.ledger.row.cost == 15


async def test_a_field_one_server_cannot_honour_is_left_to_another_kind() -> None:
    gateway = await fleet(in_order("one", "two"), one=GOOD, two=GOOD)
    refusals = [BadRequest("cannot", param="logit_bias")]
    prepare = gateway.provider.prepare

    def first_cannot(call: Any, to: Deployment) -> Any:
        if refusals:
            raise refusals.pop()
        return prepare(call, to)

    gateway.provider.prepare = first_cannot  # type: ignore[method-assign]  # a second kind of server, in short

    client = await gateway.serve(gateway.client())

    assert client.status == 200
    assert len(gateway.upstream.asked) == 1
    assert gateway.ledger.row.attempts == 1


async def test_time_spent_waiting_for_upstreams_is_no_overhead() -> None:
    first, second = Gate(), Gate()
    gateway = await fleet(in_order("one", "two"), one=Says(before=first, status=503), two=Says([second, wire.whole()]))
    task = gateway.start(gateway.client())

    await first.reached()
    gateway.clock.advance(3)
    first.open()
    await second.reached()
    gateway.clock.advance(4)
    second.open()
    async with asyncio.timeout(PATIENCE):
        await task

    assert gateway.ledger.row.total_ms == 7000
    assert gateway.ledger.row.overhead_ms == 0
    assert gateway.observer.failures == [("one", FailureKind.OVERLOAD, 3.0)]
