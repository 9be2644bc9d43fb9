"""vLLM's part of the fidelity checklist, points 1 to 20: what naive mocks get wrong."""

import asyncio
import json
import re
from typing import Any

import jsonschema_rs
import pytest

from providers.simulated import Fault, Simulated, VllmSettings, vllm
from providers.simulated.generate import count
from tests.providers.simulated.wire import HELLO, TIMEOUT_S, TOOL, Heard, Talk, ask, chat, get, stream

BUSY = "The engine is currently busy and cannot accept new requests. Please try again later or on a different instance."


def _choices(heard: Heard) -> list[dict[str, Any]]:
    return [choice for event in heard.events for choice in event["choices"]]


async def _metric(server: Simulated, name: str) -> float:
    text = (await get(server, "/metrics")).text
    found = re.search(rf"^{re.escape(name)}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
    assert found, name
    return float(found[1])


async def test_point_01_done_follows_an_error_event_and_the_error_is_spelled_with_spaces() -> None:
    async with vllm() as server:
        server.faults.set(Fault.OVERLOAD_IN_STREAM, times=1)
        refused = await stream(server)
        good = await stream(server)

    assert refused.data[0].startswith('{"error": {"message": "')
    assert refused.data[1] == "[DONE]"
    assert good.data[0].startswith('{"id":"')


async def test_point_02_overload_and_bad_grammar_are_a_200_when_streamed_and_a_status_when_not() -> None:
    bad = {"structured_outputs": {"regex": "((("}}
    async with vllm() as server:
        # Refused by the engine, for the queue filled up behind the front end's own look at it.
        server.faults.set(Fault.OVERLOAD_IN_STREAM, times=2)
        overloaded = await stream(server), await chat(server)
        ungrammatical = await stream(server, **bad), await chat(server, **bad)

    assert [h.status for h in overloaded] == [200, 503]
    assert overloaded[0].events[0]["error"] == {
        "message": BUSY, "type": "Service Unavailable", "param": None, "code": 503,
    }  # fmt: skip
    assert [h.status for h in ungrammatical] == [200, 400]
    assert ungrammatical[0].events[0]["error"]["code"] == 400


async def test_a_queue_that_is_full_on_arrival_is_a_true_503_streamed_or_not() -> None:
    async with vllm(VllmSettings(max_num_seqs=1, max_num_queued_reqs=1)) as server, Talk(server) as busy:
        server.faults.set(Fault.STALL_BEFORE_FIRST_TOKEN, times=1)
        busy.say("/v1/chat/completions", {"messages": HELLO, "stream": True})
        await busy.head()
        overloaded = await stream(server), await chat(server)
        rejections = await _metric(server, "vllm:admission_rejections_total")

    assert [h.status for h in overloaded] == [503, 503]
    assert overloaded[0].json()["error"]["message"] == BUSY
    assert rejections == 2


async def test_point_03_messages_and_responses_overload_with_a_true_503_even_when_streaming() -> None:
    async with vllm() as server:
        server.faults.set(Fault.OVERLOAD_IN_STREAM)
        messages = await ask(server, "/v1/messages", {"messages": HELLO, "max_tokens": 3, "stream": True})
        responses = await ask(server, "/v1/responses", {"input": "hello", "stream": True})

    assert (messages.status, responses.status) == (503, 503)
    assert messages.json() == {"type": "error", "error": {"type": "Service Unavailable", "message": BUSY}}
    assert responses.json()["error"]["code"] == 503


@pytest.mark.parametrize(
    "fault",
    [Fault.OVERLOAD, Fault.MODEL_NOT_FOUND, Fault.CONTEXT_OVERFLOW, Fault.BAD_REQUEST, Fault.INTERNAL_ERROR],
)
async def test_every_refusal_of_messages_comes_in_its_own_envelope(fault: Fault) -> None:
    async with vllm() as server:
        server.faults.set(fault)
        refused = await ask(server, "/v1/messages", {"messages": HELLO, "max_tokens": 3})

    assert refused.status >= 400
    assert refused.json().keys() == {"type", "error"}
    assert refused.json()["error"].keys() == {"type", "message"}


async def test_messages_and_responses_stream_named_events_without_done() -> None:
    async with vllm() as server:
        messages = await ask(server, "/v1/messages", {"messages": HELLO, "max_tokens": 3, "stream": True})
        responses = await ask(server, "/v1/responses", {"input": "hello", "max_output_tokens": 3, "stream": True})

    def names(heard: Heard) -> list[str]:
        return re.findall(r"^event: (.*)$", heard.text, re.MULTILINE)

    assert [names(messages)[0], names(messages)[-1]] == ["message_start", "message_stop"]
    assert [names(responses)[0], names(responses)[-1]] == ["response.created", "response.completed"]
    assert '"status":"incomplete"' in responses.text.split("event: ")[-1]
    assert "[DONE]" not in messages.text + responses.text


async def test_point_04_role_chunk_comes_first_then_empty_content() -> None:
    async with vllm(VllmSettings(empty_chunks=2)) as server:
        heard = await stream(server)

    deltas = [choice["delta"] for choice in _choices(heard)]
    assert deltas[:3] == [{"role": "assistant", "content": ""}, {"content": ""}, {"content": ""}]
    assert deltas[3]["content"]
    assert {"prompt_token_ids", "prompt_text"} <= heard.events[0].keys()
    assert "prompt_token_ids" not in heard.events[1]


async def test_point_05_no_half_character_is_sent_and_a_torn_end_is_a_replacement() -> None:
    async with vllm(VllmSettings(tokens=200)) as server:
        texts = [await stream(server, messages=[{"role": "user", "content": str(n)}]) for n in range(4)]
        whole = await chat(server, messages=[{"role": "user", "content": "0"}])
        torn = [await chat(server, max_tokens=n) for n in range(1, 30)]

    pieces = [choice["delta"].get("content", "") for heard in texts for choice in _choices(heard)]
    assert not any("\ufffd" in piece for piece in pieces)
    assert any(len(piece.encode()) != 4 for piece in pieces if piece)  # delayed: some chunks carry more, some less
    assert texts[0].content == whole.json()["choices"][0]["message"]["content"]
    assert any(h.json()["choices"][0]["message"]["content"].endswith("\ufffd") for h in torn)


async def test_point_06_finish_may_carry_text_and_usage_comes_after_it_only_when_asked_for() -> None:
    async with vllm() as server:
        asked = await stream(server, max_tokens=3, stream_options={"include_usage": True})
        unasked = await stream(server, max_tokens=3)

    finish, usage = asked.events[-2:]
    assert (finish["choices"][0]["finish_reason"], usage["choices"]) == ("length", [])
    assert finish["choices"][0]["delta"]["content"]
    assert usage["usage"]["completion_tokens"] == 3
    assert usage["system_fingerprint"].startswith("vllm-0.32.0-")
    assert not any("usage" in event for event in unasked.events)


async def test_point_07_continuous_usage_is_on_every_chunk_from_the_role_on() -> None:
    options = {"include_usage": True, "continuous_usage_stats": True}
    async with vllm() as server:
        heard = await stream(server, max_tokens=4, stream_options=options)

    counts = [event["usage"]["completion_tokens"] for event in heard.events]
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert counts[-1] == 4


async def test_point_08_the_first_tool_delta_has_no_arguments_and_later_ones_no_name() -> None:
    async with vllm() as server:
        heard = await stream(server, tools=[TOOL], tool_choice="auto")

    deltas = [choice["delta"] for choice in _choices(heard) if "tool_calls" in choice["delta"]]
    first, later = deltas[0], [delta["tool_calls"][0] for delta in deltas[1:]]
    assert first["content"] is None
    assert first["tool_calls"][0]["id"].startswith("chatcmpl-tool-")
    assert first["tool_calls"][0]["function"] == {"name": "get_weather"}
    assert all(call.keys() == {"index", "function"} and call["function"].keys() == {"arguments"} for call in later)
    arguments = json.loads("".join(call["function"]["arguments"] for call in later))
    jsonschema_rs.validate(TOOL["function"]["parameters"], arguments)


async def test_point_09_a_named_tool_finishes_with_stop_and_others_with_tool_calls() -> None:
    named = {"type": "function", "function": {"name": "get_weather"}}
    async with vllm() as server:
        whole = [await chat(server, tools=[TOOL], tool_choice=choice) for choice in (named, "required", "auto")]
        streamed = [await stream(server, tools=[TOOL], tool_choice=choice) for choice in (named, "required", "auto")]

    assert [h.json()["choices"][0]["finish_reason"] for h in whole] == ["stop", "tool_calls", "tool_calls"]
    assert [_choices(h)[-1]["finish_reason"] for h in streamed] == ["stop", "tool_calls", "tool_calls"]
    assert all(h.json()["choices"][0]["message"]["tool_calls"] for h in whole)


async def test_point_10_thought_is_called_reasoning_and_content_is_null_when_nothing_else_came() -> None:
    async with vllm(VllmSettings(reasoning=True)) as server:
        full = (await chat(server)).json()["choices"][0]["message"]
        cut = (await chat(server, max_tokens=2)).json()["choices"][0]["message"]
        streamed = await stream(server)

    assert full["reasoning"]
    assert full["content"]
    assert "reasoning_content" not in full
    assert cut["reasoning"]
    assert cut["content"] is None
    assert any("reasoning" in choice["delta"] for choice in _choices(streamed))


async def test_point_11_errors_have_an_int_code_but_401_is_a_string_and_404_a_detail() -> None:
    async with vllm(VllmSettings(models=("tiny", "alias"), api_keys=("k",))) as server:
        key = {"authorization": "Bearer k"}
        refused = await chat(server)
        unknown = await ask(server, "/v1/chat/completions", {"model": "nope", "messages": HELLO}, key)
        path = await get(server, "/v1/nope", key)
        method = await get(server, "/v1/chat/completions", key)

    assert (refused.status, refused.json()) == (401, {"error": "Unauthorized"})
    assert unknown.json() == {
        "error": {
            "message": "The model `nope` does not exist. Valid aliases: tiny, alias.",
            "type": "NotFoundError",
            "param": "model",
            "code": 404,
        }
    }
    assert (path.status, path.json()) == (404, {"detail": "Not Found"})
    assert (method.status, method.json()) == (405, {"detail": "Method Not Allowed"})


async def test_point_12_a_task_the_server_does_not_have_is_a_404_detail() -> None:
    async with vllm() as generating, vllm(VllmSettings(task="embed")) as embedding:
        missing = await ask(generating, "/v1/embeddings", {"input": "x"}), await chat(embedding)
        there = await ask(embedding, "/v1/embeddings", {"input": "x"})
        paths = (
            (await get(generating, "/openapi.json")).json()["paths"],
            (await get(embedding, "/openapi.json")).json()["paths"],
        )

    assert [(h.status, h.json()) for h in missing] == [(404, {"detail": "Not Found"})] * 2
    assert there.status == 200
    assert ("/v1/chat/completions" in paths[0], "/v1/embeddings" in paths[0]) == (True, False)
    assert ("/v1/chat/completions" in paths[1], "/v1/embeddings" in paths[1]) == (False, True)


async def test_point_13_unknown_fields_are_ignored_even_guided_ones() -> None:
    async with vllm() as server:
        plain = await chat(server)
        odd = await chat(server, guided_choice=["yes", "no"], no_such_field={"a": 1}, user="u")

    assert odd.status == 200
    assert odd.json()["choices"] == plain.json()["choices"]


async def test_point_14_comments_keep_a_queued_stream_alive_before_its_first_event() -> None:
    settings = VllmSettings(max_num_seqs=1, sse_keep_alive_s=0.01)
    async with vllm(settings) as server, Talk(server) as first, Talk(server) as second:
        server.faults.set(Fault.STALL_BEFORE_FIRST_TOKEN, times=1)
        first.say("/v1/chat/completions", {"messages": HELLO, "stream": True})
        await first.head()
        second.say("/v1/chat/completions", {"messages": HELLO, "stream": True})
        await second.head()
        queued = await second.until(b": keep-alive\n\n", times=2)
        first.leave()
        rest = await second.until(b"data: [DONE]\n\n")

    assert b"data:" not in queued
    assert b"data: {" in rest


async def test_point_15_nulls_are_explicit_and_models_tell_their_window() -> None:
    async with vllm(VllmSettings(models=("tiny", "alias"), loras=("fine",), context_length=512)) as server:
        answer = (await chat(server)).json()
        cards = (await get(server, "/v1/models")).json()["data"]

    message = answer["choices"][0]["message"]
    assert {name for name, value in message.items() if value is None} >= {
        "refusal", "annotations", "audio", "function_call", "reasoning",
    }  # fmt: skip
    assert "tool_calls" not in message
    assert {"prompt_logprobs", "kv_transfer_params", "metrics", "service_tier"} <= answer.keys()
    assert [(card["id"], card["parent"], card["max_model_len"]) for card in cards] == [
        ("tiny", None, 512),
        ("alias", None, 512),
        ("fine", "tiny", None),
    ]
    assert cards[0]["root"].startswith("/")


async def test_point_16_the_request_id_becomes_the_answers_and_503_names_no_time() -> None:
    async with vllm() as server:
        named = await ask(server, "/v1/chat/completions", {"messages": HELLO}, {"X-Request-Id": "abc"})
        server.faults.set(Fault.OVERLOAD)
        busy = await chat(server)

    assert named.json()["id"] == "chatcmpl-abc"
    assert "x-request-id" not in named.headers
    assert (busy.status, "retry-after" in busy.headers) == (503, False)


async def test_point_17_metrics_have_vllms_names_labels_twins_and_buckets() -> None:
    async with vllm(VllmSettings(models=("tiny", "alias"))) as server:
        await ask(server, "/v1/chat/completions", {"model": "alias", "messages": HELLO, "max_tokens": 3})
        text = (await get(server, "/metrics")).text

    label = 'engine="0",model_name="tiny"'
    for line in (
        f"vllm:num_requests_running{{{label}}} 0.0",
        f"vllm:num_requests_waiting{{{label}}} 0.0",
        f"vllm:generation_tokens_total{{{label}}} 3.0",
        f'vllm:request_success_total{{{label},finished_reason="length"}} 1.0',
        f'vllm:time_to_first_token_seconds_bucket{{{label},le="0.001"}}',
        f"vllm:generation_tokens_created{{{label}}}",
        f"vllm:time_to_first_token_seconds_created{{{label}}}",
    ):
        assert line in text
    counters = re.findall(r"^# TYPE (\S+) counter$", text, re.MULTILINE)
    assert counters
    assert all(name.endswith("_total") for name in counters)


async def test_point_18_cached_tokens_are_whole_blocks_and_none_on_a_new_salt() -> None:
    long = [{"role": "user", "content": "a b c d " * 40}]

    async def cached(server: Simulated, **fields: object) -> int:
        answer = (await chat(server, messages=long, **fields)).json()
        tokens: int = answer["usage"]["prompt_tokens_details"]["cached_tokens"]
        return tokens

    async with vllm() as server:
        found = [await cached(server), await cached(server), await cached(server, cache_salt="team-a")]
        again = await cached(server, cache_salt="team-a")

    assert found[0] == found[2] == 0
    assert found[1] == again > 0
    assert found[1] % 16 == 0


async def test_point_19_a_client_that_leaves_frees_its_slot_at_once_and_is_no_success() -> None:
    async with vllm(VllmSettings(tokens=10_000, interval_s=0.01)) as server:
        async with Talk(server) as talk:
            talk.say("/v1/chat/completions", {"messages": HELLO, "stream": True})
            await talk.head()
            running = await _metric(server, "vllm:num_requests_running")
        await asyncio.wait_for(server.until(lambda stats: stats.aborted == 1), TIMEOUT_S)
        after = await _metric(server, "vllm:num_requests_running")
        aborts = await _metric(server, "vllm:request_success_total")

    assert (running, after, aborts) == (1.0, 0.0, 0.0)


async def test_point_20_choices_interleave_and_a_list_of_prompts_numbers_them() -> None:
    async with vllm() as server:
        heard = await stream(server, n=2, max_tokens=3)
        body = {"prompt": ["one", "two"], "n": 2, "max_tokens": 2}
        completions = (await ask(server, "/v1/completions", body)).json()

    indices = [choice["index"] for choice in _choices(heard)]
    assert indices == [0, 1] * (len(indices) // 2)
    assert [choice["index"] for choice in completions["choices"]] == [0, 1, 2, 3]
    assert len({choice["text"] for choice in completions["choices"]}) == 4


# --- further traits of §1


async def test_the_window_is_enforced_in_vllms_words_before_any_header() -> None:
    long = [{"role": "user", "content": "z" * 3000}]
    async with vllm(VllmSettings(context_length=512)) as server:
        overflow = await stream(server, messages=long), await chat(server, messages=long)
        asked = await chat(server, max_completion_tokens=5000)

    assert [h.status for h in overflow] == [400, 400]
    assert overflow[0].json()["error"]["message"] == (
        "This model's maximum context length is 512 tokens. However, your prompt contains at least 513 input tokens, "
        "which exceeds this limit even without any output tokens. Please reduce the length of the input prompt. "
        "(parameter=input_tokens, value=513)"
    )
    assert asked.json()["error"]["param"] == "max_completion_tokens"
    assert "cannot be greater than max_model_len=512" in asked.json()["error"]["message"]


async def test_tools_need_the_flags_they_need() -> None:
    async with (
        vllm(VllmSettings(auto_tool_choice=False)) as no_auto,
        vllm(VllmSettings(tool_call_parser=False)) as none,
    ):
        auto = await chat(no_auto, tools=[TOOL])
        required = (
            await chat(no_auto, tools=[TOOL], tool_choice="required"),
            await chat(none, tools=[TOOL], tool_choice="required"),
        )

    assert auto.status == 400
    assert auto.json()["error"]["message"].startswith('"auto" tool choice requires --enable-auto-tool-choice')
    assert [h.status for h in required] == [200, 400]


async def test_several_tools_named_by_the_user_are_called_in_parallel_unless_forbidden() -> None:
    other = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
    asked = [{"role": "user", "content": "use get_weather and get_time"}]
    async with vllm() as server:
        both = await chat(server, messages=asked, tools=[TOOL, other])
        one = await chat(server, messages=asked, tools=[TOOL, other], parallel_tool_calls=False)
        result = [*asked, {"role": "tool", "tool_call_id": "x", "content": "21 degrees"}]
        answered = await chat(server, messages=result, tools=[TOOL, other])

    def names(heard: Heard) -> list[str]:
        calls = heard.json()["choices"][0]["message"].get("tool_calls", [])
        return [call["function"]["name"] for call in calls]

    assert names(both) == ["get_weather", "get_time"]
    assert names(one) == ["get_weather"]
    assert names(answered) == []


async def test_a_json_schema_is_kept() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 3, "maximum": 9},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
        },
        "required": ["n", "tags"],
        "additionalProperties": False,
        "$defs": {"tag": {"enum": ["red", "green"]}},
    }
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    async with vllm() as server:
        answer = (await chat(server, response_format=form)).json()["choices"][0]["message"]["content"]

    jsonschema_rs.validate(schema, json.loads(answer))


async def test_images_are_taken_as_data_urls_by_a_model_that_sees() -> None:
    def seen(url: str) -> list[dict[str, Any]]:
        return [
            {
                "role": "user",
                "content": [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": url}}],
            }
        ]

    data = seen("data:image/png;base64,iVBORw0KGgo=")
    async with vllm(VllmSettings(vision=True)) as seeing, vllm(VllmSettings(models=("tiny",))) as blind:
        taken = await chat(seeing, messages=data)
        fetched = await chat(seeing, messages=seen("ftp://elsewhere/x.png"))
        refused = await chat(blind, messages=data)

    assert (taken.status, fetched.status, refused.status) == (200, 422, 400)
    assert refused.json()["error"]["message"] == "tiny is not a multimodal model"


async def test_logprobs_come_with_every_token() -> None:
    async with vllm() as server:
        whole = (await chat(server, logprobs=True, top_logprobs=2, max_tokens=3)).json()["choices"][0]
        streamed = await stream(server, logprobs=True, max_tokens=3)

    entries = whole["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == whole["message"]["content"]
    assert all(entry["logprob"] <= 0 and len(entry["top_logprobs"]) == 2 for entry in entries)
    assert sum(choice["logprobs"] is not None for choice in _choices(streamed)) == 3


async def test_a_stop_string_ends_the_answer_and_is_named() -> None:
    async with vllm() as server:
        full = (await chat(server)).json()["choices"][0]["message"]["content"]
        word = full.split()[1]
        choice = (await chat(server, stop=[word])).json()["choices"][0]

    assert choice["message"]["content"] == full[: full.index(word)]
    assert (choice["finish_reason"], choice["stop_reason"]) == ("stop", word)


async def test_the_load_report_rides_on_whole_answers_when_asked_for() -> None:
    async with vllm() as server:
        body = {"messages": HELLO}
        text = await ask(server, "/v1/chat/completions", body, {"endpoint-load-metrics-format": "TEXT"})
        as_json = await ask(server, "/v1/chat/completions", body, {"endpoint-load-metrics-format": "JSON"})
        unasked = await ask(server, "/v1/chat/completions", body)

    assert text.headers["endpoint-load-metrics"].startswith("text named_metrics.num_requests_waiting=0.0, ")
    assert as_json.headers["endpoint-load-metrics"].startswith('json {"named_metrics":')
    assert "endpoint-load-metrics" not in unasked.headers


async def test_the_load_route_counts_only_with_its_flag() -> None:
    for tracking, expected in ((False, 0), (True, 1)):
        async with vllm(VllmSettings(server_load_tracking=tracking)) as server, Talk(server) as talk:
            server.faults.set(Fault.STALL_BEFORE_FIRST_TOKEN)
            talk.say("/v1/chat/completions", {"messages": HELLO, "stream": True})
            await talk.head()
            assert (await get(server, "/load")).json() == {"server_load": expected}


async def test_adapters_load_and_unload_while_the_server_runs() -> None:
    async with vllm(VllmSettings(lora_updating=True)) as server:
        adapter = {"lora_name": "fine", "lora_path": "/adapters/fine"}
        loaded = await ask(server, "/v1/load_lora_adapter", adapter)
        again = await ask(server, "/v1/load_lora_adapter", adapter)
        answered = await ask(server, "/v1/chat/completions", {"model": "fine", "messages": HELLO})
        await ask(server, "/v1/unload_lora_adapter", adapter)
        gone = await ask(server, "/v1/chat/completions", {"model": "fine", "messages": HELLO})

    assert loaded.text == "Success: LoRA adapter 'fine' added successfully."
    assert "content-type" not in loaded.headers
    assert again.json()["error"]["type"] == "InvalidUserInput"
    assert (answered.status, answered.json()["model"], gone.status) == (200, "fine", 404)


async def test_tokenize_and_detokenize_are_inverse() -> None:
    text = "größe 漢字 🙂"
    async with vllm() as server:
        tokens = (await ask(server, "/tokenize", {"prompt": text})).json()
        back = (await ask(server, "/detokenize", {"tokens": tokens["tokens"]})).json()

    assert back == {"prompt": text}
    assert tokens["count"] == len(tokens["tokens"]) == count(text)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": "x"}, "body.messages"),
        ({}, "body.messages"),
        ({"messages": HELLO, "stream_options": {"include_usage": True}}, "stream_options"),
        ({"messages": HELLO, "temperature": -1}, "temperature"),
        ({"messages": HELLO, "cache_salt": ""}, "cache_salt"),
        ({"messages": HELLO, "tool_choice": "auto"}, "tool_choice"),
        (b'{"model":', "body.9"),
    ],
)
async def test_a_bad_body_is_a_400_that_names_the_place(body: object, param: str) -> None:
    async with vllm() as server:
        heard = await ask(server, "/v1/chat/completions", body)

    assert (heard.status, heard.json()["error"]["param"]) == (400, param)


async def test_a_completion_echoes_takes_token_ids_and_refuses_a_suffix() -> None:
    async with vllm() as server:
        echoed = (await ask(server, "/v1/completions", {"prompt": "one two", "echo": True, "max_tokens": 2})).json()
        ids = (await ask(server, "/tokenize", {"prompt": "one two"})).json()["tokens"]
        by_ids = (await ask(server, "/v1/completions", {"prompt": ids, "max_tokens": 2})).json()
        suffix = await ask(server, "/v1/completions", {"prompt": "x", "suffix": "y"})

    assert echoed["choices"][0]["text"] == "one two" + by_ids["choices"][0]["text"]
    assert (suffix.status, suffix.json()["error"]["message"]) == (
        400,
        "suffix is only supported for models with FIM completion rendering",
    )
