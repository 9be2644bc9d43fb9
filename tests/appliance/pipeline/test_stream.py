"""One stream engine: nothing is promised before the first good event, and every end is said."""

import asyncio
from typing import Any

import pytest

from appliance.domain.ledger import Status
from appliance.domain.upstream import FailureKind, Kind
from appliance.domain.usage import Usage
from appliance.pipeline import stream as engine
from tests.fakes import wire
from tests.fakes.gate import PATIENCE, Gate
from tests.fakes.gateway import Gateway, a_gateway
from tests.fakes.site import MODEL
from tests.fakes.upstream import Piece, Says, broken

HELLO = (wire.delta("hel"), wire.delta("lo"), wire.finish())


async def streamed(*pieces: Piece, **asked: Any) -> tuple[Gateway, Any]:
    gateway = await a_gateway(Says(pieces))
    return gateway, await gateway.serve(gateway.client(stream=True, **asked))


async def test_the_200_is_withheld_until_the_first_good_event() -> None:
    queued, talking = Gate(), Gate()
    gateway = await a_gateway(Says([wire.KEEP_ALIVE, queued, wire.delta("hi"), talking, wire.DONE]))
    client = gateway.client(stream=True)
    task = gateway.start(client)

    await queued.reached()
    assert not client.started
    queued.open()
    await talking.reached()
    await client.said(b"hi")
    assert client.status == 200
    talking.open()
    async with asyncio.timeout(PATIENCE):
        await task

    assert client.complete


async def test_a_stream_is_an_event_stream_nobody_may_buffer() -> None:
    _, client = await streamed(*HELLO, wire.DONE)

    assert client.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert client.headers["cache-control"] == "no-cache"
    assert client.headers["x-accel-buffering"] == "no"


async def test_a_client_sees_our_id_and_the_public_model_and_nothing_of_the_server() -> None:
    gateway, client = await streamed(*HELLO, wire.usage(), wire.DONE)

    ours = "chatcmpl-" + gateway.ledger.row.request_id.removeprefix("req_")
    chunks = client.events[:-1]
    assert {(chunk["id"], chunk["model"], chunk["object"]) for chunk in chunks} == {
        (ours, MODEL, "chat.completion.chunk")
    }
    assert {chunk["created"] for chunk in chunks} == {int(gateway.clock.now().timestamp())}
    assert b"secret-name" not in client.body
    assert wire.UPSTREAM_ID.encode() not in client.body
    assert client.headers["x-redoubt-model"] == MODEL
    assert "secret" not in repr(client.headers)


async def test_the_build_of_the_server_is_not_told() -> None:
    _, client = await streamed(wire.delta("hi", system_fingerprint="vllm-0.32.0-deadbeef"), wire.finish(), wire.DONE)

    assert client.text == "hi"
    assert b"deadbeef" not in client.body


async def test_keep_alives_pass_once_the_stream_has_begun() -> None:
    _, client = await streamed(wire.KEEP_ALIVE, wire.delta("hi"), wire.KEEP_ALIVE, wire.finish(), wire.DONE)

    assert client.body.count(b": keep-alive\n\n") == 1
    assert client.text == "hi"


@pytest.mark.parametrize("asked", [{}, {"stream_options": None}, {"stream_options": {"include_usage": False}}])
async def test_usage_is_stripped_when_the_client_did_not_ask(asked: dict[str, Any]) -> None:
    gateway, client = await streamed(*HELLO, wire.usage(7, 5), wire.DONE, **asked)

    assert all(chunk["choices"] for chunk in client.events[:-1])
    assert b"usage" not in client.body
    assert gateway.ledger.row.usage == Usage(prompt=7, completion=5)


async def test_usage_is_passed_on_when_the_client_asked() -> None:
    _, client = await streamed(*HELLO, wire.usage(7, 5), wire.DONE, stream_options={"include_usage": True})

    last = client.events[-2]
    assert last["choices"] == []
    assert (last["usage"]["prompt_tokens"], last["usage"]["completion_tokens"]) == (7, 5)


async def test_usage_that_rides_on_every_chunk_is_stripped_from_each() -> None:
    chunks = [wire.delta("hi", usage={"prompt_tokens": 7, "completion_tokens": count}) for count in (1, 2)]

    gateway, client = await streamed(*chunks, wire.finish(), wire.DONE)

    assert client.text == "hihi"
    assert b"usage" not in client.body
    assert gateway.ledger.row.usage == Usage(prompt=7, completion=2)


async def test_the_latest_usage_counts_when_a_stream_breaks_after_it() -> None:
    chunk = wire.delta("hi", usage={"prompt_tokens": 7, "completion_tokens": 1})

    gateway, _ = await streamed(chunk, broken(FailureKind.DEAD))

    assert gateway.ledger.row.usage == Usage(prompt=7, completion=1)
    assert gateway.ledger.row.status is Status.FAILED


async def test_when_no_usage_comes_it_is_estimated_and_marked() -> None:
    gateway, client = await streamed(wire.delta("12345678"), wire.delta("9"), wire.finish(), wire.DONE)

    usage = gateway.ledger.row.usage
    assert usage.estimated
    assert usage.completion == 3  # nine characters, four to a token
    assert usage.prompt > 0
    assert b"usage" not in client.body


async def test_an_estimate_is_given_to_a_client_that_asked_for_usage() -> None:
    gateway, client = await streamed(*HELLO, wire.DONE, stream_options={"include_usage": True})

    last = client.events[-2]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == gateway.ledger.row.usage.completion
    assert last["id"] == client.events[0]["id"]


async def test_one_token_an_event_is_the_least_an_estimate_says() -> None:
    gateway, _ = await streamed(*[wire.delta("a")] * 10, wire.finish(), wire.DONE)

    assert gateway.ledger.row.usage.completion == 10


async def test_reasoning_and_tool_arguments_are_estimated_too() -> None:
    def speaks(delta: dict[str, Any]) -> bytes:
        return wire.event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})

    gateway, _ = await streamed(
        speaks({"reasoning": "a" * 40, "reasoning_content": "a" * 40}),
        speaks({"tool_calls": [{"index": 0, "function": {"arguments": "b" * 40}}]}),
        speaks({"tool_calls": [{"index": 0, "function": None}]}),
        wire.finish(),
        wire.DONE,
    )

    assert gateway.ledger.row.usage.completion == 20


async def test_the_first_token_is_the_first_word_and_not_the_first_chunk() -> None:
    waiting = Gate()
    gateway = await a_gateway(Says([wire.delta(""), waiting, wire.delta("hi"), wire.finish(), wire.DONE]))
    task = gateway.start(gateway.client(stream=True))

    await waiting.reached()
    gateway.clock.advance(1.25)
    waiting.open()
    async with asyncio.timeout(PATIENCE):
        await task

    assert gateway.ledger.row.first_token_ms == 1250


ENDS: dict[str, Piece] = {
    "a reset": broken(FailureKind.DEAD, "reset by http://gpu-one.lab:8000"),
    "a stall": broken(FailureKind.TIMEOUT, "gpu-one.lab said nothing"),
    "garbage": broken(FailureKind.PROTOCOL, "bad chunk"),
    "an error event": wire.error("overload", "CUDA error at /opt/vllm/engine.py"),
    "a silent end": b"",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
async def test_after_the_first_byte_every_failure_is_one_error_event_and_no_done(end: Piece) -> None:
    gateway, client = await streamed(wire.delta("hel"), wire.delta("lo"), *([end] if end else []))

    assert client.complete
    assert client.status == 200
    assert client.text == "hello"
    assert "[DONE]" not in client.events
    assert [("error" in event) for event in client.events] == [False, False, True]
    assert client.events[-1]["error"]["code"] == "upstream_failed"
    assert client.events[-1]["error"]["type"] == "server_error"
    assert b"gpu-one" not in client.body
    assert b"/opt" not in client.body
    assert (gateway.ledger.row.status, gateway.ledger.row.http_status) == (Status.FAILED, 200)
    assert gateway.upstream.asked == ["one"]  # what was said cannot be taken back: no second attempt
    assert gateway.at_rest()


async def test_an_end_without_a_finish_is_a_failure_though_the_socket_closed_cleanly() -> None:
    gateway, client = await streamed(wire.delta("hello"))

    assert "error" in client.events[-1]
    assert gateway.ledger.row.status is Status.FAILED


async def test_bytes_after_the_end_are_dropped() -> None:
    gateway, client = await streamed(*HELLO, wire.DONE + wire.delta("more"), wire.delta("and more"))

    assert client.text == "hello"
    assert client.events[-1] == "[DONE]"
    assert gateway.ledger.row.status is Status.OK


async def test_a_finished_stream_is_drained_and_its_connection_given_back() -> None:
    gateway, _ = await streamed(*HELLO, wire.DONE, b"\n", b"\n")

    assert gateway.upstream.exchanges[0].returned
    assert gateway.at_rest()


async def test_a_server_that_goes_on_after_the_end_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "DRAIN_SECONDS", 0.01)

    gateway, client = await streamed(*HELLO, wire.DONE, Gate())

    assert client.events[-1] == "[DONE]"
    assert gateway.ledger.row.status is Status.OK
    assert gateway.upstream.exchanges[0].aborted
    assert gateway.at_rest()


async def test_a_reset_after_the_end_is_nobodys_business() -> None:
    gateway, client = await streamed(*HELLO, wire.DONE, broken(FailureKind.DEAD))

    assert client.events[-1] == "[DONE]"
    assert gateway.ledger.row.status is Status.OK
    assert gateway.at_rest()


async def test_a_broken_stream_is_not_drained() -> None:
    gateway, _ = await streamed(wire.delta("hi"), wire.error(), Gate())

    assert gateway.upstream.exchanges[0].aborted


async def test_an_answer_to_a_completion_is_a_text_completion() -> None:
    chunk = wire.event({"object": "x", "choices": [{"index": 0, "text": "hello", "finish_reason": "stop"}]})
    gateway = await a_gateway(Says([chunk, wire.DONE]))
    body = {"model": MODEL, "prompt": "hi", "stream": True}

    client = await gateway.serve(gateway.client(body), Kind.COMPLETION)

    assert client.events[0]["object"] == "text_completion"
    assert client.events[0]["id"].startswith("cmpl-")
    assert gateway.ledger.row.usage.completion == 2
    assert gateway.ledger.row.kind == "completions"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
async def test_what_a_client_sees_does_not_depend_on_how_the_bytes_arrive(size: int) -> None:
    said = b"".join(
        [wire.delta("żółw "), wire.KEEP_ALIVE, wire.delta("🐢"), wire.finish(), wire.usage(7, 5), wire.DONE]
    )

    gateway, client = await streamed(*(said[at : at + size] for at in range(0, len(said), size)))

    assert client.text == "żółw 🐢"
    assert client.events[-1] == "[DONE]"
    assert gateway.ledger.row.usage == Usage(prompt=7, completion=5)
