"""`redoubt doctor`: is this machine, this configuration and every endpoint fit to serve?"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from appliance.cli.frame import Verb, as_json, refuse, site_file
from appliance.cli.output import say, say_json
from appliance.domain.model import Finding

if TYPE_CHECKING:
    from appliance.config.schema import Site
    from appliance.pipeline.manage.examine import Card


@click.command(cls=Verb, example=("redoubt doctor", "redoubt doctor --deployment llama-70b/node1 --json"))
@click.option("--deployment", metavar="MODEL/LABEL", help="Ask this endpoint only.")
@click.option("--offline", is_flag=True, help="Ask no endpoint.")
@as_json
def doctor(*, deployment: str | None, offline: bool, as_json: bool) -> None:
    """Check the machine, the configuration and each endpoint, and print a card of what it can do.

    Endpoints are asked for version, models, load and open doors; nothing is generated, loaded or pulled. Exit 1 when
    something must be mended.
    """
    from appliance.cli.config import problems_of
    from appliance.cli.machine import examine_machine
    from appliance.config.load import load

    file = site_file()
    wrong, warned = problems_of(file)
    configuration = [Finding(check="configuration", level="fail", text=text) for text in wrong]
    configuration += [Finding(check="configuration", level="warn", text=text) for text in warned]
    configuration = configuration or [Finding(check="configuration", level="ok", text=f"{file} is right")]
    machine: list[Finding] = []
    cards: list[Card] = []
    if not wrong:
        site = load(file)
        machine = examine_machine(site)
        told, cards = _endpoints(file, site, deployment, offline=offline)
        configuration += told
        machine.append(_privacy(site))
    if as_json:
        say_json({"machine": machine, "configuration": configuration, "endpoints": cards})
    else:
        _say("machine", machine)
        _say("configuration", configuration)
        for one in cards:
            _say_card(one)
    failed = any(finding.level == "fail" for finding in [*machine, *configuration])
    if failed or any(one.failed for one in cards):
        refuse()


def _privacy(site: "Site") -> Finding:
    from appliance.pipeline.tryout import examine
    from appliance.redaction.policy.resolve import Policies

    policies = Policies(site.privacy.terms, site.privacy.policy)
    return asyncio.run(examine(site.privacy, policies.named(site.privacy.policy)))


def _endpoints(file: Path, site: "Site", only: str | None, *, offline: bool) -> "tuple[list[Finding], list[Card]]":
    """A finding when the store cannot be opened, else a card for each enabled deployment."""
    from appliance.desk import cards, open_desk
    from appliance.domain.errors import ConfigError, Conflict, StoreUnavailable
    from appliance.pipeline.manage.deployments import asked

    async def ask() -> "list[Card]":
        async with open_desk(file, site=site) as desk:
            chosen = asked(await desk.models.all(), only)
        return [] if offline else await cards(site, chosen)

    try:
        return [], asyncio.run(ask())
    except (ConfigError, Conflict, StoreUnavailable) as error:
        return [Finding(check="store", level="fail", text=error.message)], []


def _say(title: str, findings: list[Finding]) -> None:
    say(title)
    for finding in findings:
        say(f"  {finding.level:4}  {finding.check:18}  {finding.text}")


def _say_card(one: "Card") -> None:
    version = f" {one.health.version}" if one.health.version else ""
    say(f"endpoint {one.deployment}: {one.provider}{version} at {one.url}, {one.health.state}")
    for model in one.models:
        context = f"{model.context} tokens" if model.context else "context not told"
        told = [context, *model.capabilities, *([f"on {model.parent}"] if model.parent else [])]
        told += ["loaded"] if model.loaded else []
        told += ["REMOTE: leaves this network"] if model.remote else []
        say(f"  model {model.id}: {', '.join(told)}")
    if one.load is not None:
        numbers = (("running", one.load.running), ("waiting", one.load.waiting), ("cache used", one.load.cache_used))
        told = [f"{name} {value:g}" for name, value in numbers if value is not None]
        if one.load.loaded is not None:
            told.append("the model is in memory" if one.load.loaded else "the model is not in memory")
        say("  load  " + ", ".join(told))
    for finding in one.findings:
        say(f"  {finding.level:4}  {finding.check:18}  {finding.text}")
