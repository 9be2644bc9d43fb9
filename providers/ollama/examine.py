"""Ollama's control routes: what it serves, whether it is well, and what an isolated site must know of it."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from appliance.domain.model import Deployment, Finding, Health, Load, ModelInfo
from appliance.domain.upstream import UpstreamError
from appliance.ports.upstream import Fetch, Fetched
from providers import survey
from providers.failures import malformed, read_json

_CAPABILITIES = (
    ("completion", ("chat", "completions")),
    ("embedding", ("embeddings",)),
    ("tools", ("tools",)),
    ("vision", ("vision",)),
    ("thinking", ("reasoning",)),
    ("insert", ("insert",)),
)


def full_name(model: str) -> str:
    """`llama3` and `llama3:latest` are one model."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def in_cloud(model: str) -> bool:
    """True for a tag by which Ollama sends a prompt to its makers' servers."""
    tag = full_name(model).rpartition(":")[2]
    return tag == "cloud" or tag.endswith("-cloud")


async def discover(fetch: Fetch, of: Deployment) -> list[ModelInfo]:
    """The models on the endpoint's disk. The context is known for a loaded model and for the deployment's own."""
    tags = (await survey.read(fetch, of, "/api/tags")).get("models")
    if not isinstance(tags, list):
        raise malformed("a list of models without `models`")
    windows = {name: model.get("context_length") for name, model in (await loaded(fetch, of)).items()}
    shown = await show(fetch, of)
    found = []
    for tag in tags:
        if not isinstance(tag, dict) or not isinstance(tag.get("name"), str):
            continue
        name = full_name(tag["name"])
        ours = name == full_name(of.upstream_model)
        window = windows.get(name) or (_pinned(of) or window_of(shown) if ours else None)
        found.append(
            ModelInfo(
                id=tag["name"],
                context=window if type(window) is int else None,
                capabilities=_capabilities(tag.get("capabilities") or (shown.get("capabilities") if ours else ())),
                loaded=name in windows,
                remote=bool(tag.get("remote_host") or tag.get("remote_model")) or in_cloud(name),
            )
        )
    return found


async def health(fetch: Fetch, of: Deployment) -> Health:
    got = await survey.ask_health(fetch, of, "/api/version")
    if not isinstance(got, Fetched):
        return got
    found = survey.health_by_status(got)
    return msgspec.structs.replace(found, version=_version(got)) if found.state == "live" else found


async def load(fetch: Fetch, of: Deployment) -> Load | None:
    """Ollama tells no queue, only what is in memory: a request for anything else waits for a load."""
    await survey.read(fetch, of, "/api/version")  # for its error when the endpoint is gone
    return Load(loaded=full_name(of.upstream_model) in await loaded(fetch, of))


async def examine(fetch: Fetch, of: Deployment) -> list[Finding]:
    try:
        version = (await survey.read(fetch, of, "/api/version")).get("version")
        models = await discover(fetch, of)
    except UpstreamError as e:
        return survey.unreachable(e.failure.message)
    by_name = [msgspec.structs.replace(model, id=full_name(model.id)) for model in models]
    ours = msgspec.structs.replace(of, upstream_model=full_name(of.upstream_model))
    return [
        survey.ok("version", f"Ollama {version}"),
        *[finding for finding in survey.model_findings(by_name, ours) if finding.check == "model"],
        *await _context(fetch, of),
        *_cloud_models(models, of),
        await _cloud_switch(fetch, of),
        _open_to_all(of),
    ]


async def loaded(fetch: Fetch, of: Deployment) -> dict[str, dict[str, Any]]:
    """Models in memory by full name; empty when the endpoint does not tell."""
    models = (await survey.glance(fetch, of, "/api/ps")).get("models")
    rows = models if isinstance(models, list) else []
    return {full_name(row["name"]): row for row in rows if isinstance(row, dict) and isinstance(row.get("name"), str)}


async def show(fetch: Fetch, of: Deployment) -> dict[str, Any]:
    """What Ollama says of the deployment's model, read from its files: nothing is loaded or pulled."""
    return await survey.glance(fetch, of, "/api/show", msgspec.json.encode({"model": of.upstream_model}))


def window_of(shown: dict[str, Any]) -> int | None:
    """The longest context the model was made for."""
    info = shown.get("model_info")
    pairs = info.items() if isinstance(info, dict) else ()
    return next((value for key, value in pairs if key.endswith(".context_length") and type(value) is int), None)


def _pinned(of: Deployment) -> int | None:
    pinned = of.options.get("num_ctx")
    return pinned if type(pinned) is int else None


def _capabilities(given: Any) -> tuple[str, ...]:
    has = given if isinstance(given, list) else ()
    return tuple(ours for theirs, names in _CAPABILITIES if theirs in has for ours in names)


def _version(got: Fetched) -> str | None:
    try:
        given = read_json(got.body)
    except UpstreamError:
        return None
    version = given.get("version") if isinstance(given, dict) else None
    return version if isinstance(version, str) else None


async def _context(fetch: Fetch, of: Deployment) -> list[Finding]:
    pinned = _pinned(of)
    if pinned is None:
        text = (
            "no `num_ctx` is pinned: the window then depends on the memory that was free at the load; "
            "set the deployment's option `num_ctx`"
        )
        return [survey.warn("context", text)]
    longest = window_of(await show(fetch, of))
    if longest is not None and pinned > longest:
        return [survey.fail("context", f"`num_ctx` is {pinned}, but the model was made for {longest}; lower it")]
    row = (await loaded(fetch, of)).get(full_name(of.upstream_model))
    real = row.get("context_length") if row else None
    if type(real) is int and real < pinned:
        text = f"the model is loaded with {real} tokens where `num_ctx` asks for {pinned}: longer prompts are refused"
        return [survey.warn("context", text)]
    return [survey.ok("context", f"{pinned} tokens, pinned; a longer prompt is refused, never cut")]


def _cloud_models(models: list[ModelInfo], of: Deployment) -> list[Finding]:
    remote = sorted(model.id for model in models if model.remote)
    if full_name(of.upstream_model) in {full_name(name) for name in remote}:
        return [survey.fail("cloud", f"`{of.upstream_model}` is answered by a cloud; take a model that runs here")]
    if remote:
        names = ", ".join(f"`{name}`" for name in remote[:8])
        return [survey.warn("cloud", f"cloud models are installed: {names}; remove them with `ollama rm`")]
    return [survey.ok("cloud", "no cloud model is installed")]


async def _cloud_switch(fetch: Fetch, of: Deployment) -> Finding:
    cloud = (await survey.glance(fetch, of, "/api/status")).get("cloud")
    if not isinstance(cloud, dict):
        return survey.warn("cloud-switch", "this version does not tell whether its cloud is off; set OLLAMA_NO_CLOUD=1")
    if cloud.get("disabled") is True:
        return survey.ok("cloud-switch", "Ollama's cloud is switched off")
    return survey.fail("cloud-switch", "Ollama's cloud is switched on; start the server with OLLAMA_NO_CLOUD=1")


def _open_to_all(of: Deployment) -> Finding:
    if urlsplit(of.url).hostname in {"127.0.0.1", "::1", "localhost"}:
        return survey.ok("endpoint-key", "Ollama has no keys; it is reached on this host only")
    return survey.warn(
        "endpoint-key",
        "Ollama has no keys: whoever reaches it generates, pulls and deletes models; let only the gateway reach it",
    )
