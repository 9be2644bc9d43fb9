"""Faults of whole bodies, and of what a head says about a body."""

import gzip
import json
import zlib

import pytest

from providers.simulated import Fault, vllm
from tests.providers.simulated.wire import HELLO, Heard, Talk, chat, stream


async def _spoilt(fault: Fault) -> Heard:
    async with vllm() as server:
        server.faults.set(fault)
        return await chat(server)


async def test_fault_wrong_content_type() -> None:
    whole = await _spoilt(Fault.WRONG_CONTENT_TYPE)

    assert whole.headers["content-type"] == "text/html"
    assert whole.json()["choices"]


async def test_fault_empty_body() -> None:
    whole = await _spoilt(Fault.EMPTY_BODY)

    assert (whole.status, whole.body, whole.ending) == (200, b"", "complete")


async def test_fault_not_an_object() -> None:
    whole = await _spoilt(Fault.NOT_AN_OBJECT)
    async with vllm() as server:
        server.faults.set(Fault.NOT_AN_OBJECT)
        streamed = await stream(server)

    assert (whole.status, whole.json()) == (200, [])
    assert "[]" in streamed.data


async def test_fault_truncated_body() -> None:
    whole = await _spoilt(Fault.TRUNCATED_BODY)

    assert whole.ending == "complete"  # its length is as promised
    with pytest.raises(json.JSONDecodeError):
        whole.json()


async def test_fault_short_body() -> None:
    whole = await _spoilt(Fault.SHORT_BODY)

    assert whole.ending == "closed"
    assert json.loads(whole.body)["choices"]  # all of it came, and yet less than promised
    assert int(whole.headers["content-length"]) > len(whole.body)


async def test_fault_long_body() -> None:
    async with vllm() as server, Talk(server) as talk:
        server.faults.set(Fault.LONG_BODY, times=1)
        talk.say("/v1/chat/completions", {"messages": HELLO})
        first = await talk.hear()
        behind = await talk.reader.readexactly(10)

    assert not first.text.endswith("}")
    assert behind.endswith(b"}")  # what a client that reuses the connection finds before the next answer


async def test_fault_gzip() -> None:
    whole = await _spoilt(Fault.GZIP)
    async with vllm() as server:
        server.faults.set(Fault.GZIP)
        streamed = await stream(server)

    assert whole.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(whole.body))["choices"]
    assert streamed.headers["content-encoding"] == "gzip"
    assert zlib.decompress(streamed.body, wbits=31).endswith(b"data: [DONE]\n\n")


async def test_fault_close_delimited() -> None:
    whole = await _spoilt(Fault.CLOSE_DELIMITED)
    async with vllm() as server:
        server.faults.set(Fault.CLOSE_DELIMITED)
        streamed = await stream(server)

    for heard in (whole, streamed):
        assert not {"content-length", "transfer-encoding"} & heard.headers.keys()
        assert heard.ending == "closed"
    assert whole.json()["choices"]
    assert streamed.data[-1] == "[DONE]"


async def test_fault_both_lengths() -> None:
    whole = await _spoilt(Fault.BOTH_LENGTHS)

    assert whole.headers["transfer-encoding"] == "chunked"
    assert whole.headers["content-length"] == "6"


async def test_fault_early_hints() -> None:
    async with vllm() as server, Talk(server) as talk:
        server.faults.set(Fault.EARLY_HINTS)
        talk.say("/v1/chat/completions", {"messages": HELLO})
        first = await talk.head()
        second = await talk.head()

    assert (first.status, second.status) == (103, 200)


async def test_fault_huge_headers() -> None:
    whole = await _spoilt(Fault.HUGE_HEADERS)

    assert len(whole.headers["x-padding"]) == 256 * 1024
    assert whole.json()["choices"]


async def test_errors_are_not_spoilt_further() -> None:
    async with vllm() as server:
        server.faults.set(Fault.TRUNCATED_BODY)
        refused = await chat(server, temperature=-1)

    assert refused.json()["error"]["code"] == 400
