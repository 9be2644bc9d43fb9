"""Clients that do not read what they asked for: they hold nothing for ever, and stop nothing."""

import asyncio
from typing import Any

import pytest

from appliance.domain.ledger import Status
from tests.fakes import wire
from tests.fakes.gate import Gate
from tests.fakes.gateway import a_gateway
from tests.fakes.upstream import Says

SOON = 5.0  # seconds: far more than ending takes, far less than a test's own limit
STREAM = Says([wire.delta("hi"), wire.usage(), wire.DONE])
WHOLE = Says([wire.whole()])


@pytest.mark.parametrize("asked", [{"stream": True}, {}], ids=["stream", "whole"])
async def test_a_stop_ends_a_request_whose_client_does_not_read_its_last_bytes(asked: dict[str, Any]) -> None:
    gateway = await a_gateway(STREAM if asked else WHOLE)
    client = gateway.client(**asked)
    client.stalls, client.stalls_on = Gate(), b"[DONE]" if asked else b""
    task = gateway.start(client)

    await client.stalls.reached()
    gateway.live.stop()
    async with asyncio.timeout(SOON):
        await task

    assert len(gateway.ledger.rows) == 1
    assert gateway.at_rest()


async def test_a_stop_does_not_wait_for_a_client_that_does_not_read_its_error_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("appliance.http.v1.route.PARTING_SECONDS", 0.01)
    gateway = await a_gateway(STREAM)
    client = gateway.client(stream=True)
    client.stalls = Gate()
    task = gateway.start(client)

    await client.stalls.reached()
    gateway.live.stop()
    async with asyncio.timeout(SOON):
        await task

    assert gateway.ledger.row.status is Status.STOPPED
    assert gateway.at_rest()


@pytest.mark.parametrize("asked", [{"stream": True}, {}], ids=["stream", "whole"])
async def test_an_answer_nobody_reads_has_a_deadline(asked: dict[str, Any]) -> None:
    gateway = await a_gateway(STREAM if asked else WHOLE)
    client = gateway.client(**asked)
    client.stalls = unread = Gate()
    task = gateway.start(client)

    await unread.reached()
    (running,) = gateway.live
    until = running.until
    client.leave()
    unread.open()
    async with asyncio.timeout(SOON):
        await task

    assert until is not None


@pytest.mark.parametrize("body", [b"{", b'{"model":"llama","messages":[{"role":"user"}]}'], ids=["refused", "failed"])
async def test_a_client_that_resets_while_it_is_refused_is_no_fault_of_ours(body: bytes) -> None:
    gateway = await a_gateway(Says([wire.refusal()], status=500))
    client = gateway.client(body)
    client.resets = True

    await gateway.serve(client)

    assert gateway.faults == []
    assert gateway.ledger.row.status in {Status.REFUSED, Status.FAILED}
    assert gateway.at_rest()


async def test_a_client_that_resets_while_it_is_turned_away_is_no_fault_of_ours() -> None:
    gateway = await a_gateway()
    gateway.live.drain()
    client = gateway.client()
    client.resets = True

    await gateway.serve(client)

    assert gateway.faults == []
