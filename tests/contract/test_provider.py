"""The `Provider` port, held against every adapter and the emulated servers it is for, over the real egress."""

import base64
import json
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import msgspec
import pytest

from appliance.domain.errors import BadRequest
from appliance.domain.model import Timeouts
from appliance.domain.upstream import Body, Failure, Finished, KeepAlive, Kind, UpstreamError
from appliance.domain.upstream import FailureKind as Kinds
from providers import load, simulated
from providers.simulated import (
    Fault,
    OllamaModel,
    OllamaSettings,
    Settings,
    Simulated,
    TgiSettings,
    VllmSettings,
)
from tests.providers.ask import Asker, asking

SHORT = Timeouts(first_byte=0.3, between_chunks=0.3)  # for servers that never send: waiting longer tells no more
TOOL: Final = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"enum": ["Kraków"]}}, "required": ["city"]},
        "strict": True,
    },
}
SCHEMA: Final = {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}, "required": ["a"]}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, the server it speaks to, and what that server can do."""

    provider: str
    make: Callable[..., Simulated]
    settings: Callable[..., Any]
    options: dict[str, Any] = {}
    model: str = "sim-model"
    usage_streams: bool = True
    tools: bool = True
    schemas: bool = True
    completes: bool = True
    embeds: bool = True
    thinks: bool = False
    token_ids: bool = False
    lists_models: bool = True
    load: bool = True


def library(**fields: Any) -> OllamaSettings:
    abilities = ("completion", "tools", "insert", "vision", "embedding")
    model = OllamaModel(name="sim-model:latest", capabilities=abilities)
    return OllamaSettings(library=(model,), **fields)


CASES: Final = {
    "vllm": Case(provider="vllm", make=simulated.vllm, settings=VllmSettings, token_ids=True, thinks=True),
    "ollama": Case(provider="ollama", make=simulated.ollama, settings=library, options={"num_ctx": 4096}, thinks=True),
    "tgi": Case(provider="tgi", make=simulated.tgi, settings=TgiSettings, embeds=False),
    "llama_cpp": Case(
        provider="openai_compatible",
        make=simulated.llama_cpp,
        settings=Settings,
        usage_streams=False,
        tools=False,
        schemas=False,
        embeds=False,
        load=False,
    ),
    "transformers": Case(
        provider="openai_compatible",
        make=simulated.transformers,
        settings=Settings,
        options={"strict_fields": True},
        tools=False,
        schemas=False,
        completes=False,
        embeds=False,
        lists_models=False,
        load=False,
    ),
}


def servers(able: Callable[[Case], bool]) -> pytest.MarkDecorator:
    """Only the servers that can: a test is not run where it has no meaning, rather than skipped."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items() if able(case)])


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
async def server(case: Case) -> AsyncIterator[Simulated]:
    async with case.make(case.settings(tokens=12)) as running:
        yield running
        assert running.crashes == []


@pytest.fixture
async def asker(case: Case, server: Simulated) -> AsyncIterator[Asker]:
    provider = load([case.provider], frozenset())[case.provider]
    async with asking(provider, server.url, options=case.options, upstream_model=case.model) as made:
        yield made


def message(answer: Any) -> Body:
    found: Body = answer.body["choices"][0]["message"]
    return found


# -- answers


async def test_a_whole_answer_is_an_openai_object_with_a_finish_and_a_usage(asker: Asker) -> None:
    (answer,) = await asker.whole(max_tokens=5, temperature=0)

    choice = answer.body["choices"][0]
    assert answer.body["object"] == "chat.completion"
    assert (choice["index"], choice["finish_reason"]) == (0, "length")
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert answer.usage is not None
    assert answer.usage.prompt > 0
    assert answer.usage.completion == 5


async def test_a_stream_says_the_same_as_the_whole_answer_and_ends_finished(asker: Asker, case: Case) -> None:
    (answer,) = await asker.whole(max_tokens=7, temperature=0)
    (told,) = await asker.streamed(max_tokens=7, temperature=0)

    assert told.failure is None
    assert told.events[-1] == Finished()
    assert told.text == message(answer)["content"]
    assert [choice["finish_reason"] for choice in told.choices if choice["finish_reason"]] == ["length"]
    assert [choice["delta"]["role"] for choice in told.choices if "role" in choice["delta"]] == ["assistant"]
    assert told.usage == (answer.usage if case.usage_streams else None)


async def test_only_chunks_with_something_to_say_speak(asker: Asker) -> None:
    (told,) = await asker.streamed(max_tokens=5, temperature=0)

    assert any(chunk.speaks for chunk in told.chunks)
    for chunk in told.chunks:
        assert chunk.speaks == any(choice["delta"].get("content") for choice in chunk.body["choices"])


async def test_two_choices_come_as_two_whatever_the_server_can(asker: Asker) -> None:
    call = asker.call(n=2, max_tokens=4)
    parts = asker.provider.prepare(call, asker.to)
    answers = await asker.whole(n=2, max_tokens=4)

    indexes = [
        part.first_choice + choice["index"]
        for part, answer in zip(parts, answers, strict=True)
        for choice in answer.body["choices"]
    ]
    assert sorted(indexes) == [0, 1]


async def test_two_streamed_choices_all_finish(asker: Asker) -> None:
    streams = await asker.streamed(n=2, max_tokens=4)

    finished = [choice for told in streams for choice in told.choices if choice["finish_reason"]]
    assert [told.failure for told in streams] == [None] * len(streams)
    assert len(finished) == 2


async def test_a_stop_text_is_taken_as_a_string(asker: Asker) -> None:
    (free,) = await asker.whole(max_tokens=12, temperature=0)
    word = message(free)["content"].split()[1]
    (stopped,) = await asker.whole(max_tokens=12, temperature=0, stop=word)

    assert word not in message(stopped)["content"]
    assert stopped.body["choices"][0]["finish_reason"] == "stop"


async def test_fields_an_sdk_sends_without_being_asked_are_harmless(asker: Asker) -> None:
    (plain,) = await asker.whole(max_tokens=5, temperature=0)
    (told,) = await asker.whole(
        max_completion_tokens=5,
        temperature=0,
        top_p=1,
        presence_penalty=0,
        frequency_penalty=0,
        n=1,
        logit_bias={},
        user="somebody",
        store=False,
        metadata={},
        nobody_knows_this=None,
    )

    assert message(told)["content"] == message(plain)["content"]


# -- tools and shapes


@servers(lambda case: case.tools)
async def test_an_offered_tool_is_called_with_json_arguments(asker: Asker, case: Case) -> None:
    choice = "auto" if case.provider == "ollama" else "required"
    ask = [{"role": "user", "content": "call the tool weather"}]

    (answer,) = await asker.whole(messages=ask, tools=[TOOL], tool_choice=choice, max_tokens=100)

    calls = message(answer).get("tool_calls")
    assert calls, message(answer)
    assert json.loads(calls[0]["function"]["arguments"]) == {"city": "Kraków"}
    assert calls[0]["function"]["name"] == "weather"
    assert len(calls[0]["id"]) > 5
    assert answer.body["choices"][0]["finish_reason"] == "tool_calls"


@servers(lambda case: case.tools)
async def test_streamed_tool_calls_assemble_by_concatenation(asker: Asker, case: Case) -> None:
    choice = "auto" if case.provider == "ollama" else "required"
    ask = [{"role": "user", "content": "call the tool weather"}]

    (told,) = await asker.streamed(messages=ask, tools=[TOOL], tool_choice=choice, max_tokens=100)

    deltas = [call for choice in told.choices for call in choice["delta"].get("tool_calls", ())]
    first = [delta for delta in deltas if delta["index"] == 0]
    assert told.failure is None
    assert [delta["id"] for delta in first if "id" in delta] == [first[0]["id"]]
    assert [delta["function"]["name"] for delta in first if "name" in delta["function"]] == ["weather"]
    assert json.loads("".join(delta["function"]["arguments"] for delta in first)) == {"city": "Kraków"}
    assert [choice["finish_reason"] for choice in told.choices if choice["finish_reason"]] == ["tool_calls"]


@servers(lambda case: case.schemas)
async def test_an_answer_has_the_shape_of_the_schema_asked_for(asker: Asker, case: Case) -> None:
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}

    (answer,) = await asker.whole(response_format=shape, max_tokens=100)

    assert json.loads(message(answer)["content"])["a"] in {"x", "y"}


@servers(lambda case: case.thinks)
async def test_a_thought_goes_by_both_names(case: Case) -> None:
    provider = load([case.provider], frozenset())[case.provider]
    abilities = ("completion", "thinking")
    settings = (
        OllamaSettings(library=(OllamaModel(name="sim-model:latest", capabilities=abilities),), reasoning=True)
        if case.provider == "ollama"
        else case.settings(reasoning=True)
    )
    async with case.make(settings) as server, asking(provider, server.url) as asker:
        (answer,) = await asker.whole(reasoning_effort="high", max_tokens=60)
        (told,) = await asker.streamed(reasoning_effort="high", max_tokens=60)

    assert message(answer)["reasoning"]
    assert message(answer)["reasoning"] == message(answer)["reasoning_content"]
    deltas = [choice["delta"] for choice in told.choices if "reasoning" in choice["delta"]]
    assert deltas
    assert all(delta["reasoning"] == delta["reasoning_content"] for delta in deltas)


NOBODY: Final = {"type": "function", "function": {"name": "nobody"}}


async def refusal(asker: Asker, words: Body, *, stream: bool) -> Failure | None:
    """Why the server refused; None when it answered. Raises BadRequest where the adapter knows."""
    if stream:
        (told,) = await asker.streamed(**words)
        return told.failure
    try:
        await asker.whole(**words)
    except UpstreamError as e:
        return e.failure
    return None


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "words",
    [
        pytest.param({"tools": [TOOL], "tool_choice": "nonsense"}, id="tool-choice"),
        pytest.param({"tools": [TOOL], "tool_choice": NOBODY}, id="tool-not-on-offer"),
        pytest.param({"response_format": {"type": "nonsense"}}, id="response-format"),
    ],
)
async def test_a_word_no_field_knows_is_the_clients_fault(asker: Asker, words: Body, stream: bool) -> None:  # noqa: FBT001  a parameter
    try:
        refused = await refusal(asker, words, stream=stream)
    except BadRequest:
        return

    assert refused is not None
    assert refused.kind is Kinds.BAD_REQUEST


async def test_media_by_address_never_reaches_the_server(asker: Asker, server: Simulated) -> None:
    url = {"type": "image_url", "image_url": {"url": "http://10.0.0.1/a.png"}}

    with pytest.raises(BadRequest) as refused:
        await asker.whole(messages=[{"role": "user", "content": [url]}])

    assert refused.value.param == "messages[0].content[0]"
    assert server.seen == []


# -- completions and embeddings


@servers(lambda case: case.completes)
async def test_each_prompt_of_a_list_is_completed(asker: Asker) -> None:
    answers = await asker.whole(Kind.COMPLETION, prompt=["one", "two"], max_tokens=3)

    texts = [choice["text"] for answer in answers for choice in answer.body["choices"]]
    assert len(texts) == 2
    assert all(texts)


@servers(lambda case: case.completes)
async def test_a_streamed_completion_says_the_same_as_the_whole(asker: Asker) -> None:
    (answer,) = await asker.whole(Kind.COMPLETION, prompt="one", max_tokens=5, temperature=0)
    (told,) = await asker.streamed(Kind.COMPLETION, prompt="one", max_tokens=5, temperature=0)

    assert told.failure is None
    assert told.text == answer.body["choices"][0]["text"]


@pytest.fixture
async def embedder(case: Case) -> AsyncIterator[Asker]:
    provider = load([case.provider], frozenset())[case.provider]
    settings = VllmSettings(task="embed") if case.provider == "vllm" else case.settings()
    async with case.make(settings) as server, asking(provider, server.url) as made:
        yield made


@servers(lambda case: case.embeds)
async def test_embeddings_are_the_same_in_both_encodings(embedder: Asker) -> None:
    (floats,) = await embedder.whole(Kind.EMBEDDINGS, input=["one", "two"])
    (packed,) = await embedder.whole(Kind.EMBEDDINGS, input=["one", "two"], encoding_format="base64")

    assert [row["index"] for row in floats.body["data"]] == [0, 1]
    for row, other in zip(floats.body["data"], packed.body["data"], strict=True):
        raw = base64.b64decode(other["embedding"])
        assert list(struct.unpack(f"<{len(raw) // 4}f", raw)) == pytest.approx(row["embedding"], rel=1e-6)
    assert floats.usage is not None
    assert floats.usage.prompt > 0


@servers(lambda case: case.embeds)
async def test_token_ids_are_embedded_or_refused_in_clear_words(embedder: Asker, case: Case) -> None:
    if case.token_ids:
        (answer,) = await embedder.whole(Kind.EMBEDDINGS, input=[[1, 2], [3]])
        assert len(answer.body["data"]) == 2
        return
    with pytest.raises(BadRequest, match="not token ids"):
        await embedder.whole(Kind.EMBEDDINGS, input=[[1, 2], [3]])


# -- faults

FINE = None
INTERNAL = {Kinds.DEAD, Kinds.GENERATION, Kinds.INCOMPLETE}
# fault -> what becomes of a stream, what becomes of a whole answer
FAULTS: Final[dict[Fault, tuple[Any, Any]]] = {
    Fault.OVERLOAD: (Kinds.OVERLOAD, Kinds.OVERLOAD),
    Fault.OVERLOAD_IN_STREAM: (Kinds.OVERLOAD, Kinds.OVERLOAD),
    Fault.RATE_LIMITED: (Kinds.OVERLOAD, Kinds.OVERLOAD),
    Fault.LOADING: (Kinds.OVERLOAD, Kinds.OVERLOAD),
    Fault.GRAMMAR_ERROR: (Kinds.BAD_REQUEST, Kinds.BAD_REQUEST),
    Fault.BAD_REQUEST: (Kinds.BAD_REQUEST, Kinds.BAD_REQUEST),
    Fault.UNAUTHORIZED: (Kinds.AUTH, Kinds.AUTH),
    Fault.EMPTY_UNAUTHORIZED: (Kinds.AUTH, Kinds.AUTH),
    Fault.FORBIDDEN: (Kinds.AUTH, Kinds.AUTH),
    Fault.MODEL_NOT_FOUND: (Kinds.NOT_FOUND, Kinds.NOT_FOUND),
    Fault.CONTEXT_OVERFLOW: (Kinds.CONTEXT, Kinds.CONTEXT),
    Fault.CONTEXT_OVERFLOW_RUNNER: (Kinds.CONTEXT, Kinds.CONTEXT),
    Fault.CONTEXT_OVERFLOW_EMBED: (Kinds.CONTEXT, Kinds.CONTEXT),
    Fault.GENERATION_FAILED: (Kinds.GENERATION, Kinds.GENERATION),
    Fault.INCOMPLETE_GENERATION: (Kinds.INCOMPLETE, Kinds.INCOMPLETE),
    Fault.INTERNAL_ERROR: (INTERNAL, INTERNAL),
    Fault.ENGINE_DEAD: (INTERNAL, INTERNAL),
    Fault.HTML_ERROR: (Kinds.DEAD, Kinds.DEAD),
    Fault.LEAKY_ERROR: (Kinds.GENERATION, Kinds.GENERATION),
    Fault.REDIRECT: (Kinds.PROTOCOL, Kinds.PROTOCOL),
    Fault.RESET_BEFORE_HEADERS: (Kinds.DEAD, Kinds.DEAD),
    Fault.CLOSE_BEFORE_HEADERS: (Kinds.DEAD, Kinds.DEAD),
    Fault.CLOSE_IDLE: (FINE, FINE),
    Fault.GARBAGE: (Kinds.PROTOCOL, Kinds.PROTOCOL),
    Fault.STALL_BEFORE_HEADERS: (Kinds.TIMEOUT, Kinds.TIMEOUT),
    Fault.STALL_BEFORE_FIRST_TOKEN: (Kinds.TIMEOUT, FINE),
    Fault.STALL_MID_STREAM: (Kinds.TIMEOUT, Kinds.TIMEOUT),
    Fault.COLD_LOAD: (FINE, FINE),
    Fault.SLOW_DRIP: (FINE, FINE),
    Fault.SILENT_END: (Kinds.INCOMPLETE, FINE),
    Fault.SILENT_STOP: ({Kinds.GENERATION, Kinds.INCOMPLETE}, FINE),
    Fault.RESET_MID_STREAM: (Kinds.DEAD, Kinds.DEAD),
    Fault.CLOSE_MID_CHUNK: (Kinds.DEAD, Kinds.DEAD),
    Fault.ERROR_MID_STREAM: ({Kinds.GENERATION, Kinds.DEAD}, FINE),
    Fault.NO_DONE: (FINE, FINE),
    Fault.DONE_WITHOUT_FINISH: (Kinds.INCOMPLETE, FINE),
    # Without [DONE] nothing parts the error from the answer.
    Fault.ERROR_AFTER_DONE: ({FINE, Kinds.GENERATION}, FINE),
    Fault.BYTES_AFTER_DONE: (FINE, FINE),
    Fault.EMPTY_ANSWER: (FINE, FINE),
    Fault.MISSING_USAGE: (FINE, FINE),
    Fault.USAGE_ON_FINISH: (FINE, FINE),
    Fault.KEEP_ALIVE_COMMENTS: (FINE, FINE),
    Fault.CRLF: (FINE, FINE),
    Fault.BARE_CR: (FINE, FINE),
    Fault.BOM: (FINE, FINE),
    Fault.MULTI_LINE_DATA: (FINE, FINE),
    Fault.NO_SPACE: (FINE, FINE),
    Fault.EVENT_FIELDS: (FINE, FINE),
    Fault.HUGE_LINE: (Kinds.PROTOCOL, FINE),
    Fault.INVALID_JSON: (Kinds.PROTOCOL, Kinds.PROTOCOL),
    Fault.INVALID_UTF8: (Kinds.PROTOCOL, Kinds.PROTOCOL),
    Fault.SPLIT_CHARACTER: (FINE, FINE),
    Fault.SPLIT_LINE: (FINE, FINE),
    Fault.JOINED_EVENTS: (FINE, FINE),
    Fault.WRONG_CONTENT_TYPE: (FINE, FINE),
    Fault.EMPTY_BODY: (Kinds.INCOMPLETE, Kinds.PROTOCOL),
    Fault.NOT_AN_OBJECT: (Kinds.PROTOCOL, Kinds.PROTOCOL),
    Fault.TRUNCATED_BODY: (Kinds.INCOMPLETE, Kinds.PROTOCOL),
    Fault.SHORT_BODY: (FINE, Kinds.DEAD),
    Fault.LONG_BODY: (FINE, Kinds.PROTOCOL),
    Fault.GZIP: (Kinds.PROTOCOL, Kinds.PROTOCOL),
    Fault.CLOSE_DELIMITED: (FINE, FINE),
    Fault.BOTH_LENGTHS: (Kinds.PROTOCOL, Kinds.PROTOCOL),
    Fault.EARLY_HINTS: (FINE, FINE),
    Fault.HUGE_HEADERS: (Kinds.PROTOCOL, Kinds.PROTOCOL),
}
ALTERED: Final = {Fault.EMPTY_ANSWER, Fault.SPLIT_CHARACTER}  # the text is another one


SHOWN: Final = [
    pytest.param(case, fault, id=f"{name}-{fault}")
    for name, case in CASES.items()
    for fault in sorted(case.make().faults.known)
]


def is_as_said(found: Kinds | None, said: Any) -> bool:
    return found in said if isinstance(said, set) else found is said


def test_every_fault_has_its_verdict_and_a_server_that_shows_it() -> None:
    assert set(FAULTS) == set(Fault)
    assert {param.values[1] for param in SHOWN} == set(Fault)


@pytest.mark.parametrize(("case", "fault"), SHOWN)
async def test_a_fault_in_a_stream_is_told_for_what_it_is(asker: Asker, server: Simulated, fault: Fault) -> None:
    aimed = asker.aimed(timeouts=SHORT) if FAULTS[fault][0] is Kinds.TIMEOUT else asker
    (fine,) = await asker.streamed(max_tokens=8, temperature=0)
    server.faults.set(fault, seconds=0.01 if fault in {Fault.COLD_LOAD, Fault.SLOW_DRIP} else None)

    (told,) = await aimed.streamed(max_tokens=8, temperature=0)

    assert is_as_said(told.failure.kind if told.failure else None, FAULTS[fault][0]), told.failure
    if told.failure is None and fault not in ALTERED:
        assert told.text == fine.text
        assert told.usage == (None if fault is Fault.MISSING_USAGE else fine.usage or told.usage)


@pytest.mark.parametrize(("case", "fault"), SHOWN)
async def test_a_fault_in_a_whole_answer_is_told_for_what_it_is(asker: Asker, server: Simulated, fault: Fault) -> None:
    aimed = asker.aimed(timeouts=SHORT) if FAULTS[fault][1] is Kinds.TIMEOUT else asker
    server.faults.set(fault, seconds=0.01 if fault in {Fault.COLD_LOAD, Fault.SLOW_DRIP} else None)

    found = None
    try:
        await aimed.whole(max_tokens=8, temperature=0)
    except UpstreamError as e:
        found = e.failure.kind

    assert is_as_said(found, FAULTS[fault][1]), found


async def test_keep_alives_come_before_the_first_chunk_and_say_nothing(asker: Asker, server: Simulated) -> None:
    server.faults.set(Fault.KEEP_ALIVE_COMMENTS)

    (told,) = await asker.streamed(max_tokens=4)

    if Fault.KEEP_ALIVE_COMMENTS in server.faults.known and asker.provider.traits.name != "ollama":
        assert told.events[:3] == [KeepAlive()] * 3
    assert told.failure is None


@servers(lambda case: case.provider == "vllm")
async def test_the_endpoints_own_key_is_asked_for_and_sent(case: Case) -> None:
    provider = load([case.provider], frozenset())[case.provider]
    async with case.make(case.settings(api_keys=("sesame",))) as server, asking(provider, server.url) as asker:
        with pytest.raises(UpstreamError) as refused:
            await asker.whole()

    assert refused.value.failure.kind is Kinds.AUTH


# -- control


@servers(lambda case: case.lists_models)
async def test_models_are_discovered_with_their_context(asker: Asker, case: Case) -> None:
    models = await asker.provider.discover(asker.fetch, asker.to)

    names = [model.id.removesuffix(":latest") for model in models]
    assert "sim-model" in names
    assert not any(model.remote for model in models)
    if case.provider != "openai_compatible":
        assert models[names.index("sim-model")].context


async def test_a_running_endpoint_is_live_and_a_stopped_one_dead(asker: Asker, server: Simulated) -> None:
    live = await asker.provider.health(asker.fetch, asker.to)
    await server.stop()
    dead = await asker.provider.health(asker.fetch, asker.to)

    assert live.state == "live"
    assert dead.state == "dead"
    assert dead.why


async def test_an_idle_endpoint_reports_its_load(asker: Asker, case: Case) -> None:
    found = await asker.provider.load(asker.fetch, asker.to)

    assert (found is not None) is case.load
    if found is not None:
        assert found.waiting in {None, 0}


async def test_control_traffic_never_generates_a_token_or_moves_a_model(asker: Asker, server: Simulated) -> None:
    provider, fetch, to = asker.provider, asker.fetch, asker.to
    await provider.health(fetch, to)
    await provider.load(fetch, to)
    await provider.examine(fetch, to)

    assert server.stats.generated_tokens == 0
    assert server.stats.prompt_tokens == 0
    assert {seen.path for seen in server.seen}.isdisjoint({"/api/pull", "/api/chat", "/api/generate", "/api/embed"})
    posted = [json.loads(seen.body) for seen in server.seen if seen.method == "POST"]
    assert all(body in ({}, {"model": "sim-model"}) for body in posted)


async def test_the_doctor_finds_a_good_endpoint_without_failures(asker: Asker, case: Case) -> None:
    findings = await asker.provider.examine(asker.fetch, asker.to)

    assert findings
    assert [finding for finding in findings if finding.level == "fail"] == []
    if case.lists_models:
        assert ("model", "ok") in {(finding.check, finding.level) for finding in findings}


async def test_the_doctor_says_that_an_endpoint_is_gone(asker: Asker, server: Simulated) -> None:
    await server.stop()

    findings = await asker.provider.examine(asker.fetch, asker.to)

    assert [(finding.check, finding.level) for finding in findings] == [("reachable", "fail")]


async def test_the_deployment_as_used_here_has_no_problems(asker: Asker) -> None:
    assert asker.provider.check(asker.to) == []
