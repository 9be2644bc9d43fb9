"""`redoubt serve`: the gateway itself."""

import os

import rich_click as click

from appliance.cli.frame import Verb, site_file
from appliance.cli.output import say


@click.command(cls=Verb, example="redoubt --config /etc/redoubt/redoubt.yaml serve")
def serve() -> None:
    """Serve until told to stop; running streams then get their time to finish.

    Both addresses are printed once requests are answered. The log goes to standard error, one JSON object a line.
    """
    from appliance.app import run
    from appliance.cli.version import version_of
    from appliance.config.load import load
    from appliance.observe.clock import SystemClock
    from appliance.store.running import Running, tell, withdraw

    site = load(site_file())

    def ready(api: str, admin: str) -> None:
        running = Running(process=os.getpid(), version=version_of(), api=api, admin=admin, since=SystemClock().now())
        tell(site.data_folder, running)
        announce(api, admin)

    try:
        run(site, ready)
    finally:
        withdraw(site.data_folder, os.getpid())


def announce(api: str, admin: str) -> None:
    """One line for people and scripts."""
    say(f"redoubt: api {api}/v1 admin {admin}")
