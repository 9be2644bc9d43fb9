"""The capability card of an endpoint: what it is, what it serves, and what is wrong with it."""

from collections.abc import Sequence

import msgspec

from appliance.domain.model import Deployment, Finding, Health, Load, ModelInfo
from appliance.domain.upstream import UpstreamError
from appliance.ports.provider import Provider
from appliance.ports.upstream import Fetch


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """For operators only: it names addresses and upstream models."""

    deployment: str
    provider: str
    url: str
    health: Health
    models: tuple[ModelInfo, ...] = ()
    load: Load | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def failed(self) -> bool:
        return self.health.state == "dead" or any(finding.level == "fail" for finding in self.findings)


async def card(provider: Provider, fetch: Fetch, of: Deployment) -> Card:
    """Ask the endpoint what costs it nothing: never a generation, a load or a pull. Never raises UpstreamError."""
    health = await provider.health(fetch, of)
    if health.state == "dead":
        finding = Finding(check="reachable", level="fail", text=f"the endpoint does not answer: {health.why}")
        return Card(deployment=of.id, provider=of.provider, url=of.url, health=health, findings=(finding,))
    findings: list[Finding] = []
    models: Sequence[ModelInfo] = ()
    load: Load | None = None
    try:
        models = await provider.discover(fetch, of)
    except UpstreamError as error:
        findings.append(Finding(check="discover", level="warn", text=f"its models are not told: {_why(error)}"))
    try:
        load = await provider.load(fetch, of)
    except UpstreamError as error:
        findings.append(Finding(check="load", level="warn", text=f"its load is not told: {_why(error)}"))
    findings += await provider.examine(fetch, of)
    return Card(
        deployment=of.id,
        provider=of.provider,
        url=of.url,
        health=health,
        models=tuple(models),
        load=load,
        findings=tuple(findings),
    )


def _why(error: UpstreamError) -> str:
    return error.failure.message[:200]
