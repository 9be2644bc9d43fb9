"""vLLM (read and run: 0.32, 0.33). Differences from the common wire:

- `guided_*` were removed and are silently ignored: they become `structured_outputs`;
- the prefix cache is shared, and its timing tells tenants of each other: `cache_salt` parts them;
- every answer can carry a load report (ORCA);
- its key guards `/v1` only: `/invocations` generates for anyone, which the doctor says.
"""

from typing import Any, Final

from appliance.domain.errors import BadRequest
from appliance.domain.model import Deployment, Finding, Health, Load, ModelInfo
from appliance.domain.upstream import Body, Call, Kind, UpstreamError
from appliance.ports.provider import Traits
from appliance.ports.upstream import Fetch
from providers import survey
from providers.failures import read_json
from providers.fields import refused
from providers.openai_wire import OpenAIWire

_GUIDED: Final = {
    "guided_json": "json",
    "guided_regex": "regex",
    "guided_choice": "choice",
    "guided_grammar": "grammar",
    "guided_whitespace_pattern": "whitespace_pattern",
}
_REMOVED: Final = frozenset({*_GUIDED, "guided_decoding_backend"})
_KV: Final = ("kv_cache_usage_perc", "gpu_cache_usage_perc")  # the second until 0.10


class VLLM(OpenAIWire):
    traits = Traits(
        name="vllm",
        title="vLLM",
        default_port=8000,
        options={
            "cache_salt": "false: let tenants share the prefix cache (default true: each key has its own)",
            "guided": "`legacy`: send `guided_*` as they are, for servers before 0.12",
        },
        base_path="/v1",
    )
    option_types = {"cache_salt": (bool,), "guided": (str,)}  # noqa: RUF012 - declared ClassVar by OpenAIWire
    headers = ((b"endpoint-load-metrics-format", b"TEXT"),)
    load_header: str | None = "endpoint-load-metrics"

    def check(self, deployment: Deployment) -> list[str]:
        problems = super().check(deployment)
        if deployment.options.get("guided", "legacy") != "legacy":
            problems.append("option `guided` can only be `legacy`")
        return problems

    def translate(self, call: Call, body: Body, to: Deployment) -> Body:
        sent = super().translate(call, body, to)
        if call.kind is Kind.EMBEDDINGS:
            return sent
        if sent.get("suffix"):
            raise refused("suffix", ": it completes at the end only")
        if to.options.get("guided") != "legacy":
            _modernise(sent)
        # A salt already there was allowed by the key's policy.
        if call.salt and to.options.get("cache_salt", True) and sent.get("cache_salt") is None:
            sent["cache_salt"] = call.salt
        return sent

    def reported_load(self, header: str | None) -> Load | None:
        """The ORCA report, as text (`named_metrics.x=1.0, …`) or JSON, with or without the format's name before it."""
        if not header:
            return None
        form, _, rest = header.partition(" ")
        report = rest if form in {"TEXT", "JSON"} else header
        values = _json_report(report) if report.lstrip().startswith("{") else _text_report(report)
        load = Load(
            running=values.get("num_requests_running"),
            waiting=values.get("num_requests_waiting"),
            cache_used=next((values[name] for name in _KV if name in values), None),
        )
        return None if load == Load() else load

    async def discover(self, fetch: Fetch, of: Deployment) -> list[ModelInfo]:
        return await survey.openai_models(fetch, of, await survey.openai_capabilities(fetch, of))

    async def health(self, fetch: Fetch, of: Deployment) -> Health:
        return await survey.health(fetch, of, "/health")

    async def load(self, fetch: Fetch, of: Deployment) -> Load | None:
        found = await survey.metrics(fetch, of)
        if found is None:
            return None
        return Load(
            running=survey.total(found, "vllm:num_requests_running"),
            waiting=survey.total(found, "vllm:num_requests_waiting"),
            cache_used=survey.highest(found, *(f"vllm:{name}" for name in _KV)),
        )

    async def examine(self, fetch: Fetch, of: Deployment) -> list[Finding]:
        try:
            models = await self.discover(fetch, of)
        except UpstreamError as e:
            return survey.unreachable(e.failure.message)
        version = (await survey.glance(fetch, of, "/version")).get("version")
        findings = [survey.ok("version", f"vLLM {version}" if version else "vLLM, of a version it does not tell")]
        findings += survey.model_findings(models, of)
        findings.append(await survey.key_finding(fetch, of, "/v1/models"))
        findings.append(await _invocations(fetch, of))
        findings += await _dangerous_routes(fetch, of)
        return findings


def _modernise(sent: Body) -> None:
    """Turn the removed `guided_*` fields into `structured_outputs`, in place."""
    if sent.keys().isdisjoint(_REMOVED):
        return
    given = {new: sent.pop(old) for old, new in _GUIDED.items() if old in sent}
    given = {name: value for name, value in given.items() if value is not None}
    sent.pop("guided_decoding_backend", None)  # chosen at the server's start since 0.12
    if not given:
        return
    if sent.get("structured_outputs") is not None:
        raise BadRequest("`guided_*` and `structured_outputs` ask for two shapes; send one", param="structured_outputs")
    if len(given.keys() - {"whitespace_pattern"}) > 1:
        raise BadRequest("two `guided_*` fields ask for two shapes; send one", param=f"guided_{next(iter(given))}")
    sent["structured_outputs"] = given


def _text_report(report: str) -> dict[str, float]:
    values = {}
    for pair in report.split(","):
        name, _, value = pair.partition("=")
        try:
            values[name.strip().removeprefix("named_metrics.")] = float(value)
        except ValueError:
            continue
    return values


def _json_report(report: str) -> dict[str, float]:
    try:
        given: Any = read_json(report.encode())
    except UpstreamError:
        return {}
    named = given.get("named_metrics") if isinstance(given, dict) else None
    pairs = named.items() if isinstance(named, dict) else ()
    return {name: float(value) for name, value in pairs if isinstance(value, int | float)}


async def _invocations(fetch: Fetch, of: Deployment) -> Finding:
    # An empty object fails every schema behind this route: nothing is generated.
    status = await survey.status_for_stranger(fetch, of, "/invocations", b"{}")
    if status is None or status in survey.GUARDED:
        return survey.ok("unauthenticated-routes", "`/invocations` is closed to strangers")
    return survey.warn(
        "unauthenticated-routes",
        "`/invocations` generates for whoever reaches the server: vLLM's `--api-key` does not guard it; "
        "put the server where only the gateway reaches it",
    )


async def _dangerous_routes(fetch: Fetch, of: Deployment) -> list[Finding]:
    findings = []
    if await survey.status_for_stranger(fetch, of, "/server_info") == 200:
        text = "development routes are on: anyone may stop or reset the server; unset VLLM_SERVER_DEV_MODE"
        findings.append(survey.fail("dev-routes", text))
    paths = (await survey.glance(fetch, of, "/openapi.json")).get("paths")
    if isinstance(paths, dict) and "/v1/load_lora_adapter" in paths:
        text = "adapters can be loaded by request; unset VLLM_ALLOW_RUNTIME_LORA_UPDATING unless you need it"
        findings.append(survey.warn("lora-routes", text))
    return findings
