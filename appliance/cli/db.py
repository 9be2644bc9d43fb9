"""`redoubt db`: the schema of the store."""

from pathlib import Path

import rich_click as click

from appliance.cli.frame import Noun, as_json, refuse, site_file
from appliance.cli.output import say, say_json, say_table


@click.group(cls=Noun, example="redoubt db status")
def db() -> None:
    """The databases: which schema they have, and bringing them to this release's."""


@db.command(example=("redoubt db status", "redoubt db status --data /var/lib/redoubt --json"))
@click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), help="This data folder; no configuration is read."
)
@as_json
def status(*, data: Path | None, as_json: bool) -> None:
    """Say whether the databases fit this release, and what to do when not. Exit 1 when there is something to do.

    The action is `none`, `migrate` (they are older, or not there) or `restore` (a newer release made them such that
    this one cannot use them). Changes nothing; a gateway may serve.
    """
    from appliance.config.load import load
    from appliance.store.schema import NEEDED
    from appliance.store.standing import most, standing

    found = standing(load(site_file()).data_folder if data is None else data)
    action = most(found)
    why = "; ".join(dict.fromkeys(one.why for one in found if one.why))
    if as_json:
        told = {"fits": action == "none", "action": action, "why": why, "needed": dict(NEEDED), "databases": found}
        say_json(told)
    else:
        _say(why, [(one.database, one.found, one.compatible_from, one.needed, one.action) for one in found])
    if action != "none":
        refuse()


def _say(why: str, rows: list[tuple[object, ...]]) -> None:
    say_table(("DATABASE", "FOUND", "COMPATIBLE FROM", "NEEDED", "ACTION"), rows, "")
    if why:
        say(why)


@db.command(
    example=(
        "redoubt backup create /srv/backups/before && redoubt db migrate",
        "redoubt db migrate --online",
    )
)
@click.option("--online", is_flag=True, help="Beside a gateway that serves; refused, with nothing changed, when unfit.")
@as_json
def migrate(*, online: bool, as_json: bool) -> None:
    """Bring both databases to the schema of this release. Take a backup first, and stop the gateway.

    With `--online` it may go on serving: what would need it to know more, or takes longer than 3 seconds, is refused
    and leaves the database as it was. Databases of a newer release that this one can use are left as they are; those
    it cannot use are refused. Nothing is ever taken back.
    """
    from appliance.config.load import load
    from appliance.store.migrate import migrate as bring
    from appliance.store.migrate import migrate_online

    folder = load(site_file()).data_folder
    done = migrate_online(folder) if online else bring(folder)
    if as_json:
        say_json(done)
        return
    rows = [(one.database, one.before, one.after, _note(newer=one.newer)) for one in done]
    say_table(("DATABASE", "BEFORE", "NOW", "NOTE"), rows, "nothing to do")


def _note(*, newer: bool) -> str:
    return "of a newer release, which this one can use: left as it is" if newer else ""
