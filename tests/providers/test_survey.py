"""Load figures and the doctor's findings that no emulated server shows."""

import json
from typing import Any

import pytest

from appliance.domain.model import Deployment, Load
from appliance.domain.upstream import Failure, FailureKind, UpstreamError
from appliance.ports.upstream import Fetched
from providers import load
from tests.providers.golden import deployment

PROVIDERS = load(["vllm", "ollama", "tgi", "openai_compatible"], frozenset())


class Canned:
    """A Fetch over canned answers; what is not there is a 404, and a None is a dead socket."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, bytes | None, bool]] = []

    async def fetch(
        self,
        to: Deployment,
        path: str,
        *,
        body: bytes | None = None,
        timeout: float = 5.0,
        credential: bool = True,
    ) -> Fetched:
        self.asked.append((path, body, credential))
        found = self.answers.get(path, 404)
        if found is None:
            raise UpstreamError(Failure(kind=FailureKind.DEAD, message="refused"))
        if isinstance(found, int):
            return Fetched(found, {}, b'{"detail":"Not Found"}')
        return Fetched(200, {}, found.encode() if isinstance(found, str) else json.dumps(found).encode())


async def findings(provider: str, answers: dict[str, Any], **fields: Any) -> dict[str, tuple[str, str]]:
    found = await PROVIDERS[provider].examine(Canned(answers), deployment(provider, **fields))
    return {finding.check: (finding.level, finding.text) for finding in found}


VLLM_PAGE = """\
# HELP vllm:num_requests_running Number of requests
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 2.0
vllm:num_requests_running{engine="1",model_name="tiny"} 1.0
vllm:num_requests_waiting{engine="0",model_name="a } b"} 4.0
vllm:num_requests_waiting_by_reason{reason="capacity"} 9.0
%s{engine="0",model_name="tiny"} 0.25
%s{engine="1",model_name="tiny"} 0.5
not a sample
vllm:odd{engine="0"} NaN
"""


@pytest.mark.parametrize("gauge", ["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"])
async def test_vllms_gauges_are_summed_over_engines_under_new_names_and_old(gauge: str) -> None:
    page = VLLM_PAGE % (gauge, gauge)

    found = await PROVIDERS["vllm"].load(Canned({"/metrics": page}), deployment("vllm"))

    assert found == Load(running=3.0, waiting=4.0, cache_used=0.5)


@pytest.mark.parametrize(
    ("provider", "page", "expected"),
    [
        ("tgi", "tgi_queue_size 3\ntgi_batch_current_size 5\n", Load(running=5.0, waiting=3.0)),
        (
            "openai_compatible",
            "llamacpp:requests_processing 1\nllamacpp:requests_deferred 2\nllamacpp:kv_cache_usage_ratio 0.5\n",
            Load(running=1.0, waiting=2.0, cache_used=0.5),
        ),
        (
            "openai_compatible",
            'sglang:num_running_reqs{model_name="m"} 1.0\nsglang:num_queue_reqs{model_name="m"} 2.0\n',
            Load(running=1.0, waiting=2.0),
        ),
        ("openai_compatible", "process_cpu_seconds_total 1\n", None),
    ],
)
async def test_other_servers_gauges_are_read(provider: str, page: str, expected: Load | None) -> None:
    assert await PROVIDERS[provider].load(Canned({"/metrics": page}), deployment(provider)) == expected


async def test_a_server_without_metrics_has_no_load() -> None:
    assert await PROVIDERS["vllm"].load(Canned({}), deployment("vllm")) is None


async def test_ollama_tells_whether_its_model_is_in_memory() -> None:
    version = {"version": "0.33.0"}
    running = {"models": [{"name": "tiny:latest", "context_length": 4096}]}

    warm = await PROVIDERS["ollama"].load(Canned({"/api/version": version, "/api/ps": running}), deployment("ollama"))
    cold = await PROVIDERS["ollama"].load(
        Canned({"/api/version": version, "/api/ps": {"models": []}}), deployment("ollama")
    )

    assert (warm, cold) == (Load(loaded=True), Load(loaded=False))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "TEXT named_metrics.num_requests_waiting=3.0, named_metrics.kv_cache_usage_perc=0.5",
            Load(waiting=3.0, cache_used=0.5),
        ),
        ("named_metrics.num_requests_waiting=1", Load(waiting=1.0)),
        (
            'JSON {"named_metrics": {"num_requests_waiting": 2, "num_requests_running": 1.0}}',
            Load(running=1.0, waiting=2.0),
        ),
        ("TEXT ", None),
        ("JSON {oops", None),
        ("TEXT named_metrics.num_requests_waiting=many", None),
        ("", None),
        (None, None),
    ],
)
def test_the_load_report_beside_an_answer_is_read(header: str | None, expected: Load | None) -> None:
    assert PROVIDERS["vllm"].reported_load(header) == expected


VLLM_GOOD = {
    "/v1/models": {"data": [{"id": "tiny", "max_model_len": 512, "root": "/models/tiny"}]},
    "/version": {"version": "0.33.0"},
    "/openapi.json": {"paths": {"/v1/chat/completions": {}}},
}


async def test_an_unguarded_invocations_route_is_a_warning() -> None:
    found = await findings("vllm", {**VLLM_GOOD, "/invocations": 400})

    assert found["unauthenticated-routes"][0] == "warn"
    assert found["endpoint-key"][0] == "warn"
    assert found["version"] == ("ok", "vLLM 0.33.0")
    assert found["context"] == ("ok", "512 tokens, prompt and answer together")


async def test_the_doctor_asks_as_a_stranger_and_sends_nothing_that_generates() -> None:
    canned = Canned({**VLLM_GOOD, "/invocations": 401})

    await PROVIDERS["vllm"].examine(canned, deployment("vllm"))

    assert [asked for asked in canned.asked if asked[0] == "/invocations"] == [("/invocations", b"{}", False)]
    assert all(body in {None, b"{}"} for _, body, _ in canned.asked)


async def test_development_routes_are_a_failure() -> None:
    found = await findings("vllm", {**VLLM_GOOD, "/server_info": {"vllm_config": ""}})

    assert found["dev-routes"][0] == "fail"


async def test_adapters_loaded_by_request_are_a_warning() -> None:
    found = await findings("vllm", {**VLLM_GOOD, "/openapi.json": {"paths": {"/v1/load_lora_adapter": {}}}})

    assert found["lora-routes"][0] == "warn"


async def test_a_model_that_is_not_served_is_named_beside_those_that_are() -> None:
    found = await findings("vllm", VLLM_GOOD, upstream_model="huge")

    assert found["model"] == ("fail", "the endpoint does not serve `huge`; it serves: `tiny`")


async def test_lora_adapters_are_discovered_with_their_parent() -> None:
    cards = {"data": [{"id": "tiny", "max_model_len": 512}, {"id": "fine", "parent": "tiny", "max_model_len": 512}]}

    base, adapter = await PROVIDERS["vllm"].discover(Canned({**VLLM_GOOD, "/v1/models": cards}), deployment("vllm"))

    assert (base.parent, adapter.parent, adapter.context) == (None, "tiny", 512)
    assert base.capabilities == ("chat",)


OLLAMA_GOOD = {
    "/api/version": {"version": "0.33.0"},
    "/api/tags": {"models": [{"name": "tiny:latest", "capabilities": ["completion", "tools", "thinking"]}]},
    "/api/ps": {"models": [{"name": "tiny:latest", "context_length": 4096}]},
    "/api/show": {"model_info": {"llama.context_length": 8192}},
    "/api/status": {"cloud": {"disabled": True, "source": "env"}},
}


async def test_a_well_kept_ollama_has_no_complaint() -> None:
    found = await findings("ollama", OLLAMA_GOOD, options={"num_ctx": 4096})

    assert {level for level, _ in found.values()} == {"ok"}


@pytest.mark.parametrize(
    ("changed", "options", "check", "level"),
    [
        ({}, {}, "context", "warn"),  # nothing pinned
        ({}, {"num_ctx": 16384}, "context", "fail"),  # more than the model was made for
        ({"/api/ps": {"models": [{"name": "tiny", "context_length": 2048}]}}, {"num_ctx": 4096}, "context", "warn"),
        ({"/api/status": {"cloud": {"disabled": False}}}, {}, "cloud-switch", "fail"),
        ({"/api/status": 404}, {}, "cloud-switch", "warn"),
        ({"/api/tags": {"models": [{"name": "tiny", "remote_host": "x"}]}}, {}, "cloud", "fail"),
        ({"/api/tags": {"models": [{"name": "tiny"}, {"name": "big:cloud"}]}}, {}, "cloud", "warn"),
        ({"/api/tags": {"models": []}}, {}, "model", "fail"),
    ],
)
async def test_what_is_wrong_with_an_ollama_is_found(
    changed: dict[str, Any], options: dict[str, Any], check: str, level: str
) -> None:
    found = await findings("ollama", {**OLLAMA_GOOD, **changed}, options=options)

    assert found[check][0] == level


async def test_an_ollama_reached_over_the_network_has_no_keys() -> None:
    found = await findings("ollama", OLLAMA_GOOD, url="http://10.0.0.5:11434")

    assert found["endpoint-key"][0] == "warn"


async def test_ollamas_models_are_discovered_with_their_abilities() -> None:
    (found,) = await PROVIDERS["ollama"].discover(Canned(OLLAMA_GOOD), deployment("ollama"))

    assert found.capabilities == ("chat", "completions", "tools", "reasoning")
    assert (found.context, found.loaded, found.remote) == (4096, True, False)


TGI_INFO = {
    "model_id": "org/tiny",
    "version": "3.3.7",
    "max_input_tokens": 1000,
    "max_total_tokens": 1024,
    "max_concurrent_requests": 128,
}


async def test_tgis_limits_are_told_and_compared() -> None:
    found = await findings("tgi", {"/info": TGI_INFO, "/v1/chat/completions": 422}, max_parallel=None)
    guarded = await findings(
        "tgi", {"/info": TGI_INFO, "/v1/chat/completions": 401}, upstream_model="org/tiny", max_parallel=64
    )

    assert found["parallel"][0] == "warn"
    assert found["model"][0] == "warn"
    assert found["endpoint-key"][0] == "warn"
    assert {level for level, _ in guarded.values()} == {"ok"}


async def test_prompts_shown_by_llama_cpp_are_a_failure() -> None:
    good = {"/health": {"status": "ok"}, "/v1/models": {"data": [{"id": "tiny", "meta": {"n_ctx_train": 4096}}]}}

    found = await findings("openai_compatible", {**good, "/slots": [], "/props": {"n_ctx": 2048}})

    assert found["slots"][0] == "fail"
    assert found["context"] == ("ok", "2048 tokens, prompt and answer together")


async def test_a_server_that_may_break_streams_off_is_told_how_to_be_started() -> None:
    """The cards are as recorded from llama-cpp-python 0.3.36; llama.cpp's own server says `llamacpp`."""
    python = {"data": [{"id": "tiny", "object": "model", "owned_by": "me", "permissions": []}]}
    native = {"data": [{"id": "tiny", "object": "model", "owned_by": "llamacpp", "meta": {"n_ctx_train": 4096}}]}

    warned = await findings("openai_compatible", {"/health": {}, "/v1/models": python})
    silent = await findings("openai_compatible", {"/health": {}, "/v1/models": native})

    assert warned["interruptions"][0] == "warn"
    assert "--interrupt_requests false" in warned["interruptions"][1]
    assert "interruptions" not in silent


async def test_a_loading_llama_cpp_is_loading_not_dead() -> None:
    class Loading(Canned):
        async def fetch(self, to: Deployment, path: str, **_: Any) -> Fetched:
            return Fetched(503, {}, b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}')

    found = await PROVIDERS["openai_compatible"].health(Loading({}), deployment("openai_compatible"))

    assert found.state == "loading"


async def test_a_server_without_a_health_route_is_asked_for_its_models() -> None:
    found = await PROVIDERS["openai_compatible"].health(
        Canned({"/v1/models": {"data": []}}), deployment("openai_compatible")
    )

    assert found.state == "live"


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(
    "page", ["", "[]", "null", '{"data": 3}', '{"data": [3, {"id": 4}]}', '{"models": {}}', "{oops"]
)
async def test_nonsense_from_an_endpoint_is_a_finding_and_never_another_error(name: str, page: str) -> None:
    paths = ["/v1/models", "/info", "/api/tags", "/api/ps", "/api/show", "/api/version", "/api/status", "/health"]
    canned = Canned(dict.fromkeys([*paths, "/version", "/openapi.json", "/props", "/metrics", "/slots"], page))

    assert await PROVIDERS[name].examine(canned, deployment(name))
    assert (await PROVIDERS[name].health(canned, deployment(name))).state in {"live", "dead"}
