"""Ollama's part of the fidelity checklist, points 21 to 27."""

import asyncio
import math

from providers.simulated import Fault, OllamaModel, OllamaSettings, Simulated, ollama
from tests.providers.simulated.wire import HELLO, TIMEOUT_S, TOOL, Heard, Talk, ask, chat, get, stream

ONE = OllamaSettings(models=("tiny",))
WORD = {"type": "nonsense"}


async def _chat(server: Simulated, **fields: object) -> Heard:
    return await ask(server, "/api/chat", {"model": server.settings.models[0], "messages": HELLO, **fields})


class Clock:
    """Time that stands still until told."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


async def test_point_21_chat_streams_ndjson_unless_told_not_to() -> None:
    async with ollama(ONE) as server:
        streamed = await _chat(server)
        whole = await _chat(server, stream=False)
        server.faults.set(Fault.SPLIT_LINE, times=1)
        split = await _chat(server)
        server.faults.set(Fault.JOINED_EVENTS, times=1)
        joined = await _chat(server)

    assert streamed.headers["content-type"] == "application/x-ndjson"
    assert "\r" not in streamed.text
    assert streamed.text.endswith("}\n")
    assert whole.headers["content-type"] == "application/json; charset=utf-8"
    assert "".join(line["message"]["content"] for line in streamed.lines) == whole.json()["message"]["content"]
    assert all(line["message"]["role"] == "assistant" for line in streamed.lines)
    assert len(split.chunks) > len(split.lines) > len(joined.chunks) == 1


async def test_point_22_the_last_line_carries_counts_and_nanoseconds_and_no_zeros() -> None:
    async with ollama(ONE) as server:
        lines = (await _chat(server, options={"num_predict": 3})).lines
        whole = (await _chat(server, stream=False)).json()

    last = lines[-1]
    assert (last["done"], last["done_reason"], last["eval_count"]) == (True, "length", 3)
    assert last["total_duration"] == last["load_duration"] + last["prompt_eval_duration"] + last["eval_duration"]
    assert all(isinstance(last[name], int) for name in ("total_duration", "load_duration", "prompt_eval_count"))
    assert not any("eval_count" in line for line in lines[:-1])
    assert whole["done_reason"] == "stop"


async def test_point_23_tool_arguments_are_an_object_natively_and_a_string_in_v1() -> None:
    async with ollama(ONE) as server:
        native = (await _chat(server, tools=[TOOL])).lines
        shim = await stream(server, tools=[TOOL])
    async with ollama(OllamaSettings(models=("tiny",), tool_call_ids=False)) as old:
        without_ids = (await _chat(old, tools=[TOOL])).lines

    call = native[0]["message"]["tool_calls"][0]
    assert isinstance(call["function"]["arguments"], dict)
    assert call["id"].startswith("call_")
    assert native[-1]["done_reason"] == "stop"
    told = shim.events[0]["choices"][0]["delta"]["tool_calls"][0]
    assert isinstance(told["function"]["arguments"], str)
    assert shim.events[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert "id" not in without_ids[0]["message"]["tool_calls"][0]


async def test_point_24_a_failure_in_mid_stream_is_a_line_natively_and_a_silent_stop_in_v1() -> None:
    async with ollama(ONE) as server:
        server.faults.set(Fault.ERROR_MID_STREAM)
        native = await _chat(server)
        shim = await stream(server)

    assert native.lines[0]["message"]["content"]
    assert list(native.lines[-1]) == ["error"]
    assert shim.content
    assert "error" not in shim.text
    assert shim.data[-1] != "[DONE]"
    assert all(choice["finish_reason"] is None for event in shim.events for choice in event["choices"])


async def test_point_25_names_are_normalised_and_models_load_stay_and_expire() -> None:
    clock = Clock()
    async with ollama(ONE, now=clock) as server:

        async def running() -> list[str]:
            return [model["name"] for model in (await get(server, "/api/ps")).json()["models"]]

        missing = await _chat(server, model="nope")
        before = await running()
        await _chat(server, model="tiny:latest", keep_alive="10m")
        loaded = await running()
        clock.seconds += 601
        expired = await running()
        await _chat(server, messages=[])
        warmed = await running()
        unloaded = (await _chat(server, messages=[], keep_alive=0)).json()
        after = await running()

    assert (missing.status, missing.json()) == (404, {"error": "model 'nope' not found"})
    assert [before, loaded, expired, warmed, after] == [[], ["tiny:latest"], [], ["tiny:latest"], []]
    assert unloaded["done_reason"] == "unload"


async def test_a_cold_load_sends_no_byte_and_another_window_loads_again() -> None:
    async with ollama(ONE) as server, Talk(server) as talk:
        server.faults.set(Fault.COLD_LOAD, times=1, seconds=0.15)
        talk.say("/api/chat", {"model": "tiny", "messages": HELLO})
        await server.until(lambda stats: stats.live == 1)
        quiet = await talk.silent(0.05)
        first = await talk.hear()
    async with ollama(OllamaSettings(models=("tiny",), load_s=0.002)) as server:
        loads = [
            (await _chat(server, options=options, stream=False)).json()["load_duration"]
            for options in ({}, {}, {"num_ctx": 512}, {"num_ctx": 512})
        ]
        window = (await get(server, "/api/ps")).json()["models"][0]["context_length"]

    assert quiet
    assert first.status == 200
    assert [load > 2_000_000 for load in loads] == [True, False, True, False]
    assert window == 512


async def test_point_26_one_request_at_a_time_and_then_a_queue_with_an_end() -> None:
    settings = OllamaSettings(models=("tiny",), max_queue=1)
    async with ollama(settings) as server, Talk(server) as first, Talk(server) as second:
        server.faults.set(Fault.STALL_BEFORE_FIRST_TOKEN, times=1)
        for talk in (first, second):
            talk.say("/api/chat", {"model": "tiny", "messages": HELLO})
            live = server.stats.live + 1
            await asyncio.wait_for(server.until(lambda stats, live=live: stats.live == live), TIMEOUT_S)  # type: ignore[misc]  # a default binds the loop's value
        third = await _chat(server)
        waiting = await second.silent(0.05)
        first.leave()
        answered = await second.hear()

    assert third.status == 503
    assert third.json() == {"error": "server busy, please try again.  maximum pending requests exceeded"}
    assert waiting
    assert answered.lines[-1]["done"] is True


async def test_point_27_a_prompt_is_cut_to_the_window_without_a_word() -> None:
    long = [{"role": "user", "content": f"message {n} " * 30} for n in range(20)]
    async with ollama(OllamaSettings(models=("tiny",), context_length=128)) as server:
        silent = await _chat(server, messages=long, stream=False)
        huge = await _chat(server, messages=[{"role": "user", "content": "x" * 9000}], stream=False)
        unshifted = await _chat(server, messages=[{"role": "user", "content": "x" * 9000}], shift=False)
        untruncated = await _chat(server, messages=long, truncate=False)

    assert silent.status == huge.status == 200
    assert silent.json()["prompt_eval_count"] <= 128
    assert huge.json()["prompt_eval_count"] == 128
    assert unshifted.status == untruncated.status == 400
    assert "the prompt is longer than the context length currently available" in unshifted.json()["error"]
    assert "exceed_context_size_error" in untruncated.json()["error"]


# --- further traits of §2


async def test_v1_reads_only_max_tokens_and_ignores_the_newer_name_and_tool_choice() -> None:
    async with ollama(ONE) as server:
        newer = (await chat(server, max_completion_tokens=1)).json()
        older = (await chat(server, max_tokens=1)).json()
        chosen = (await chat(server, tools=[TOOL], tool_choice="none")).json()

    assert newer["usage"]["completion_tokens"] == 16
    assert older["usage"]["completion_tokens"] == 1
    assert chosen["choices"][0]["finish_reason"] == "tool_calls"


async def test_v1_streams_the_role_once_an_empty_finish_and_usage_without_choices() -> None:
    async with ollama(ONE) as server:
        heard = await stream(server, stream_options={"include_usage": True})
        texts = await ask(
            server, "/v1/completions",
            {"model": "tiny", "prompt": "x", "stream": True, "stream_options": {"include_usage": True}},
        )  # fmt: skip

    deltas = [event["choices"][0]["delta"] for event in heard.events[:-1]]
    assert ["role" in delta for delta in deltas] == [True, *[False] * (len(deltas) - 1)]
    assert deltas[-1] == {}
    assert heard.events[-1]["choices"] == []
    assert len({event["created"] for event in heard.events}) == 1
    assert heard.events[0]["system_fingerprint"] == "fp_ollama"
    assert all(event["usage"]["total_tokens"] == 0 for event in texts.events[:-1])
    assert texts.events[-1]["usage"]["total_tokens"] > 0


async def test_ids_of_v1_collide() -> None:
    async with ollama(ONE) as server:
        ids = [(await chat(server, max_tokens=1)).json()["id"] for _ in range(120)]

    assert len(set(ids)) < len(ids)


async def test_embeddings_are_normalised_counted_and_refuse_token_ids() -> None:
    async with ollama(ONE) as server:
        made = (await ask(server, "/api/embed", {"model": "tiny", "input": ["a", "b"], "dimensions": 8})).json()
        older = (await ask(server, "/api/embeddings", {"model": "tiny", "prompt": "a"})).json()
        ids = await ask(server, "/api/embed", {"model": "tiny", "input": [1, 2]})
        missing = await ask(server, "/api/embed", {"model": "nope", "input": "a"})
        long = await ask(server, "/api/embed", {"model": "tiny", "input": "x" * 99_999, "truncate": False})

    assert [len(vector) for vector in made["embeddings"]] == [8, 8]
    assert all(math.isclose(math.hypot(*vector), 1.0) for vector in made["embeddings"])
    assert made["prompt_eval_count"] == 2
    assert len(older["embedding"]) == 32
    assert (ids.status, missing.status, long.status) == (400, 404, 400)
    assert missing.json() == {"error": 'model "nope" not found, try pulling it first'}
    assert long.json() == {"error": "the input length exceeds the context length"}


async def test_abilities_a_model_lacks_are_refused_by_name() -> None:
    settings = OllamaSettings(models=("e",), library=(OllamaModel(name="e", capabilities=("embedding",)),))
    async with ollama(settings) as embedder, ollama(ONE) as plain:
        chatting = await _chat(embedder)
        thinking = await _chat(plain, think=True)
        seeing = await _chat(plain, messages=[{"role": "user", "content": "?", "images": ["AAAA"]}])
        parts = await _chat(plain, messages=[{"role": "user", "content": [{"type": "text", "text": "x"}]}])

    assert [h.status for h in (chatting, thinking, seeing, parts)] == [400] * 4
    assert chatting.json() == {"error": '"e" does not support chat'}
    assert thinking.json() == {"error": '"tiny" does not support thinking'}


async def test_words_no_field_knows_are_refused_or_as_on_v1_ignored() -> None:
    thinker = OllamaModel(name="t", capabilities=("completion", "tools", "thinking"))
    async with ollama(OllamaSettings(models=("t",), library=(thinker,))) as server:
        thought = await _chat(server, think="nonsense")
        shape = await _chat(server, format="nonsense")
        effort = await chat(server, reasoning_effort="nonsense")
        ignored = [await chat(server, tools=[TOOL], tool_choice="nonsense"), await chat(server, response_format=WORD)]

    assert [h.status for h in (thought, shape, effort, *ignored)] == [400, 500, 400, 200, 200]
    assert thought.json()["error"].startswith('invalid think value: "nonsense" (must be "high",')
    assert shape.json()["error"] == 'invalid format: "\\"nonsense\\""; expected "json" or a valid JSON Schema object'
    assert effort.json()["error"]["message"].startswith("invalid reasoning value: 'nonsense' (must be")


async def test_thought_comes_apart_from_content() -> None:
    async with ollama(OllamaSettings(models=("tiny",), reasoning=True)) as server:
        lines = (await _chat(server)).lines
        quiet = (await _chat(server, think=False, stream=False)).json()

    assert lines[0]["message"]["thinking"]
    assert lines[0]["message"]["content"] == ""
    assert "thinking" not in quiet["message"]


async def test_discovery_tells_windows_abilities_and_cloud_models() -> None:
    cloud = OllamaModel(name="big:cloud", remote_host="elsewhere.example", remote_model="big")
    settings = OllamaSettings(models=("tiny",), library=(OllamaModel(name="tiny"), cloud))
    async with ollama(settings) as server:
        tags = (await get(server, "/api/tags")).json()["models"]
        shown = (await ask(server, "/api/show", {"model": "tiny"})).json()
        status = (await get(server, "/api/status")).json()
        version = (await get(server, "/api/version")).json()
        root = await get(server, "/")
        refused = await _chat(server, model="big:cloud")
        foreign = await get(server, "/api/tags", {"host": "evil.example"})

    assert [model["name"] for model in tags] == ["tiny:latest", "big:cloud"]
    assert tags[1]["remote_host"] == "elsewhere.example"
    assert shown["model_info"]["llama.context_length"] == 131_072
    assert (status["cloud"]["disabled"], version["version"], root.text) == (True, "0.33.0", "Ollama is running")
    assert (refused.status, foreign.status) == (403, 403)
