"""`redoubt`: noun, verb. Verbs import what they need when they run, so that `--help` answers at once."""

from pathlib import Path

import rich_click as click

from appliance.cli.apply import apply
from appliance.cli.audit import audit
from appliance.cli.backup import backup
from appliance.cli.bundle import bundle
from appliance.cli.commands import commands
from appliance.cli.config import config
from appliance.cli.db import db
from appliance.cli.deployments import deployments
from appliance.cli.doctor import doctor
from appliance.cli.egress import egress
from appliance.cli.events import events
from appliance.cli.frame import Root
from appliance.cli.init import init
from appliance.cli.keys import keys
from appliance.cli.models import models
from appliance.cli.pii import pii
from appliance.cli.prices import prices
from appliance.cli.providers import providers
from appliance.cli.quickstart import quickstart
from appliance.cli.sbom import sbom
from appliance.cli.serve import serve
from appliance.cli.smoke import smoke
from appliance.cli.spend import ledger, spend
from appliance.cli.updates import updates
from appliance.cli.version import version


@click.group(cls=Root, example="redoubt init && redoubt serve")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="The site's configuration file.")
@click.pass_context
def main(ctx: click.Context, /, *, config: Path | None) -> None:
    """Redoubt: one OpenAI-compatible endpoint in front of your own inference servers, behind the gap."""
    ctx.obj = config


for _command in (
    apply, audit, backup, bundle, commands, config, db, deployments, doctor, egress, events, init, keys, ledger, models,
    pii, prices, providers, quickstart, sbom, serve, smoke, spend, updates, version,
):  # fmt: skip
    main.add_command(_command)
