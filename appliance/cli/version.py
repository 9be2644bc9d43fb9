"""`redoubt version`: which release this is."""

import platform
from importlib.metadata import version as installed

import rich_click as click

from appliance.cli.frame import Verb, as_json
from appliance.cli.output import say, say_json


@click.command(cls=Verb, example="redoubt version --json")
@as_json
def version(*, as_json: bool) -> None:
    """Print the release, the schema it needs and the Python it runs on."""
    from appliance.store.schema import NEEDED

    schema = {str(name): number for name, number in NEEDED}
    if as_json:
        say_json({"version": version_of(), "schema": schema, "python": platform.python_version()})
    else:
        python = platform.python_version()
        say(f"redoubt {version_of()} (store {schema['store']}, ledger {schema['ledger']}, Python {python})")


def version_of() -> str:
    """The release's number."""
    return installed("redoubt-gateway")
