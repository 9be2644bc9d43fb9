"""The guard of an inference route: who may not come in learns it before the body is read, and leaves no row."""

import asyncio
from typing import Any

import msgspec
import pytest

from appliance.domain.errors import GatewayError
from appliance.domain.ledger import Status
from appliance.domain.model import Deployment
from appliance.domain.upstream import Call, Kind, Part
from tests.fakes import wire
from tests.fakes.client import FakeClient
from tests.fakes.clock import NOON
from tests.fakes.gateway import Gateway, a_gateway
from tests.fakes.site import a_deployment, a_key, a_model, token
from tests.fakes.upstream import Says

GOOD = (b"authorization", b"Bearer " + token().encode())


async def turned_away(gateway: Gateway, client: FakeClient) -> GatewayError:
    """The one refusal, with nothing read, held or written down."""
    await gateway.serve(client)

    assert len(client._pieces) == 1, "the body was read"
    assert gateway.ledger.rows == []
    assert gateway.counters.holds == []
    assert gateway.upstream.calls == []
    assert gateway.at_rest()
    ((error, peer),) = gateway.refusals
    assert peer == "203.0.113.9"
    assert client.error["message"] == error.message
    assert client.headers["x-request-id"].startswith("req_")
    return error


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([], "invalid_api_key"),
        ([(b"authorization", b"Bearer junk")], "invalid_api_key"),
        ([(b"authorization", b"Bearer \xff")], "invalid_api_key"),
        ([(b"authorization", b"Bearer " + token(2).encode())], "invalid_api_key"),
        ([GOOD, (b"x-api-key", b"another")], "invalid_api_key"),
    ],
)
async def test_who_has_no_key_here_is_turned_away(headers: list[tuple[bytes, bytes]], code: str) -> None:
    gateway = await a_gateway()
    client = FakeClient([b"{}"], headers=headers)

    await turned_away(gateway, client)

    assert (client.status, client.error["code"]) == (401, code)
    assert client.headers["www-authenticate"] == "Bearer"


async def test_an_expired_key_is_turned_away_under_its_own_code() -> None:
    gateway = await a_gateway(key=a_key(expires_at=NOON))
    client = FakeClient([b"{}"], headers=[GOOD])

    await turned_away(gateway, client)

    assert (client.status, client.error["code"]) == (401, "key_expired")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_method_is_405_and_names_the_right_one(method: str) -> None:
    gateway = await a_gateway()
    client = FakeClient([b"{}"], headers=[GOOD], method=method)

    await turned_away(gateway, client)

    assert (client.status, client.headers["allow"]) == (405, "POST")


async def test_another_method_without_a_key_is_401_since_a_stranger_learns_nothing() -> None:
    gateway = await a_gateway()
    client = FakeClient([b"{}"], method="GET")

    await turned_away(gateway, client)

    assert client.status == 401


async def test_a_gateway_that_stops_takes_no_new_request() -> None:
    gateway = await a_gateway()
    gateway.live.drain()
    client = FakeClient([b"{}"], headers=[GOOD])

    await turned_away(gateway, client)

    assert (client.status, client.error["code"]) == (503, "shutting_down")
    assert client.headers["retry-after"] == "2"


async def test_a_gateway_that_answers_as_many_as_it_may_takes_no_more() -> None:
    gateway = await a_gateway(Says([wire.whole()]))
    gateway.edges = msgspec.structs.replace(gateway.edges, max_streams=1)
    other = gateway.live.add(asyncio.ensure_future(asyncio.sleep(0)))
    client = FakeClient([b"{}"], headers=[GOOD])

    await gateway.serve(client)
    gateway.live.remove(other)

    assert (client.status, client.error["code"]) == (429, "queue_full")
    assert client.headers["x-should-retry"] == "true"
    assert gateway.ledger.rows == []
    assert (await gateway.serve(gateway.client())).status == 200


async def test_whose_request_a_task_serves_is_told_once_it_is_known() -> None:
    gateway = await a_gateway(Says([wire.whole()]))
    told: list[tuple[str, str]] = []
    gateway.edges = msgspec.structs.replace(gateway.edges, on_caller=lambda request, key: told.append((request, key)))

    await gateway.serve(FakeClient([b"{}"]))
    client = await gateway.serve(gateway.client())

    assert told == [(client.headers["x-request-id"], a_key().id)]


async def test_a_ledger_that_cannot_be_written_refuses_new_work() -> None:
    gateway = await a_gateway()
    gateway.ledger.well = False
    client = FakeClient([b"{}"], headers=[GOOD])

    await turned_away(gateway, client)

    assert (client.status, client.error["code"]) == (503, "store_unavailable")
    assert client.headers["x-should-retry"] == "true"


async def test_a_key_of_the_pepper_before_is_let_in_and_named_for_hashing_anew() -> None:
    gateway = await a_gateway(Says([wire.whole()]), key=a_key(pepper_version=0))

    client = await gateway.serve(gateway.client())

    assert client.status == 200
    assert gateway.old_peppers == [(a_key().id, token())]


async def test_a_key_of_the_newest_pepper_is_left_as_it_is() -> None:
    gateway = await a_gateway(Says([wire.whole()]))

    await gateway.serve(gateway.client())

    assert gateway.old_peppers == []


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"model": "payroll"}, "model_not_allowed"),
        ({"priority": -5}, "field_not_allowed"),
        ({"api_base": "http://gpu.lab"}, "field_not_allowed"),
    ],
)
async def test_what_a_key_may_not_do_is_a_row_and_a_security_event(asked: dict[str, Any], code: str) -> None:
    gateway = await a_gateway(key=a_key(models=("llama",)))

    client = await gateway.serve(gateway.client(**asked))

    assert (client.status, client.error["code"]) == (403, code)
    assert (gateway.ledger.row.status, gateway.ledger.row.error) == (Status.REFUSED, code)
    assert [peer for _, peer in gateway.refusals] == [a_key().id]
    assert gateway.upstream.calls == []


async def test_a_request_id_is_ours_whatever_a_client_sends() -> None:
    gateway = await a_gateway(Says([wire.whole()]))
    client = gateway.client()
    client._headers.append((b"x-request-id", b"mine"))

    await gateway.serve(client)

    assert client.headers["x-request-id"] == gateway.ledger.row.request_id
    assert client.headers["x-request-id"] != "mine"


async def test_a_body_that_is_too_large_is_413_and_a_row() -> None:
    gateway = await a_gateway()
    client = gateway.client()
    client._headers.append((b"content-length", b"99999999999"))

    await gateway.serve(client)

    assert (client.status, client.error["code"]) == (413, "body_too_large")
    assert gateway.ledger.row.status is Status.REFUSED


@pytest.mark.parametrize("kind", Kind)
async def test_every_route_serves_its_own_kind(kind: Kind) -> None:
    gateway = await a_gateway(Says([b'{"object":"x","choices":[],"data":[],"usage":{"prompt_tokens":3}}']))
    body = {"model": "llama", "messages": [{"role": "user", "content": "x"}], "prompt": "x", "input": "x"}

    client = await gateway.serve(gateway.client(body), kind)

    assert client.status == 200
    assert gateway.ledger.row.kind == kind.value
    assert gateway.upstream.calls[0][1].path == f"/v1/{kind.value}"


async def test_the_tenants_salt_goes_with_the_call_and_never_to_the_client() -> None:
    gateway = await a_gateway(Says([wire.whole()]))
    salts: list[str] = []
    prepare = gateway.provider.prepare

    def listening(call: Call, to: Deployment) -> tuple[Part, ...]:
        salts.append(call.salt)
        return prepare(call, to)

    gateway.provider.prepare = listening  # type: ignore[method-assign]  # listens in

    client = await gateway.serve(gateway.client())

    assert len(salts[0]) == 32
    assert salts[0].encode() not in client.body
    assert salts[0] not in repr(client.headers)


async def test_a_model_no_deployment_serves_is_refused_with_a_row() -> None:
    gateway = await a_gateway(model=a_model(a_deployment(enabled=False)))

    client = await gateway.serve(gateway.client())

    assert (client.status, client.error["code"]) == (503, "no_deployment")
    assert (gateway.ledger.row.status, gateway.ledger.row.attempts) == (Status.REFUSED, 0)


async def test_a_model_without_a_price_is_refused_and_never_silently_free() -> None:
    gateway = await a_gateway(model=a_model(a_deployment(price=None)))

    client = await gateway.serve(gateway.client())

    assert (client.status, client.error["code"]) == (503, "price_missing")
    assert client.headers["x-should-retry"] == "false"
    assert gateway.ledger.row.status is Status.REFUSED
