"""`redoubt serve`: the gateway itself."""

import rich_click as click

from appliance.cli.frame import Verb, site_file
from appliance.cli.output import say


@click.command(cls=Verb, example="redoubt --config /etc/redoubt/redoubt.yaml serve")
def serve() -> None:
    """Serve until told to stop; running streams then get their time to finish.

    Both addresses are printed once requests are answered. The log goes to standard error, one JSON object a line.
    """
    from appliance.app import run
    from appliance.config.load import load

    run(load(site_file()), announce)


def announce(api: str, admin: str) -> None:
    """One line for people and scripts."""
    say(f"redoubt: api {api}/v1 admin {admin}")
