"""Faults of streams: how they end, what usage they tell, how they are written and how they are cut."""

import json

import pytest

from providers.simulated import Fault, llama_cpp, ollama, tgi, vllm
from tests.providers.simulated.wire import HELLO, Heard, ask, chat, stream

USAGE = {"include_usage": True}


async def _spoilt(fault: Fault, **fields: object) -> Heard:
    async with vllm() as server:
        server.faults.set(fault)
        return await stream(server, **fields)


async def _good(**fields: object) -> Heard:
    async with vllm() as server:
        return await stream(server, **fields)


def _finished(heard: Heard) -> bool:
    return any(choice["finish_reason"] for event in heard.events for choice in event.get("choices", []))


# --- how it ends


async def test_fault_silent_end() -> None:
    heard = await _spoilt(Fault.SILENT_END)

    assert heard.ending == "complete"  # HTTP has nothing to complain about
    assert heard.content
    assert not _finished(heard)
    assert "[DONE]" not in heard.data


async def test_fault_error_mid_stream() -> None:
    async with vllm() as v, ollama() as o, tgi() as t:
        for server in (v, o, t):
            server.faults.set(Fault.ERROR_MID_STREAM)
        of_vllm, of_tgi = await stream(v), await stream(t)
        of_ollama = await ask(o, "/api/chat", {"model": "sim-model", "messages": HELLO})

    assert of_vllm.content
    assert (of_vllm.events[-1]["error"]["code"], of_vllm.data[-1]) == (500, "[DONE]")
    assert of_tgi.events[-1]["error"]["http_status_code"] == 422
    assert of_ollama.lines[0]["message"]["content"]
    assert list(of_ollama.lines[-1]) == ["error"]


async def test_fault_silent_stop() -> None:
    async with ollama() as server:
        server.faults.set(Fault.SILENT_STOP)
        heard = await stream(server)

    assert heard.content
    assert heard.events[-1]["choices"] == [{"index": 0, "delta": {}, "finish_reason": None}]
    assert heard.data[-1] != "[DONE]"
    assert heard.ending == "complete"


async def test_fault_no_done() -> None:
    heard = await _spoilt(Fault.NO_DONE)

    assert _finished(heard)
    assert "[DONE]" not in heard.data


async def test_fault_done_without_finish() -> None:
    heard = await _spoilt(Fault.DONE_WITHOUT_FINISH)

    assert not _finished(heard)
    assert heard.data[-1] == "[DONE]"


async def test_fault_error_after_done() -> None:
    heard = await _spoilt(Fault.ERROR_AFTER_DONE)

    assert heard.data[-2] == "[DONE]"
    assert "error" in json.loads(heard.data[-1])


async def test_fault_bytes_after_done() -> None:
    heard = await _spoilt(Fault.BYTES_AFTER_DONE)

    after = heard.body.partition(b"data: [DONE]\n\n")[2]
    assert after == b': trailing\n\ndata: {"id":"torn'


async def test_fault_empty_answer() -> None:
    heard = await _spoilt(Fault.EMPTY_ANSWER)

    assert heard.content == ""
    assert _finished(heard)


# --- usage


async def test_fault_missing_usage() -> None:
    heard = await _spoilt(Fault.MISSING_USAGE, stream_options=USAGE)
    async with ollama() as server:
        server.faults.set(Fault.MISSING_USAGE)
        native = await ask(server, "/api/chat", {"model": "sim-model", "messages": HELLO})
        whole = await chat(server)

    assert _finished(heard)
    assert not any("usage" in event for event in heard.events)
    assert native.lines[-1]["done"] is True
    assert "eval_count" not in native.lines[-1]
    assert "usage" not in whole.json()


async def test_fault_usage_on_finish() -> None:
    heard = await _spoilt(Fault.USAGE_ON_FINISH, stream_options=USAGE)

    last = heard.events[-1]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["usage"]["completion_tokens"] > 0
    assert all(event["choices"] for event in heard.events)


# --- how it is written


async def test_fault_keep_alive_comments() -> None:
    async with vllm() as server:
        server.faults.set(Fault.KEEP_ALIVE_COMMENTS, seconds=0.0)
        heard = await stream(server)

    assert heard.text.startswith(": keep-alive\n\n: keep-alive\n\n: keep-alive\n\ndata: ")


async def test_fault_crlf() -> None:
    heard = await _spoilt(Fault.CRLF)
    good = await _good()

    assert heard.text.count("\r\n\r\n") == good.text.count("\n\n")
    assert "\n\n" not in heard.text


async def test_fault_bare_cr() -> None:
    heard = await _spoilt(Fault.BARE_CR)

    assert "\n" not in heard.text
    assert heard.text.endswith("data: [DONE]\r\r")


async def test_fault_bom() -> None:
    heard = await _spoilt(Fault.BOM)

    assert heard.body.startswith(b"\xef\xbb\xbfdata: ")
    assert heard.body.count(b"\xef\xbb\xbf") == 1


async def test_fault_multi_line_data() -> None:
    heard = await _spoilt(Fault.MULTI_LINE_DATA)
    good = await _good()

    events = [event.split("\n") for event in heard.text.split("\n\n") if event]
    assert all(line.startswith("data: ") for event in events for line in event)
    assert len(events[0]) > 2
    decoded = [json.loads("\n".join(line[6:] for line in event)) for event in events[:-1]]
    assert [event["choices"] for event in decoded] == [event["choices"] for event in good.events]


async def test_fault_no_space() -> None:
    heard = await _spoilt(Fault.NO_SPACE)

    assert heard.text.startswith("data:{")
    assert heard.text.endswith("data:[DONE]\n\n")


async def test_fault_event_fields() -> None:
    heard = await _spoilt(Fault.EVENT_FIELDS)

    assert heard.text.startswith("event: message\nid: 1\nretry: 1000\nunknown: field\ndata: {")


async def test_fault_huge_line() -> None:
    heard = await _spoilt(Fault.HUGE_LINE)
    good = await _good()

    assert max(len(line) for line in heard.data) > 1024 * 1024
    assert heard.content == good.content  # the event is good, only long


async def test_fault_invalid_json() -> None:
    heard = await _spoilt(Fault.INVALID_JSON)

    broken = [data for data in heard.data if data != "[DONE]" and not data.endswith("}")]
    assert broken == ['{"id":"chatcmpl-torn","object":']
    assert heard.data[-1] == "[DONE]"


async def test_fault_invalid_utf8() -> None:
    heard = await _spoilt(Fault.INVALID_UTF8)

    with pytest.raises(UnicodeDecodeError):
        heard.body.decode()
    assert heard.body.endswith(b"data: [DONE]\n\n")


# --- how it is cut


async def test_fault_split_character() -> None:
    async with vllm() as v, ollama() as o:
        v.faults.set(Fault.SPLIT_CHARACTER)
        o.faults.set(Fault.SPLIT_CHARACTER)
        sse = await stream(v)
        lines = await ask(o, "/api/chat", {"model": "sim-model", "messages": HELLO})

    for heard in (sse, lines):
        assert any(chunk[-1] >= 0xC0 for chunk in heard.chunks)  # a first byte without its followers
        assert "Grü" in heard.text
    assert "漢字" in sse.content


async def test_fault_split_line() -> None:
    heard = await _spoilt(Fault.SPLIT_LINE)
    good = await _good()

    assert len(heard.chunks) == 3 * len(good.chunks)
    assert heard.content == good.content


async def test_fault_joined_events() -> None:
    heard = await _spoilt(Fault.JOINED_EVENTS)

    assert len(heard.chunks) == 1
    assert heard.data[-1] == "[DONE]"


async def test_lines_of_ndjson_can_be_split_joined_and_ended_by_crlf() -> None:
    body = {"model": "sim-model", "messages": HELLO}
    async with ollama() as server:
        heard: dict[Fault, Heard] = {}
        for fault in (Fault.SPLIT_LINE, Fault.JOINED_EVENTS, Fault.CRLF):
            server.faults.set(fault, times=1)
            heard[fault] = await ask(server, "/api/chat", body)

    assert any(not chunk.endswith(b"\n") for chunk in heard[Fault.SPLIT_LINE].chunks)
    assert len(heard[Fault.JOINED_EVENTS].chunks) == 1
    assert all(line.endswith(b"\r") for line in heard[Fault.CRLF].body.split(b"\n")[:-1])
    assert len({h.lines[0]["message"]["content"] for h in heard.values()}) == 1


async def test_faults_can_be_on_together() -> None:
    async with vllm() as server:
        for fault in (Fault.CRLF, Fault.BOM, Fault.NO_DONE, Fault.SPLIT_LINE):
            server.faults.set(fault)
        heard = await stream(server)

    assert heard.body.startswith(b"\xef\xbb\xbfdata: ")
    assert b"[DONE]" not in heard.body
    assert heard.text.endswith("\r\n\r\n")


async def test_llama_cpp_answers_faults_in_its_own_words() -> None:
    async with llama_cpp() as server:
        server.faults.set(Fault.ERROR_MID_STREAM)
        heard = await stream(server)

    assert heard.events[-1]["error"]["message"] == "llama_decode returned -1"
