"""`redoubt db`: the schema of the store."""

import rich_click as click

from appliance.cli.frame import Noun, as_json, at_desk, refuse, site_file
from appliance.cli.output import say, say_json, say_table


@click.group(cls=Noun, example="redoubt db status")
def db() -> None:
    """The databases: which schema they have, and bringing them to this release's."""


@db.command(example="redoubt db status")
@as_json
def status(*, as_json: bool) -> None:
    """Say whether the databases fit this release. Exit 1 when they do not."""
    from appliance.domain.errors import ConfigError
    from appliance.store.schema import NEEDED

    try:
        at_desk(lambda desk: desk.store.change_number())
        why = ""
    except ConfigError as error:
        why = error.message
    needed = dict(NEEDED)
    if as_json:
        say_json({"fits": not why, "needed": needed, "why": why})
    else:
        told = ", ".join(f"{name} {number}" for name, number in needed.items())
        say(why or f"the databases have the schema of this release ({told})")
    if why:
        refuse()


@db.command(example="redoubt backup create /srv/backups/before && redoubt db migrate")
@as_json
def migrate(*, as_json: bool) -> None:
    """Bring both databases to the schema of this release. Stop the gateway and take a backup first."""
    from appliance.config.load import load
    from appliance.store.migrate import migrate as bring

    done = bring(load(site_file()).data_folder)
    if as_json:
        say_json(done)
        return
    rows = [(one.database, one.before, one.after) for one in done]
    say_table(("DATABASE", "BEFORE", "NOW"), rows, "nothing to do")
