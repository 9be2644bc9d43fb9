"""Faults that are error answers. Every fault has a test that names it: `test_fault_` and the fault's name."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from providers.simulated import Fault, Simulated, Unsupported, VllmSettings, llama_cpp, ollama, tgi, transformers, vllm
from tests.providers.simulated.wire import HELLO, Heard, ask, chat, get, stream

Ask = Callable[[Simulated], Awaitable[Heard]]


async def _ollama_chat(server: Simulated, **fields: object) -> Heard:
    return await ask(server, "/api/chat", {"model": server.settings.models[0], "messages": HELLO, **fields})


def test_every_fault_has_a_test_that_names_it() -> None:
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_faults_*.py"))

    missing = [fault for fault in Fault if f"def test_fault_{fault.name.lower()}" not in sources]

    assert missing == []


def test_a_fault_an_emulator_cannot_show_is_refused_at_the_switch() -> None:
    server = ollama()

    with pytest.raises(Unsupported, match="overload-in-stream"):
        server.faults.set(Fault.OVERLOAD_IN_STREAM)


async def test_fault_overload() -> None:
    async with vllm() as v, ollama() as o, tgi() as t:
        for server in (v, o, t):
            server.faults.set(Fault.OVERLOAD)
        heard = await stream(v), await _ollama_chat(o), await stream(t)

    assert [h.status for h in heard] == [503, 503, 429]
    assert "currently busy" in heard[0].json()["error"]["message"]
    assert heard[1].json() == {"error": "server busy, please try again.  maximum pending requests exceeded"}
    assert heard[2].json() == {"error": "Model is overloaded", "error_type": "overloaded"}
    assert not any("retry-after" in h.headers for h in heard)


async def test_fault_overload_in_stream() -> None:
    async with vllm() as v, tgi() as t:
        v.faults.set(Fault.OVERLOAD_IN_STREAM)
        t.faults.set(Fault.OVERLOAD_IN_STREAM)
        streamed = await stream(v), await stream(t)
        whole = await chat(v), await chat(t)

    assert [h.status for h in streamed] == [200, 200]
    assert streamed[0].data[0].startswith('{"error": {"message": "The engine is currently busy')
    assert streamed[0].events[0]["error"]["code"] == 503
    assert streamed[1].events[0] == {"error": {"message": "Model is overloaded", "http_status_code": 422}}
    assert [h.data[-1] for h in streamed] == ["[DONE]", "[DONE]"]
    assert [h.status for h in whole] == [503, 429]


async def test_fault_grammar_error() -> None:
    async with vllm() as v, tgi() as t, ollama() as o:
        for server in (v, t, o):
            server.faults.set(Fault.GRAMMAR_ERROR)
        streamed = await stream(v), await stream(t)
        whole = await chat(v), await chat(t), await _ollama_chat(o)

    assert [h.status for h in streamed] == [200, 200]
    assert streamed[0].events[0]["error"]["code"] == 400
    assert "grammar is not valid" in streamed[1].events[0]["error"]["message"]
    assert [h.status for h in whole] == [400, 422, 400]


async def test_fault_unauthorized() -> None:
    async with vllm() as v, tgi() as t, llama_cpp() as c:
        for server in (v, t, c):
            server.faults.set(Fault.UNAUTHORIZED)
        heard = await chat(v), await chat(t), await chat(c)

    assert [h.status for h in heard] == [401, 401, 401]
    assert heard[0].json() == {"error": "Unauthorized"}
    assert heard[1].body == b""
    assert heard[2].json() == {"detail": "Invalid API key"}


async def test_fault_empty_unauthorized() -> None:
    async with vllm() as server:
        server.faults.set(Fault.EMPTY_UNAUTHORIZED)
        heard = await chat(server)

    assert (heard.status, heard.body) == (401, b"")


async def test_fault_forbidden() -> None:
    async with ollama() as server:
        server.faults.set(Fault.FORBIDDEN)
        heard = await _ollama_chat(server)

    assert heard.status == 403
    assert "cloud is disabled" in heard.json()["error"]


async def test_fault_model_not_found() -> None:
    async with vllm() as v, ollama() as o, transformers() as t:
        for server in (v, o, t):
            server.faults.set(Fault.MODEL_NOT_FOUND)
        heard = await chat(v), await _ollama_chat(o), await chat(o), await chat(t)

    assert [h.status for h in heard] == [404, 404, 404, 404]
    assert heard[0].json()["error"]["type"] == "NotFoundError"
    assert heard[1].json() == {"error": "model 'sim-model' not found"}
    assert heard[2].json()["error"]["type"] == "not_found_error"


async def test_fault_context_overflow() -> None:
    async with vllm() as v, ollama() as o, tgi() as t, llama_cpp() as c:
        for server in (v, o, t, c):
            server.faults.set(Fault.CONTEXT_OVERFLOW)
        heard = await chat(v), await _ollama_chat(o), await chat(t), await chat(c)

    assert [h.status for h in heard] == [400, 400, 422, 400]
    assert heard[0].json()["error"]["param"] == "input_tokens"
    assert "maximum context length is" in heard[0].json()["error"]["message"]
    assert "the prompt is longer than the context length currently available" in heard[1].json()["error"]
    assert "`inputs` must have less than 8191 tokens. Given: 8192" in heard[2].json()["error"]
    assert heard[3].json()["error"]["code"] == "context_length_exceeded"


async def test_fault_context_overflow_runner() -> None:
    async with ollama() as o, llama_cpp() as c:
        o.faults.set(Fault.CONTEXT_OVERFLOW_RUNNER)
        c.faults.set(Fault.CONTEXT_OVERFLOW_RUNNER)
        heard = await _ollama_chat(o), await chat(c)

    assert [h.status for h in heard] == [400, 400]
    # A JSON text inside a JSON string, as Ollama passes its runner's words on.
    assert '"type":"exceed_context_size_error"' in heard[0].json()["error"]
    assert heard[1].json()["error"]["type"] == "exceed_context_size_error"


async def test_fault_context_overflow_embed() -> None:
    async with ollama() as server:
        server.faults.set(Fault.CONTEXT_OVERFLOW_EMBED)
        heard = await ask(server, "/api/embed", {"model": "sim-model", "input": "x"})

    assert (heard.status, heard.json()) == (400, {"error": "the input length exceeds the context length"})


async def test_fault_rate_limited() -> None:
    async with vllm() as server:
        server.faults.set(Fault.RATE_LIMITED)
        heard = await chat(server)

    assert (heard.status, heard.headers["retry-after"]) == (429, "7")


async def test_fault_bad_request() -> None:
    async with vllm() as v, tgi() as t:
        v.faults.set(Fault.BAD_REQUEST)
        t.faults.set(Fault.BAD_REQUEST)
        heard = await chat(v), await chat(t)

    assert [h.status for h in heard] == [400, 422]


async def test_fault_generation_failed() -> None:
    async with tgi() as server:
        server.faults.set(Fault.GENERATION_FAILED)
        whole = await chat(server)
        streamed = await stream(server)

    assert (whole.status, whole.json()["error_type"]) == (424, "generation")
    assert streamed.status == 200
    assert streamed.events[0]["choices"][0]["delta"]["content"]
    assert streamed.events[-1]["error"]["http_status_code"] == 422


async def test_fault_incomplete_generation() -> None:
    async with tgi() as server:
        server.faults.set(Fault.INCOMPLETE_GENERATION)
        whole = await chat(server)
        streamed = await stream(server)

    assert (whole.status, whole.json()["error_type"]) == (500, "incomplete_generation")
    assert streamed.events[-1]["error"]["message"] == "Incomplete generation"


async def test_fault_internal_error() -> None:
    for make in (vllm, ollama, tgi, llama_cpp, transformers):
        async with make() as server:
            server.faults.set(Fault.INTERNAL_ERROR)
            assert (await chat(server)).status == 500


async def test_fault_engine_dead() -> None:
    for make in (vllm, tgi):
        async with make() as server:
            before = (await get(server, "/health")).status
            server.faults.set(Fault.ENGINE_DEAD)
            assert (await chat(server)).status == 500
            assert (before, (await get(server, "/health")).status) == (200, 503)


async def test_fault_loading() -> None:
    async with llama_cpp() as server:
        server.faults.set(Fault.LOADING)
        heard = await chat(server)

    assert (heard.status, heard.json()["error"]["message"]) == (503, "Loading model")


async def test_fault_html_error() -> None:
    async with vllm() as server:
        server.faults.set(Fault.HTML_ERROR)
        heard = await chat(server)

    assert (heard.status, heard.headers["content-type"]) == (502, "text/html")


async def test_fault_leaky_error() -> None:
    async with vllm() as server:
        server.faults.set(Fault.LEAKY_ERROR)
        heard = await chat(server)

    assert heard.status == 500
    assert all(leak in heard.text for leak in ("10.20.30.40", "/srv/models", "sk-leaked"))


async def test_fault_redirect() -> None:
    async with vllm() as server:
        server.faults.set(Fault.REDIRECT)
        heard = await chat(server)

    assert (heard.status, "location" in heard.headers) == (307, True)


async def test_a_fault_with_times_leaves_the_requests_after_it_alone() -> None:
    async with vllm() as server:
        server.faults.set(Fault.OVERLOAD, times=2)
        statuses = [(await chat(server)).status for _ in range(3)]

    assert statuses == [503, 503, 200]


async def test_discovery_uses_up_no_fault() -> None:
    async with vllm() as server:
        server.faults.set(Fault.RESET_BEFORE_HEADERS, times=1)
        assert (await get(server, "/v1/models")).status == 200
        assert (await get(server, "/health")).status == 200
        assert (await chat(server)).ending == "reset"


async def test_a_fault_can_be_bound_to_a_path() -> None:
    async with vllm() as server:
        server.faults.set(Fault.INTERNAL_ERROR, path="/v1/models")
        assert (await chat(server)).status == 200
        assert (await get(server, "/v1/models")).status == 500


async def test_the_control_route_switches_faults_and_tells_what_is_on() -> None:
    async with vllm() as server:
        on = await ask(server, "/__simulated/fault", {"fault": "overload", "times": 1})
        hit = await chat(server)
        unknown = await ask(server, "/__simulated/fault", {"fault": "no-such"})
        await ask(server, "/__simulated/fault", {"fault": "overload"})
        cleared = await ask(server, "/__simulated/fault", method="DELETE")
        stats = await get(server, "/__simulated/stats")

    assert (on.status, on.json()["on"][0]["fault"]) == (200, "overload")
    assert hit.status == 503
    assert unknown.status == 400
    assert cleared.json()["on"] == []
    assert stats.json()["requests"] == 1


async def test_the_fault_header_works_only_where_it_was_allowed() -> None:
    header = {"x-simulated-fault": "overload"}
    body = {"messages": HELLO}
    async with vllm() as closed, vllm(VllmSettings(allow_header_faults=True)) as opened:
        assert (await ask(closed, "/v1/chat/completions", body, header)).status == 200
        assert (await ask(opened, "/v1/chat/completions", body, header)).status == 503
        misspelt = await ask(opened, "/v1/chat/completions", body, {"x-simulated-fault": "overlaod"})
        assert misspelt.status == 400
