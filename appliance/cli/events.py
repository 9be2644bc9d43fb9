"""`redoubt events`: every administrative change and every security refusal."""

import rich_click as click

from appliance.cli.frame import Noun, as_json, at_desk
from appliance.cli.output import say_json, say_table


@click.group(cls=Noun, example="redoubt events list --action key.create")
def events() -> None:
    """Events: who did what to what, before and after. Kept for good."""


@events.command("list", example="redoubt events list --limit 10 --json")
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True, help="Most events.")
@click.option("--action", help="Of this action only, such as key.revoke or egress.refused.")
@as_json
def list_(*, limit: int, action: str | None, as_json: bool) -> None:
    """List the latest events, newest first."""
    found = at_desk(lambda desk: desk.store.events(limit, action))
    if as_json:
        say_json(found)
        return
    say_table(
        ("AT", "ACTOR", "ACTION", "SUBJECT", "DETAIL"),
        [(f"{one.at:%Y-%m-%d %H:%M:%S}", one.actor, one.action, one.subject, one.detail) for one in found],
        "there is no event",
    )
