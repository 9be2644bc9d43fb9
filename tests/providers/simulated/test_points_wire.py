"""The common part of the fidelity checklist, points 31 to 35, and the two smaller dialects."""

import asyncio

from providers.simulated import (
    Fault,
    LlamaCppSettings,
    Settings,
    VllmSettings,
    llama_cpp,
    ollama,
    tgi,
    transformers,
    vllm,
)
from tests.providers.simulated.wire import HELLO, TIMEOUT_S, TOOL, Talk, ask, chat, get, stream


async def test_point_31_events_may_have_many_lines_crlf_and_a_byte_order_mark() -> None:
    async with vllm() as server:
        for fault in (Fault.MULTI_LINE_DATA, Fault.CRLF, Fault.BOM):
            server.faults.set(fault)
        heard = await stream(server)

    assert heard.body.startswith(b"\xef\xbb\xbfdata: {\r\ndata: ")
    assert heard.body.endswith(b"data: [DONE]\r\n\r\n")


async def test_point_32_a_stream_can_break_inside_a_chunk_or_end_cleanly_without_finish() -> None:
    endings = {}
    for fault in (Fault.RESET_MID_STREAM, Fault.CLOSE_MID_CHUNK, Fault.SILENT_END):
        for make in (vllm, tgi, ollama):
            async with make() as server:
                server.faults.set(fault)
                endings[fault, make.__name__] = (await stream(server)).ending

    assert {name for (fault, _), name in endings.items() if fault is Fault.RESET_MID_STREAM} == {"reset"}
    assert {name for (fault, _), name in endings.items() if fault is Fault.CLOSE_MID_CHUNK} == {"closed"}
    assert {name for (fault, _), name in endings.items() if fault is Fault.SILENT_END} == {"complete"}


async def test_point_33_slow_headers_slow_first_token_and_a_stall_are_three_things() -> None:
    seen: dict[Fault, tuple[int, int]] = {}
    for fault in (Fault.STALL_BEFORE_HEADERS, Fault.STALL_BEFORE_FIRST_TOKEN, Fault.STALL_MID_STREAM):
        async with vllm(VllmSettings(empty_chunks=0)) as server, Talk(server) as talk:
            server.faults.set(fault)
            talk.say("/v1/chat/completions", {"messages": HELLO, "stream": True})
            await server.until(lambda stats: stats.live == 1)
            status = 0 if fault is Fault.STALL_BEFORE_HEADERS else (await talk.head()).status
            read = await talk.until(b"\n\n\r\n", times=3) if fault is Fault.STALL_MID_STREAM else b""
            seen[fault] = (status, read.count(b"data: "))
            assert await talk.silent(0.05)

    assert list(seen.values()) == [(0, 0), (200, 0), (200, 3)]


async def test_point_34_nothing_is_compressed_whatever_a_client_accepts() -> None:
    accepts = {"accept-encoding": "gzip, deflate, br, zstd"}
    for make in (vllm, tgi, ollama, llama_cpp, transformers):
        async with make() as server:
            for streamed in (False, True):
                body = {"model": "sim-model", "messages": HELLO, "stream": streamed}
                heard = await ask(server, "/v1/chat/completions", body, accepts)
                assert "content-encoding" not in heard.headers


async def test_point_35_an_idle_connection_closes_by_itself_after_five_seconds_by_default() -> None:
    assert VllmSettings().keep_alive_s == 5.0
    async with vllm(VllmSettings(keep_alive_s=0.01)) as server, Talk(server) as talk:
        talk.say("/v1/chat/completions", {"messages": HELLO})
        first = await talk.hear()
        after = await asyncio.wait_for(talk.reader.read(), TIMEOUT_S)

    assert (first.status, after) == (200, b"")


# --- llama-cpp-python


async def test_llama_cpp_writes_spaces_no_content_with_the_role_and_never_usage_in_a_stream() -> None:
    async with llama_cpp() as server:
        heard = await stream(server, stream_options={"include_usage": True}, unknown_field=1)
        named = await chat(server, model="anything")

    assert heard.data[0].startswith('{"id": "chatcmpl-')
    assert heard.events[0]["choices"][0]["delta"] == {"role": "assistant"}
    assert not any("usage" in event for event in heard.events)
    assert heard.data[-1] == "[DONE]"
    assert named.json()["model"] == "anything"
    assert "x-request-id" in named.headers


async def test_llama_cpp_names_an_overflow_as_openai_does() -> None:
    async with llama_cpp(Settings(context_length=64)) as server:
        heard = await chat(server, messages=[{"role": "user", "content": "x" * 999}])

    assert heard.status == 400
    assert heard.json()["error"]["code"] == "context_length_exceeded"
    assert heard.json()["error"]["message"].startswith("This model's maximum context length is 64 tokens. However, ")


# --- transformers serve


async def test_transformers_is_strict_pinned_and_puts_usage_on_the_finish_chunk() -> None:
    async with transformers(Settings(models=("tiny",))) as server:
        unknown = await chat(server, foo=1)
        other = await chat(server, model="other")
        heard = await stream(server)
        health = await get(server, "/health")

    assert (unknown.status, unknown.json()) == (422, {"detail": "Unexpected fields in the request: {'foo'}"})
    assert (other.status, other.json()) == (400, {"detail": "Server is pinned to 'tiny'; requested 'other'."})
    assert "[DONE]" not in heard.data
    assert heard.events[-1]["choices"][0]["finish_reason"] == "stop"
    assert heard.events[-1]["usage"]["total_tokens"] > 0
    assert heard.events[0]["model"] == "tiny@main"
    assert health.json() == {"status": "ok"}


async def test_both_dialects_call_a_named_tool() -> None:
    named = {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "get_weather"}}}
    for make in (llama_cpp, transformers):
        async with make() as server:
            whole = (await chat(server, **named)).json()["choices"][0]
            streamed = await stream(server, **named)

        assert whole["finish_reason"] == "tool_calls"
        assert whole["message"]["tool_calls"][0]["function"]["name"] == "get_weather"
        assert any("tool_calls" in event["choices"][0]["delta"] for event in streamed.events)


async def test_llama_cpp_answers_with_text_where_no_tool_is_named() -> None:
    async with llama_cpp() as server:
        whole = (await chat(server, tools=[TOOL], tool_choice="required")).json()["choices"][0]

    assert whole["finish_reason"] == "stop"
    assert "tool_calls" not in whole["message"]


async def test_llama_cpp_ends_the_stream_of_a_prompt_too_long_without_an_event() -> None:
    async with llama_cpp(Settings(context_length=64)) as server:
        heard = await stream(server, messages=[{"role": "user", "content": "x" * 999}])

    assert (heard.status, heard.body, heard.ending) == (200, b"", "complete")


async def test_llama_cpp_breaks_a_stream_off_when_another_request_comes() -> None:
    async with llama_cpp(LlamaCppSettings(interval_s=0.01, tokens=4000)) as server, Talk(server) as talk:
        talk.say("/v1/chat/completions", {"messages": HELLO, "stream": True})
        await talk.until(b"data: ")
        other = await chat(server, max_tokens=1)
        rest = await asyncio.wait_for(talk.reader.read(), TIMEOUT_S)

    assert other.status == 200
    assert b'"finish_reason": "' not in rest
    assert rest.endswith(b"data: [DONE]\n\n\r\n")  # and no chunk of length 0 behind it
