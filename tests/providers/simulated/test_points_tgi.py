"""TGI's part of the fidelity checklist, points 28 to 30."""

import re

from providers.simulated import Fault, Simulated, TgiSettings, tgi
from tests.providers.simulated.wire import HELLO, TOOL, Heard, Talk, ask, chat, get, stream


async def _native(server: Simulated, path: str = "/generate", **parameters: object) -> Heard:
    return await ask(server, path, {"inputs": "hello", "parameters": parameters})


async def test_point_28_framing_comments_ids_roles_and_null_usage() -> None:
    async with tgi() as new, tgi(TgiSettings(data_space=False)) as old:
        spaced, tight = await stream(new, stream_options={"include_usage": True}), await stream(old)
    async with tgi(TgiSettings(first_token_s=0.05, keep_alive_comment_s=0.02)) as slow:
        commented = await stream(slow)

    assert spaced.text.startswith("data: {")
    assert tight.text.startswith("data:{")
    assert commented.text.startswith(":\n\n")
    assert {event["id"] for event in spaced.events} == {""}
    assert all(event["choices"][0]["delta"]["role"] == "assistant" for event in spaced.events[:-1])
    assert all(event["usage"] is None for event in spaced.events[:-1])
    assert spaced.events[-2]["choices"][0]["finish_reason"] == "stop"
    assert spaced.events[-1]["choices"] == []
    assert spaced.events[-1]["usage"]["total_tokens"] > 0


async def test_point_29_errors_have_a_type_and_in_a_stream_always_say_422() -> None:
    settings = TgiSettings(max_concurrent_requests=1, api_keys=("Key",))
    key = {"authorization": "Bearer kEY"}
    body = {"model": "tgi", "messages": HELLO}
    async with tgi(settings) as server, Talk(server) as busy:
        server.faults.set(Fault.STALL_BEFORE_FIRST_TOKEN, times=1)
        busy.say("/v1/chat/completions", {**body, "stream": True}, key)
        await busy.head()
        whole = await ask(server, "/v1/chat/completions", body, key)
        streamed = await ask(server, "/v1/chat/completions", {**body, "stream": True}, key)
        native = await ask(server, "/generate_stream", {"inputs": "x"}, key)
        keyless = await ask(server, "/v1/chat/completions", body)
        open_doors = [(await get(server, path)).status for path in ("/info", "/health", "/metrics", "/v1/models")]
    async with tgi() as server:
        server.faults.set(Fault.GENERATION_FAILED, times=1)
        failed = await chat(server)
        good = await _native(server, "/generate_stream", max_new_tokens=2)

    assert (whole.status, whole.json()["error_type"]) == (429, "overloaded")
    assert streamed.events[0] == {"error": {"message": "Model is overloaded", "http_status_code": 422}}
    assert streamed.data[-1] == "[DONE]"
    assert native.events == [{"error": "Model is overloaded", "error_type": "overloaded"}]
    assert "[DONE]" not in native.data + good.data
    assert (failed.status, failed.json()["error_type"]) == (424, "generation")
    assert (keyless.status, keyless.body) == (401, b"")
    assert open_doors == [200] * 4


async def test_point_30_openai_fields_are_read_in_tgis_own_way() -> None:
    async with tgi() as server:
        plain = (await chat(server, model="tgi")).json()
        penalised = (await chat(server, model="tgi", presence_penalty=0)).json()
        adapter = (await chat(server, model="no-such-adapter")).json()
        top_p = await chat(server, top_p=1)
        stop = await chat(server, stop="x")
        both = await chat(server, tools=[TOOL], response_format={"type": "json", "value": {}})
        shape = await chat(server, response_format={"type": "json_schema", "json_schema": {"schema": {}}})
        word = plain["choices"][0]["message"]["content"].split()[1]
        stopped = (await chat(server, model="tgi", stop=[word])).json()
        cards = (await get(server, "/v1/models")).json()["data"]

    # An innocent 0 is a penalty of 2: the text is another.
    assert penalised["choices"][0]["message"] != plain["choices"][0]["message"]
    # An unknown adapter answers from the base model, under the name that was sent.
    assert adapter["choices"][0]["message"] == plain["choices"][0]["message"]
    assert adapter["model"] == "no-such-adapter"
    assert [h.status for h in (top_p, stop, both, shape)] == [422] * 4
    assert top_p.json()["error"] == "Input validation error: `top_p` must be > 0.0 and < 1.0"
    assert stop.headers["content-type"] == "text/plain; charset=utf-8"
    assert both.json()["error"] == "Tool error: Grammar and tools are mutually exclusive"
    assert stopped["choices"][0]["finish_reason"] == "stop_sequence"
    assert cards[0]["created"] == 0


# --- further traits of §3


async def test_a_word_that_is_no_tool_choice_is_the_name_of_a_function() -> None:
    offered = TOOL["function"]["name"]
    async with tgi() as server:
        named = await chat(server, tools=[TOOL], tool_choice=offered)
        unknown = [await ask_for(server, tools=[TOOL], tool_choice="nonsense") for ask_for in (chat, stream)]
        shapeless = await chat(server, tools=[TOOL], tool_choice={"type": "nonsense"})

    assert named.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == offered
    assert [h.status for h in (*unknown, shapeless)] == [422] * 3
    assert {h.json()["error"] for h in unknown} == {"Tool error: Tool with name nonsense not found"}
    assert shapeless.text.startswith("Failed to deserialize the JSON body into the target type: tool_choice")


async def test_tool_deltas_repeat_everything_but_the_name() -> None:
    async with tgi() as server:
        heard = await stream(server, tools=[TOOL])
        whole = (await chat(server, tools=[TOOL])).json()["choices"][0]

    deltas = [event["choices"][0]["delta"] for event in heard.events]
    calls = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert {call["id"] for call in calls} == {"0"}
    assert [call["function"]["name"] for call in calls] == ["get_weather", *[None] * (len(calls) - 1)]
    assert heard.events[-1]["choices"][0]["finish_reason"] == "stop"
    assert isinstance(whole["message"]["tool_calls"][0]["function"]["arguments"], str)


async def test_the_window_is_enforced_in_tgis_words() -> None:
    async with tgi(TgiSettings(context_length=128)) as server:
        total = await chat(server, max_tokens=5000)
        prompt = await chat(server, messages=[{"role": "user", "content": "x" * 9000}])
        streamed = await stream(server, max_tokens=5000)
        info = (await get(server, "/info")).json()

    said = r"Input validation error: `inputs` tokens \+ `max_new_tokens` must be <= 128\. Given: \d+ `inputs` tokens"
    assert (total.status, prompt.status, streamed.status) == (422, 422, 200)
    assert re.match(said, total.json()["error"])
    assert re.match(said, streamed.events[0]["error"]["message"])
    assert "`inputs` must have less than 127 tokens. Given: " in prompt.json()["error"]
    assert (info["max_total_tokens"], info["max_input_tokens"]) == (128, 127)


async def test_native_generation_reports_details_when_asked_and_its_times_in_headers() -> None:
    async with tgi() as server:
        whole = await _native(server, max_new_tokens=2, details=True)
        streamed = await _native(server, "/generate_stream", max_new_tokens=2, details=True)
        greedy = await _native(server, temperature=0)

    assert whole.json()["details"]["finish_reason"] == "length"
    assert whole.headers["x-generated-tokens"] == "2"
    assert streamed.events[0]["generated_text"] is None
    assert streamed.events[-1]["generated_text"] == whole.json()["generated_text"]
    assert streamed.events[-1]["details"]["input_length"] == 2
    assert greedy.status == 422
    assert "`temperature` must be strictly positive" in greedy.json()["error"]


async def test_metrics_have_tgis_names() -> None:
    async with tgi() as server:
        await chat(server)
        await chat(server, top_p=1)
        text = (await get(server, "/metrics")).text

    for line in (
        "tgi_queue_size 0",
        "tgi_batch_current_size 0",
        "tgi_request_count 2",
        'tgi_request_success{method="generate"} 1',
        'tgi_request_failure{err="validation"} 1',
        "tgi_request_generated_tokens_sum 16.0",
    ):
        assert line in text


async def test_completions_number_prompts_and_refuse_a_suffix() -> None:
    async with tgi() as server:
        made = (await ask(server, "/v1/completions", {"model": "tgi", "prompt": ["a", "b"], "max_tokens": 2})).json()
        suffix = await ask(server, "/v1/completions", {"model": "tgi", "prompt": "a", "suffix": "b"})

    assert [choice["index"] for choice in made["choices"]] == [0, 1]
    assert suffix.status == 422
