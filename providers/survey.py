"""Control requests every adapter makes: models, metrics, health, and the doctor's common findings.

None of them makes a server generate, load or pull anything.
"""

from collections.abc import Iterable
from typing import Any

from appliance.domain.model import Deployment, Finding, Health, ModelInfo
from appliance.domain.upstream import UpstreamError
from appliance.ports.upstream import Fetch, Fetched
from providers.failures import classify, malformed, read_json

GUARDED = frozenset({401, 403, 404, 405})  # what a route answers a stranger when it is closed, or not there


async def read(fetch: Fetch, of: Deployment, path: str, body: bytes | None = None) -> dict[str, Any]:
    """The JSON object at `path`. Raises UpstreamError, for any other answer too."""
    got = await fetch.fetch(of, path, body=body)
    if got.status != 200:
        raise UpstreamError(classify(got.status, got.body))
    given = read_json(got.body)
    if not isinstance(given, dict):
        raise malformed("an answer that is not an object")
    return given


async def glance(fetch: Fetch, of: Deployment, path: str, body: bytes | None = None) -> dict[str, Any]:
    """The JSON object at `path`, or an empty one when there is none to be had."""
    try:
        return await read(fetch, of, path, body)
    except UpstreamError:
        return {}


async def status_for_stranger(fetch: Fetch, of: Deployment, path: str, body: bytes | None = None) -> int | None:
    """The status a caller without the credential gets; None when there is no answer."""
    try:
        return (await fetch.fetch(of, path, body=body, credential=False)).status
    except UpstreamError:
        return None


async def metrics(fetch: Fetch, of: Deployment, path: str = "/metrics") -> dict[str, list[float]] | None:
    """Samples of a Prometheus page by name, labels apart; None when the server has no such page.

    Raises UpstreamError when it cannot be reached.
    """
    got = await fetch.fetch(of, path)
    return samples(got) if got.status == 200 else None


def samples(got: Fetched) -> dict[str, list[float]]:
    """Prometheus text format, read for its values only; lines that are none are read over."""
    found: dict[str, list[float]] = {}
    for line in got.body.decode("utf-8", "replace").splitlines():
        if not line or line[0] == "#":
            continue
        name, brace, rest = line.partition("{")
        value = rest.rpartition("}")[2] if brace else line.partition(" ")[2]
        try:
            number = float(value.split()[0])
        except (ValueError, IndexError):
            continue
        if number == number:  # not NaN  # noqa: PLR0124 - the shortest test there is
            found.setdefault(name if brace else line.partition(" ")[0], []).append(number)
    return found


def total(found: dict[str, list[float]], *names: str) -> float | None:
    """The sum over the first of these names that is there."""
    return next((sum(found[name]) for name in names if name in found), None)


def highest(found: dict[str, list[float]], *names: str) -> float | None:
    """The highest value of the first of these names that is there."""
    return next((max(found[name]) for name in names if name in found), None)


async def health(fetch: Fetch, of: Deployment, *paths: str) -> Health:
    """What the first of these routes that the server has says by its status."""
    got = await ask_health(fetch, of, paths[0])
    for path in paths[1:]:
        if isinstance(got, Fetched) and got.status in {404, 405}:
            got = await ask_health(fetch, of, path)
    return health_by_status(got) if isinstance(got, Fetched) else got


async def ask_health(fetch: Fetch, of: Deployment, path: str) -> Health | Fetched:
    """The answer of a health route, or `dead` when there was none."""
    try:
        return await fetch.fetch(of, path)
    except UpstreamError as e:
        return Health(state="dead", why=e.failure.message)


def health_by_status(got: Fetched) -> Health:
    """Live for 200, loading where the server says that it loads, dead for the rest."""
    if got.status == 200:
        return Health(state="live")
    why = classify(got.status, got.body).message
    return Health(state="loading" if "loading model" in why.lower() else "dead", why=f"{got.status}: {why}")


async def openai_models(fetch: Fetch, of: Deployment, capabilities: tuple[str, ...] = ()) -> list[ModelInfo]:
    """The cards of `/v1/models`. Raises UpstreamError."""
    cards = (await read(fetch, of, "/v1/models")).get("data")
    if not isinstance(cards, list):
        raise malformed("a list of models without `data`")
    return [
        ModelInfo(
            id=card["id"],
            context=context_of(card),
            capabilities=capabilities,
            parent=parent if isinstance(parent := card.get("parent"), str) else None,
        )
        for card in cards
        if isinstance(card, dict) and isinstance(card.get("id"), str)
    ]


def context_of(card: dict[str, Any]) -> int | None:
    """A model's context window, under the names vLLM, llama.cpp and LM Studio have for it."""
    meta = card.get("meta")
    places = (card, meta if isinstance(meta, dict) else {})
    names = ("max_model_len", "n_ctx", "loaded_context_length", "max_context_length", "n_ctx_train")
    return next((place[name] for name in names for place in places if type(place.get(name)) is int), None)


async def openai_capabilities(fetch: Fetch, of: Deployment) -> tuple[str, ...]:
    """Kinds of call whose routes the server's own OpenAPI document names; empty when it has none."""
    paths = (await glance(fetch, of, "/openapi.json")).get("paths")
    if not isinstance(paths, dict):
        return ()
    kinds = (("chat", "chat/completions"), ("completions", "completions"), ("embeddings", "embeddings"))
    return tuple(kind for kind, route in kinds if f"/v1/{route}" in paths)


def model_findings(models: Iterable[ModelInfo], of: Deployment) -> list[Finding]:
    """Whether the deployment's model is there, and how long its context is."""
    known = {model.id: model for model in models}
    found = known.get(of.upstream_model)
    if found is None:
        names = ", ".join(f"`{name}`" for name in sorted(known)[:8]) or "none"
        return [fail("model", f"the endpoint does not serve `{of.upstream_model}`; it serves: {names}")]
    findings = [ok("model", f"`{of.upstream_model}` is served")]
    if found.context is not None:
        findings.append(ok("context", f"{found.context} tokens, prompt and answer together"))
    return findings


async def key_finding(fetch: Fetch, of: Deployment, path: str, body: bytes | None = None) -> Finding:
    """Whether a stranger is let in at `path`, which must be one that does nothing."""
    status = await status_for_stranger(fetch, of, path, body)
    if status in {401, 403}:
        return ok("endpoint-key", "the endpoint asks for a key")
    if status in {200, 400, 422}:
        return warn(
            "endpoint-key",
            "the endpoint asks for no key: whoever reaches it generates past keys, limits and ledger; "
            "let only the gateway reach it",
        )
    return warn("endpoint-key", f"cannot tell whether the endpoint asks for a key (it answers {status or 'nothing'})")


def ok(check: str, text: str) -> Finding:
    return Finding(check=check, level="ok", text=text)


def warn(check: str, text: str) -> Finding:
    return Finding(check=check, level="warn", text=text)


def fail(check: str, text: str) -> Finding:
    return Finding(check=check, level="fail", text=text)


def unreachable(why: str) -> list[Finding]:
    return [fail("reachable", f"the endpoint does not answer: {why}; is it started, and is its address allowed?")]
