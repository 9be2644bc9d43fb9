"""One row, one settlement and nothing left running, whatever way a request ends."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from appliance.domain.errors import BadRequest
from appliance.domain.ledger import Status
from appliance.domain.money import Price
from appliance.domain.upstream import FailureKind
from appliance.domain.usage import Usage
from appliance.ports.counters import Refusal
from tests.fakes import wire
from tests.fakes.clock import NOON
from tests.fakes.gate import PATIENCE, Gate
from tests.fakes.gateway import Gateway, a_gateway
from tests.fakes.provider import FakeDecoder
from tests.fakes.site import a_deployment, a_key, a_model
from tests.fakes.upstream import Piece, Says, broken

USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "cached_tokens": 3}
PRICE = Price(input=1_000_000, cached=500_000, output=2_000_000, gpu_second=10)  # 1, 0.5 and 2 micros a token


async def priced(*answers: Says) -> Gateway:
    return await a_gateway(*answers, model=a_model(a_deployment(price=PRICE)))


def stream(*pieces: Piece) -> Says:
    return Says(pieces)


async def ended(task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(PATIENCE):
        await task


async def test_a_finished_stream_pays_for_what_the_server_counted() -> None:
    gateway = await priced(stream(wire.delta("hi"), wire.finish(), wire.usage(7, 5, cached=3), wire.DONE))

    client = await gateway.serve(gateway.client(stream=True))

    row = gateway.ledger.row
    assert (row.status, row.http_status, row.error, row.streamed) == (Status.OK, 200, None, True)
    assert row.usage == Usage(prompt=7, completion=5, cached=3)
    assert row.cost == 4 + 2 + 10  # 4 at 1, 3 at 0.5 rounded up with the rest, 5 at 2
    assert gateway.counters.settled == [(12, row.cost)]
    assert client.events[-1] == "[DONE]"
    assert gateway.at_rest()


async def test_a_finished_whole_answer_pays_for_what_the_server_counted() -> None:
    gateway = await priced(Says([wire.whole(usage=USAGE)]))

    client = await gateway.serve(gateway.client())

    row = gateway.ledger.row
    assert (row.status, row.http_status, row.error, row.streamed) == (Status.OK, 200, None, False)
    assert row.usage == Usage(prompt=7, completion=5, cached=3)
    assert gateway.counters.settled == [(12, 16)]
    assert client.status == 200
    assert gateway.at_rest()


async def test_the_row_says_who_asked_what_of_whom() -> None:
    key = a_key(team="blue", workspace="lab")
    gateway = await a_gateway(Says([wire.whole()]), key=key)

    client = await gateway.serve(gateway.client())

    row = gateway.ledger.row
    assert row.at == NOON
    assert row.request_id == client.headers["x-request-id"]
    assert (row.key_id, row.team, row.workspace) == (key.id, "blue", "lab")
    assert (row.kind, row.model, row.deployment, row.provider) == ("chat/completions", "llama", "one", "fake")
    assert row.attempts == 1
    assert gateway.observer.ended == [row]


async def test_times_are_counted_from_the_arrival_of_the_request() -> None:
    before, after = Gate(), Gate()
    gateway = await a_gateway(stream(before, wire.delta("hi"), after, wire.finish(), wire.DONE))
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await before.reached()
    gateway.clock.advance(1.5)
    before.open()
    await after.reached()
    gateway.clock.advance(2.0)
    after.open()
    await ended(task)

    row = gateway.ledger.row
    assert row.first_token_ms == 1500
    assert row.total_ms == 3500
    assert row.overhead_ms == 0.0
    assert client.headers["x-redoubt-overhead-ms"] == "0.00"


async def test_gpu_seconds_are_paid_from_the_start_of_the_attempt_to_its_end() -> None:
    before, after = Gate(), Gate()
    model = a_model(a_deployment(price=Price(gpu_second=1000)))
    gateway = await a_gateway(stream(before, wire.delta("hi"), after, wire.usage(1, 1), wire.DONE), model=model)
    task = gateway.start(gateway.client(stream=True))

    await before.reached()
    gateway.clock.advance(2)
    before.open()
    await after.reached()
    gateway.clock.advance(1.5)
    after.open()
    await ended(task)

    assert gateway.ledger.row.cost == 3500


async def test_gpu_seconds_of_a_failed_attempt_are_not_paid() -> None:
    slow, quick = Gate(), Gate()
    price = Price(gpu_second=1000)
    model = a_model(a_deployment("one", price=price), a_deployment("two", price=price, weight=0))
    gateway = await a_gateway(Says(before=slow, pieces=[], status=503), model=model)
    gateway.upstream.script("two", Says([quick, wire.whole(usage=USAGE)]))
    task = gateway.start(gateway.client())

    await slow.reached()
    gateway.clock.advance(5)
    slow.open()
    await quick.reached()
    gateway.clock.advance(2)
    quick.open()
    await ended(task)

    assert gateway.ledger.row.cost == 2000


async def test_gpu_seconds_are_not_paid_when_every_attempt_fails() -> None:
    slow = Gate()
    model = a_model(a_deployment(price=Price(gpu_second=1000)))
    gateway = await a_gateway(Says(before=slow, status=503), model=model)
    task = gateway.start(gateway.client())

    await slow.reached()
    gateway.clock.advance(5)
    slow.open()
    await ended(task)

    assert (gateway.ledger.row.status, gateway.ledger.row.cost) == (Status.FAILED, 0)


async def test_gpu_seconds_are_paid_when_the_client_leaves_a_server_at_work() -> None:
    thinking = Gate()
    gateway = await a_gateway(Says([thinking]), model=a_model(a_deployment(price=Price(gpu_second=1000))))
    client = gateway.client()
    task = gateway.start(client)

    await thinking.reached()
    gateway.clock.advance(5)
    client.leave()
    await ended(task)

    assert (gateway.ledger.row.status, gateway.ledger.row.cost) == (Status.GONE, 5000)


async def test_a_free_answer_by_declaration_is_said_to_be_unpriced() -> None:
    gateway = await a_gateway(Says([wire.whole(usage=USAGE)]), model=a_model(a_deployment(price=None)))
    gateway.serves(a_model(a_deployment(price=None)), default=Price())
    await gateway.keeper.refresh()

    await gateway.serve(gateway.client())

    assert (gateway.ledger.row.cost, gateway.ledger.row.unpriced) == (0, True)


@pytest.mark.parametrize("price", [Price(), Price(input=1)], ids=["free", "cheap"])
async def test_an_answer_with_a_price_of_its_own_is_not_unpriced(price: Price) -> None:
    gateway = await a_gateway(Says([wire.whole(usage=USAGE)]), model=a_model(a_deployment(price=price)))

    await gateway.serve(gateway.client())

    assert not gateway.ledger.row.unpriced


async def test_a_stream_that_breaks_is_failed_and_pays_for_what_came() -> None:
    gateway = await priced(stream(wire.delta("hello"), wire.delta(" you"), broken(FailureKind.DEAD, "reset")))

    await gateway.serve(gateway.client(stream=True))

    row = gateway.ledger.row
    assert (row.status, row.http_status, row.error) == (Status.FAILED, 200, "upstream_failed")
    assert row.usage.estimated
    assert row.usage.completion == 3  # nine characters
    assert gateway.counters.settled == [(row.usage.total, row.cost)]
    assert row.cost > 0
    assert gateway.at_rest()


async def test_when_every_attempt_fails_nothing_is_owed() -> None:
    gateway = await priced(Says([wire.refusal()], status=500))

    client = await gateway.serve(gateway.client())

    row = gateway.ledger.row
    assert client.status == 502
    assert (row.status, row.http_status, row.error) == (Status.FAILED, 502, "upstream_failed")
    assert (row.usage, row.cost, row.attempts) == (Usage(), 0, 1)
    assert gateway.counters.settled == [(0, 0)]
    assert gateway.at_rest()


@pytest.mark.parametrize(
    ("code", "error"), [("bad", "upstream_rejected"), ("context", "context_length_exceeded")], ids=["bad", "context"]
)
async def test_what_the_server_rejects_is_rejected_and_costs_nothing(code: str, error: str) -> None:
    gateway = await priced(Says([wire.refusal(code)], status=400))

    client = await gateway.serve(gateway.client())

    row = gateway.ledger.row
    assert client.status == 400
    assert (row.status, row.http_status, row.error) == (Status.REJECTED, 400, error)
    assert (row.usage, row.cost) == (Usage(), 0)
    assert gateway.counters.settled == [(0, 0)]
    assert gateway.at_rest()


async def test_a_spent_budget_is_refused_before_any_deployment_is_called() -> None:
    gateway = await priced(Says([wire.whole()]))
    gateway.counters.refusal = Refusal(limit="budget", allowed=5, used=5, resets_in=None)

    client = await gateway.serve(gateway.client())

    row = gateway.ledger.row
    assert client.status == 429
    assert client.headers["x-should-retry"] == "false"
    assert (row.status, row.http_status, row.error) == (Status.REFUSED, 429, "insufficient_quota")
    assert (row.attempts, row.deployment, row.model) == (0, None, "llama")
    assert gateway.upstream.calls == []
    assert gateway.counters.settled == []


async def test_a_malformed_body_is_refused_with_a_row_that_names_no_model() -> None:
    gateway = await priced(Says([wire.whole()]))

    client = await gateway.serve(gateway.client(b'{"model": '))

    row = gateway.ledger.row
    assert client.status == 400
    assert (row.status, row.http_status, row.error, row.model) == (Status.REFUSED, 400, "invalid_value", "")
    assert gateway.upstream.calls == []
    assert gateway.at_rest()


async def test_counters_that_cannot_be_trusted_refuse_the_request() -> None:
    gateway = await priced(Says([wire.whole()]))
    gateway.counters.broken = True

    client = await gateway.serve(gateway.client())

    assert (client.status, client.error["code"]) == (503, "store_unavailable")
    assert gateway.ledger.row.status is Status.REFUSED
    assert gateway.upstream.calls == []


async def test_a_field_no_server_behind_can_honour_is_refused_without_cost() -> None:
    gateway = await a_gateway(Says([wire.whole()]), model=a_model(a_deployment(price=Price(gpu_second=10))))
    gateway.provider.refuses = BadRequest("`logit_bias` cannot be honoured here", param="logit_bias")

    client = await gateway.serve(gateway.client())

    row = gateway.ledger.row
    assert (client.status, client.error["param"]) == (400, "logit_bias")
    assert (row.status, row.http_status, row.error, row.cost) == (Status.REFUSED, 400, "invalid_value", 0)
    assert gateway.upstream.calls == []
    assert gateway.at_rest()


async def test_a_client_that_leaves_before_its_body_is_whole_is_gone() -> None:
    half = Gate()
    gateway = await priced(Says([wire.whole()]))
    client = gateway.client([b'{"model":', half])
    task = gateway.start(client)

    await half.reached()
    client.leave()
    await ended(task)

    row = gateway.ledger.row
    assert (row.status, row.http_status, row.error) == (Status.GONE, 499, "client_gone")
    assert gateway.upstream.calls == []
    assert gateway.at_rest()


async def test_a_client_that_leaves_before_the_head_aborts_the_generation() -> None:
    queued = Gate()
    gateway = await priced(stream(wire.KEEP_ALIVE, queued, wire.delta("never")))
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await queued.reached()
    client.leave()
    await ended(task)

    row = gateway.ledger.row
    assert not client.started
    assert (row.status, row.http_status, row.error) == (Status.GONE, 499, "client_gone")
    assert (row.attempts, row.deployment, row.first_token_ms) == (1, "one", None)
    assert len(gateway.counters.settled) == 1
    assert gateway.upstream.exchanges[0].aborted
    assert gateway.at_rest()


async def test_a_client_that_leaves_while_its_deployment_is_being_reached_leaves_nothing_behind() -> None:
    connecting = Gate()
    gateway = await priced(Says(before=connecting))
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await connecting.reached()
    client.leave()
    await ended(task)

    assert gateway.ledger.row.status is Status.GONE
    assert len(gateway.counters.settled) == 1
    assert gateway.at_rest()


async def test_a_client_that_leaves_mid_stream_pays_for_what_it_got() -> None:
    talking = Gate()
    gateway = await priced(stream(wire.delta("hello "), wire.delta("you"), talking, wire.delta("never"), wire.DONE))
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await talking.reached()
    client.leave()
    await ended(task)

    row = gateway.ledger.row
    assert (row.status, row.http_status, row.error) == (Status.GONE, 499, "client_gone")
    assert row.usage.estimated
    assert row.usage.completion == 3
    assert gateway.counters.settled == [(row.usage.total, row.cost)]
    assert gateway.upstream.exchanges[0].aborted
    assert gateway.at_rest()


async def test_a_client_that_leaves_during_a_whole_answer_aborts_the_generation() -> None:
    thinking = Gate()
    gateway = await priced(Says([thinking, wire.whole()]))
    client = gateway.client()
    task = gateway.start(client)

    await thinking.reached()
    client.leave()
    await ended(task)

    row = gateway.ledger.row
    assert not client.started
    assert (row.status, row.http_status, row.error) == (Status.GONE, 499, "client_gone")
    assert row.usage.estimated  # or asking and leaving would be free
    assert (row.usage.prompt > 0, row.usage.completion) == (True, 0)
    assert gateway.counters.settled == [(row.usage.total, row.cost)]
    assert row.cost == row.usage.prompt
    assert gateway.upstream.exchanges[0].aborted
    assert gateway.at_rest()


async def test_a_client_that_resets_its_connection_is_gone() -> None:
    gateway = await priced(stream(wire.delta("hi"), wire.finish(), wire.DONE))
    client = gateway.client(stream=True)
    client.resets = True

    await gateway.serve(client)

    row = gateway.ledger.row
    assert (row.status, row.http_status, row.error) == (Status.GONE, 499, "client_gone")
    assert gateway.upstream.exchanges[0].aborted
    assert gateway.at_rest()


async def test_a_stop_before_the_head_is_a_503() -> None:
    queued = Gate()
    gateway = await priced(stream(queued, wire.delta("never")))
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await queued.reached()
    gateway.live.stop()
    await ended(task)

    row = gateway.ledger.row
    assert (client.status, client.error["code"]) == (503, "shutting_down")
    assert client.headers["x-should-retry"] == "true"
    assert (row.status, row.http_status, row.error) == (Status.STOPPED, 503, "shutting_down")
    assert gateway.upstream.exchanges[0].aborted
    assert gateway.at_rest()


async def test_a_stop_while_the_body_comes_is_a_503() -> None:
    half = Gate()
    gateway = await priced(Says([wire.whole()]))
    client = gateway.client([b"{", half])
    task = gateway.start(client)

    await half.reached()
    gateway.live.stop()
    await ended(task)

    assert (client.status, client.error["code"]) == (503, "shutting_down")
    assert gateway.ledger.row.status is Status.STOPPED
    assert gateway.at_rest()


async def test_a_stop_mid_stream_is_one_error_event() -> None:
    talking = Gate()
    gateway = await priced(stream(wire.delta("hello"), talking, wire.delta("never"), wire.DONE))
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await talking.reached()
    gateway.live.stop()
    await ended(task)

    row = gateway.ledger.row
    assert client.complete
    assert client.status == 200
    assert [event.get("error", {}).get("code") for event in client.events] == [None, "shutting_down"]
    assert (row.status, row.http_status, row.error) == (Status.STOPPED, 503, "shutting_down")
    assert row.usage.estimated
    assert gateway.counters.settled == [(row.usage.total, row.cost)]
    assert gateway.at_rest()


async def test_a_stop_after_the_last_byte_changes_nothing() -> None:
    trailing = Gate()
    gateway = await priced(stream(wire.delta("hi"), wire.usage(), wire.DONE, trailing))
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await trailing.reached()
    gateway.live.stop()
    trailing.open()
    await ended(task)

    assert client.events[-1] == "[DONE]"
    assert gateway.ledger.row.status is Status.OK
    assert gateway.at_rest()


async def test_a_stream_that_outlives_its_deadline_ends_with_one_error_event() -> None:
    talking = Gate()
    gateway = await priced(stream(wire.delta("hello"), talking, wire.DONE))
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await talking.reached()
    (running,) = gateway.live
    assert running.until is not None
    running.end(Status.FAILED)
    await ended(task)

    row = gateway.ledger.row
    assert [event.get("error", {}).get("code") for event in client.events] == [None, "upstream_timeout"]
    assert (row.status, row.error) == (Status.FAILED, "upstream_timeout")
    assert gateway.at_rest()


async def test_a_deadline_before_the_head_is_a_504() -> None:
    queued = Gate()
    gateway = await priced(stream(queued, wire.delta("never")))
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await queued.reached()
    (running,) = gateway.live
    running.end(Status.FAILED)
    await ended(task)

    row = gateway.ledger.row
    assert (client.status, client.error["code"]) == (504, "upstream_timeout")
    assert (row.status, row.http_status, row.error) == (Status.FAILED, 504, "upstream_timeout")
    assert gateway.at_rest()


async def test_a_fault_before_the_head_is_a_500_that_tells_the_request_id_alone() -> None:
    gateway = await priced(Says([wire.whole()]))
    fault = ZeroDivisionError("secret detail at http://gpu-one.lab:8000")
    gateway.provider.refuses = fault

    client = await gateway.serve(gateway.client())

    row = gateway.ledger.row
    assert (client.status, client.error["code"], client.error["type"]) == (500, "internal", "server_error")
    assert client.headers["x-request-id"] in client.error["message"]
    assert "secret" not in client.error["message"]
    assert (row.status, row.http_status, row.error) == (Status.FAILED, 500, "internal")
    assert len(gateway.counters.settled) == 1
    assert gateway.faults == [(row.request_id, fault)]
    assert gateway.at_rest()


async def test_a_fault_after_the_first_byte_is_one_error_event() -> None:
    fault = ZeroDivisionError("secret detail")
    gateway = await priced(stream(wire.delta("hello"), wire.delta("fault"), wire.DONE))
    gateway.provider.faulty_decoder = fault

    client = await gateway.serve(gateway.client(stream=True))

    row = gateway.ledger.row
    assert client.complete
    assert client.text == "hello"
    assert client.events[-1]["error"]["code"] == "internal"
    assert client.headers["x-request-id"] in client.events[-1]["error"]["message"]
    assert "secret" not in client.events[-1]["error"]["message"]
    assert (row.status, row.error) == (Status.FAILED, "internal")
    assert row.usage.estimated
    assert gateway.faults == [(row.request_id, fault)]
    assert gateway.at_rest()


@pytest.mark.parametrize("asked", [{"stream": True}, {}], ids=["stream", "whole"])
async def test_counters_that_fail_at_settlement_do_not_cost_the_row(asked: dict[str, Any]) -> None:
    answer = [wire.delta("hi"), wire.usage(), wire.DONE] if asked else [wire.whole(usage=USAGE)]
    gateway = await priced(Says(answer))
    gateway.counters.settle_broken = True

    client = await gateway.serve(gateway.client(**asked))

    assert gateway.ledger.row.usage.total == 12
    assert gateway.observer.ended == gateway.ledger.rows
    assert (client.status, gateway.ledger.row.http_status, gateway.faults) == (200, 200, [])
    assert b"error" not in client.body


@pytest.mark.parametrize("asked", [{"stream": True}, {}], ids=["stream", "whole"])
async def test_a_client_that_leaves_during_the_settlement_does_not_cost_the_row(asked: dict[str, Any]) -> None:
    answer = [wire.delta("hi"), wire.usage(), wire.DONE] if asked else [wire.whole(usage=USAGE)]
    gateway = await priced(Says(answer))
    gateway.counters.at_settle = settling = Gate()
    client = gateway.client(**asked)
    task = gateway.start(client)

    await settling.reached()
    client.leave()
    await ended(task)

    assert gateway.ledger.row.usage.total == 12
    assert gateway.observer.ended == gateway.ledger.rows


async def test_a_finished_stream_gives_its_connection_back_though_the_server_says_the_client_left() -> None:
    trailing = Gate()
    gateway = await priced(stream(wire.delta("hi"), wire.usage(), wire.DONE, trailing))
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await client.said(b"[DONE]")
    await trailing.reached()
    trailing.open()
    await ended(task)

    assert gateway.ledger.row.status is Status.OK
    assert gateway.at_rest()
    assert gateway.upstream.exchanges[0].returned


async def test_a_request_cancelled_while_its_connection_is_drained_leaves_nothing_behind() -> None:
    trailing = Gate()
    gateway = await priced(stream(wire.delta("hi"), wire.usage(), wire.DONE, trailing))
    task = gateway.start(gateway.client(stream=True))

    await trailing.reached()
    task.cancel()
    await asyncio.wait([task])

    assert gateway.ledger.row.status is Status.OK
    assert gateway.upstream.exchanges[0].aborted
    assert gateway.at_rest()


async def test_a_fault_after_the_last_byte_is_told_to_the_operator_and_not_to_the_client() -> None:
    fault = ZeroDivisionError()
    gateway = await priced(stream(wire.delta("hi"), wire.usage(), wire.DONE, fault))

    client = await gateway.serve(gateway.client(stream=True))

    assert client.events[-1] == "[DONE]"
    assert [found for _, found in gateway.faults] == [fault]
    assert gateway.ledger.row.status is Status.OK
    assert gateway.at_rest()


async def test_a_request_ended_by_the_server_itself_is_settled_and_the_cancellation_goes_on() -> None:
    talking = Gate()
    gateway = await priced(stream(wire.delta("hello"), talking))
    task = gateway.start(gateway.client(stream=True))

    await talking.reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ended(task)

    assert gateway.ledger.row.status is Status.GONE
    assert gateway.at_rest()


ODD: dict[str, Sequence[Piece]] = {
    "nothing at all": [],
    "only keep-alives": [wire.KEEP_ALIVE, wire.KEEP_ALIVE],
    "an end without a word": [wire.DONE],
    "an error at once": [wire.error("overload")],
    "a reset at once": [broken(FailureKind.DEAD)],
    "a stall": [broken(FailureKind.TIMEOUT)],
}


@pytest.mark.parametrize("pieces", ODD.values(), ids=ODD.keys())
async def test_a_stream_without_a_good_event_is_an_error_and_no_stream(pieces: Sequence[Piece]) -> None:
    gateway = await priced(Says(pieces))

    client = await gateway.serve(gateway.client(stream=True))

    assert client.status in {502, 503, 504}
    assert client.error["type"] == "server_error"
    assert gateway.ledger.row.status is Status.FAILED
    assert gateway.ledger.row.cost == 0
    assert gateway.at_rest()


def test_the_fake_decoder_is_as_strict_as_its_port() -> None:
    decoder = FakeDecoder()

    assert decoder.feed(b"data: [DO") == []
    assert len(decoder.feed(b"NE]\n\n")) == 1
    assert decoder.end() == []
