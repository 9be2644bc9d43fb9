"""Faults of the connection and of time."""

import asyncio

import pytest

from providers.simulated import Fault, OllamaSettings, VllmSettings, ollama, vllm
from tests.providers.simulated.wire import HELLO, TIMEOUT_S, Talk, ask, chat, stream

PATH = "/v1/chat/completions"
BODY = {"messages": HELLO}
STREAMED = {"messages": HELLO, "stream": True}


async def test_fault_reset_before_headers() -> None:
    async with vllm() as server:
        server.faults.set(Fault.RESET_BEFORE_HEADERS)
        heard = await chat(server)

    assert (heard.ending, heard.status) == ("reset", 0)
    assert server.stats.aborted == 1


async def test_fault_close_before_headers() -> None:
    async with vllm() as server:
        server.faults.set(Fault.CLOSE_BEFORE_HEADERS)
        heard = await chat(server)

    assert (heard.ending, heard.status, heard.body) == ("closed", 0, b"")


async def test_fault_close_idle() -> None:
    async with vllm() as server, Talk(server) as talk:
        server.faults.set(Fault.CLOSE_IDLE, times=1)
        talk.say(PATH, BODY)
        first = await talk.hear()
        talk.say(PATH, BODY)
        second = await talk.hear()
        on_a_new_connection = await chat(server)

    assert (first.status, second.ending, on_a_new_connection.status) == (200, "reset", 200)
    assert server.stats.requests == 2


async def test_an_idle_connection_is_closed_after_its_time() -> None:
    async with vllm(VllmSettings(keep_alive_s=0.01)) as server, Talk(server) as talk:
        talk.say(PATH, BODY)
        await talk.hear()

        assert await asyncio.wait_for(talk.reader.read(), TIMEOUT_S) == b""


async def test_fault_garbage() -> None:
    async with vllm() as server, Talk(server) as talk:
        server.faults.set(Fault.GARBAGE)
        talk.say(PATH, BODY)
        raw = await asyncio.wait_for(talk.reader.read(), TIMEOUT_S)

    assert raw
    assert not raw.startswith(b"HTTP/")


async def test_fault_stall_before_headers() -> None:
    async with vllm() as server, Talk(server) as talk:
        server.faults.set(Fault.STALL_BEFORE_HEADERS)
        talk.say(PATH, STREAMED)
        await server.until(lambda stats: stats.live == 1)

        assert await talk.silent()


async def test_fault_stall_before_first_token() -> None:
    async with vllm() as server, Talk(server) as talk:
        server.faults.set(Fault.STALL_BEFORE_FIRST_TOKEN)
        talk.say(PATH, STREAMED)
        head = await talk.head()

        assert head.status == 200
        assert await talk.silent()


async def test_fault_stall_mid_stream() -> None:
    async with vllm(VllmSettings(empty_chunks=0)) as server, Talk(server) as talk:
        server.faults.set(Fault.STALL_MID_STREAM)
        talk.say(PATH, STREAMED)
        await talk.head()
        events = await talk.until(b"\n\n\r\n", times=3)

        assert events.count(b"data: ") == 3  # the role and two tokens
        assert await talk.silent()


async def test_a_whole_answer_stalls_in_the_middle_of_its_body() -> None:
    async with vllm() as server, Talk(server) as talk:
        server.faults.set(Fault.STALL_MID_STREAM)
        talk.say(PATH, BODY)
        length = int((await talk.head()).headers["content-length"])
        await talk.reader.readexactly(length // 2)

        assert await talk.silent()


@pytest.mark.parametrize("fault", [Fault.STALL_BEFORE_HEADERS, Fault.STALL_BEFORE_FIRST_TOKEN, Fault.STALL_MID_STREAM])
async def test_a_stall_ends_after_the_seconds_it_was_given(fault: Fault) -> None:
    async with vllm() as server:
        server.faults.set(fault, seconds=0.01)
        heard = await stream(server)

    assert heard.data[-1] == "[DONE]"


async def test_fault_slow_drip() -> None:
    async with vllm() as server:
        server.faults.set(Fault.SLOW_DRIP, seconds=0.0)
        heard = await stream(server)
        whole = await chat(server)

    assert max(len(chunk) for chunk in heard.chunks) <= 16
    assert heard.content == whole.json()["choices"][0]["message"]["content"]


async def test_fault_cold_load() -> None:
    async with vllm() as server, Talk(server) as talk:
        server.faults.set(Fault.COLD_LOAD, times=1, seconds=0.2)
        began = asyncio.get_running_loop().time()
        talk.say(PATH, BODY)
        heard = await talk.hear()
        took = asyncio.get_running_loop().time() - began

    assert heard.status == 200
    assert took >= 0.19


async def test_fault_reset_mid_stream() -> None:
    async with vllm() as server:
        server.faults.set(Fault.RESET_MID_STREAM)
        streamed = await stream(server)
        whole = await chat(server)

    assert (streamed.status, streamed.ending) == (200, "reset")
    assert b"[DONE]" not in streamed.body
    assert (whole.status, whole.ending) == (200, "reset")
    assert server.stats.aborted == 2


async def test_fault_close_mid_chunk() -> None:
    async with vllm() as server:
        server.faults.set(Fault.CLOSE_MID_CHUNK)
        heard = await stream(server)

    assert (heard.status, heard.ending) == (200, "closed")
    assert not heard.body.endswith(b"\n\n")


async def test_a_client_that_leaves_frees_its_slot_at_once() -> None:
    settings = OllamaSettings(tokens=10_000, interval_s=0.01)
    async with ollama(settings) as server:
        async with Talk(server) as talk:
            talk.say("/api/chat", {"model": "sim-model", "messages": HELLO})
            await talk.head()
        await asyncio.wait_for(server.until(lambda stats: stats.live == 0), TIMEOUT_S)

        # NUM_PARALLEL is 1: this would wait for the first one's 100 s otherwise.
        second = await ask(
            server,
            "/api/chat",
            {"model": "sim-model", "messages": HELLO, "options": {"num_predict": 1}, "stream": False},
        )

    assert (server.stats.aborted, second.status) == (1, 200)


async def test_a_client_that_leaves_a_stalled_request_is_noticed() -> None:
    async with vllm() as server:
        server.faults.set(Fault.STALL_BEFORE_HEADERS)
        async with Talk(server) as talk:
            talk.say(PATH, BODY)
            await server.until(lambda stats: stats.live == 1)
        await asyncio.wait_for(server.until(lambda stats: stats.aborted == 1), TIMEOUT_S)

    assert server.stats.live == 0


async def test_stopping_ends_what_is_under_way() -> None:
    server = vllm()
    await server.start()
    server.faults.set(Fault.STALL_BEFORE_FIRST_TOKEN)
    async with Talk(server) as talk:
        talk.say(PATH, STREAMED)
        await talk.head()

        await asyncio.wait_for(server.stop(), TIMEOUT_S)

    assert server.stats.live == 0


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with vllm() as server, Talk(server) as talk:
        for number in (1, 2, 3):
            talk.say(PATH, BODY, {"x-request-id": str(number)})
        ids = [(await talk.hear()).json()["id"] for _ in range(3)]

    assert ids == ["chatcmpl-1", "chatcmpl-2", "chatcmpl-3"]


async def test_what_is_not_http_is_refused_and_closed() -> None:
    async with vllm() as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        raw = await asyncio.wait_for(reader.read(), TIMEOUT_S)
        writer.close()

    assert raw.startswith(b"HTTP/1.1 400 ")


async def test_a_client_that_does_not_read_holds_the_stream_and_its_leaving_ends_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = VllmSettings(tokens=60_000, context_length=1_000_000)  # more than the kernel's buffers hold
    async with vllm(settings) as server:
        async with Talk(server) as talk:
            talk.say(PATH, STREAMED)
            await talk.head()
        await asyncio.wait_for(server.until(lambda stats: stats.aborted == 1), TIMEOUT_S)

    assert server.stats.finished == 0
    assert server.crashes == []
    assert caplog.records == []  # asyncio complains of writes to a lost connection
