"""`redoubt apply`: bring a file's models, keys and default price into the store."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click
from click import confirm

from appliance.cli.frame import Verb, as_json, at_desk
from appliance.cli.output import say, say_json

if TYPE_CHECKING:
    from appliance.desk import Desk
    from appliance.pipeline.manage.diff import Change
    from appliance.pipeline.manage.keys import Made


@click.command(cls=Verb, example=("redoubt apply -f site.yaml --dry-run", "redoubt apply -f site.yaml --prune --yes"))
@click.option(
    "-f",
    "--file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file to apply.",
)
@click.option("--prune", is_flag=True, help="Delete models and revoke keys that only the store has.")
@click.option("--dry-run", is_flag=True, help="Show the diff and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def apply(*, file: Path, prune: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Show what a file would change in the store, ask, and change it: all or nothing.

    Models and keys match by name. New keys are made and their values shown once. A running gateway takes the change
    within a second and drops no stream.
    """
    from appliance.desk import wanted

    if as_json and not (yes or dry_run):
        raise click.UsageError("with `--json`, say `--yes` or `--dry-run`")
    _, desired = wanted(file)

    async def work(desk: "Desk") -> "tuple[list[Change], list[Made], bool]":
        changes = await desk.apply.plan(desired, prune=prune)
        if not as_json:
            say_changes(changes)
        if dry_run or not changes or not (yes or agreed()):
            return changes, [], False
        return changes, await desk.apply.run(desired, changes, desk.actor, prune=prune), True

    changes, made, done = at_desk(work)
    if as_json:
        from appliance.pipeline.manage.wording import as_plain

        keys = [{"name": one.key.name, "id": one.key.id, "key": one.secret.reveal()} for one in made]
        say_json({"changes": [as_plain(change) for change in changes], "applied": done, "keys": keys})
        return
    say_made(made)
    if done:
        say(f"applied {len(changes)} changes" if len(changes) != 1 else "applied 1 change")


def say_changes(changes: "list[Change]") -> None:
    """A diff, in the order it would be carried out."""
    from appliance.pipeline.manage.wording import lines

    for change in changes:
        for line in lines(change):
            say(line)
    if not changes:
        say("nothing to change: the store holds what the file wants")


def say_made(made: "list[Made]") -> None:
    """New keys with their values: the only time these are seen."""
    if made:
        say("new keys; their values are shown now and never again:")
    for one in made:
        say(f"  {one.key.name}: {one.secret.reveal()}")


def agreed() -> bool:
    """True when somebody at the terminal says yes; refused without a terminal."""
    from appliance.domain.errors import BadRequest

    if not sys.stdin.isatty():
        raise BadRequest("nothing was changed: there is nobody to ask; say `--yes`")
    return confirm("apply these changes?")
