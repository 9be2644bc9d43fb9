"""A whole answer: the server's own, with our id and name in it, and usage that is never missing."""

import json

import pytest

from appliance.domain.upstream import Kind
from appliance.domain.usage import Usage
from tests.fakes import wire
from tests.fakes.gateway import a_gateway
from tests.fakes.site import MODEL
from tests.fakes.upstream import Says

USAGE = {"prompt_tokens": 7, "completion_tokens": 5}


async def test_unknown_fields_of_a_request_reach_the_server() -> None:
    gateway = await a_gateway(Says([wire.whole()]))

    await gateway.serve(gateway.client(temperature=0.5, future_field={"deep": [1, None, "x"]}))

    sent = json.loads(gateway.upstream.calls[0][1].body)
    assert (sent["temperature"], sent["future_field"]) == (0.5, {"deep": [1, None, "x"]})


async def test_unknown_fields_of_an_answer_reach_the_client() -> None:
    told = {**json.loads(wire.whole(usage=USAGE)), "future_field": {"deep": [1]}}
    gateway = await a_gateway(Says([json.dumps(told).encode()]))

    client = await gateway.serve(gateway.client())

    assert client.json["future_field"] == {"deep": [1]}


async def test_a_client_sees_our_id_and_the_public_model_and_nothing_of_the_server() -> None:
    gateway = await a_gateway(Says([wire.whole()]))

    client = await gateway.serve(gateway.client())

    assert client.json["id"] == "chatcmpl-" + client.headers["x-request-id"].removeprefix("req_")
    assert client.json["model"] == MODEL
    assert b"secret-name" not in client.body
    assert client.headers["content-type"] == "application/json"


async def test_the_build_of_the_server_is_not_told() -> None:
    told = {**json.loads(wire.whole(usage=USAGE)), "system_fingerprint": "vllm-0.32.0-deadbeef"}
    gateway = await a_gateway(Says([json.dumps(told).encode()]))

    client = await gateway.serve(gateway.client())

    assert b"deadbeef" not in client.body


async def test_usage_that_did_not_come_is_estimated_marked_and_told() -> None:
    gateway = await a_gateway(Says([wire.whole("123456789")]))

    client = await gateway.serve(gateway.client())

    usage = gateway.ledger.row.usage
    assert usage.estimated
    assert (usage.completion, client.json["usage"]["completion_tokens"]) == (3, 3)
    assert client.json["usage"]["total_tokens"] == usage.total


async def test_tool_calls_are_estimated_too() -> None:
    told = json.loads(wire.whole())
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "a" * 40}}
    told["choices"][0]["message"] = {"role": "assistant", "content": None, "reasoning": "b" * 8, "tool_calls": [call]}
    gateway = await a_gateway(Says([json.dumps(told).encode()]))

    await gateway.serve(gateway.client())

    assert gateway.ledger.row.usage.completion == 12


@pytest.mark.parametrize("usage", [{"prompt_tokens": 4}, None])
async def test_embeddings_are_answered_without_an_id(usage: dict[str, int] | None) -> None:
    told = {"object": "list", "model": "upstream/secret-name", "data": [{"index": 0, "embedding": [0.5]}]}
    gateway = await a_gateway(Says([json.dumps({**told, **({"usage": usage} if usage else {})}).encode()]))

    client = await gateway.serve(gateway.client({"model": MODEL, "input": "hello"}), Kind.EMBEDDINGS)

    assert set(client.json) == {"object", "model", "data", "usage"}
    assert client.json["model"] == MODEL
    row = gateway.ledger.row
    assert (row.kind, row.usage.estimated) == ("embeddings", usage is None)
    assert row.usage == (Usage(prompt=4) if usage else Usage(prompt=2, estimated=True))
