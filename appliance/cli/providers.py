"""`redoubt providers`: the kinds of server that are spoken to."""

import rich_click as click

from appliance.cli.frame import Noun, as_json
from appliance.cli.output import say, say_json


@click.group(cls=Noun, example="redoubt providers list")
def providers() -> None:
    """Providers: adapters to kinds of inference servers."""


@providers.command("list", example="redoubt providers list")
@as_json
def list_(*, as_json: bool) -> None:
    """List the built-in providers and the options their deployments take."""
    from appliance.desk import known_providers

    known = known_providers()
    if as_json:
        say_json(known)
        return
    for traits in known:
        port = f", usually on port {traits.default_port}" if traits.default_port else ""
        say(f"{traits.name}: {traits.title}{port}")
        for name, help_ in traits.options.items():
            say(f"  {name}: {help_}")
