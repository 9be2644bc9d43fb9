"""`redoubt config`: the configuration file itself."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from appliance.cli.frame import Noun, as_json, at_desk, refuse, site_file
from appliance.cli.output import say, say_json

if TYPE_CHECKING:
    from appliance.desk import Desk
    from appliance.pipeline.manage.diff import Change

FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(cls=Noun, example="redoubt config check site.yaml")
def config() -> None:
    """The configuration file: what may stand in it, and whether it is right."""


@config.command(example="redoubt config check site.yaml")
@click.argument("file", required=False, type=FILE)
@as_json
def check(*, file: Path | None, as_json: bool) -> None:
    """Say everything that is wrong with a file, with line and path; nothing is changed. Exit 1 when something is."""
    chosen = file or site_file()
    found, warned = problems_of(chosen)
    if as_json:
        say_json({"file": str(chosen), "problems": found, "warnings": warned})
    else:
        for text in found:
            say(text)
        for text in warned:
            say(f"warning: {text}")
        if not found:
            say(f"{chosen} is right")
    if found:
        refuse()


@config.command(example="redoubt config schema > redoubt.schema.json")
def schema() -> None:
    """Print the JSON Schema of the file, for editors."""
    from appliance.config.reference import json_schema

    say_json(json_schema())


@config.command(example="redoubt config example > site.yaml")
def example() -> None:
    """Print a complete file with every setting explained."""
    say(files("appliance.config").joinpath("example.yaml").read_text().rstrip())


@config.command(example="redoubt config settings")
def settings() -> None:
    """Print the page of all settings, as it stands in the docs."""
    from appliance.config.reference import settings_page

    say(settings_page().rstrip())


@config.command(example="redoubt config show")
@as_json
def show(*, as_json: bool) -> None:
    """Print the configuration as it is in effect, every default filled in. References to secrets, never secrets."""
    from appliance.config.load import load
    from appliance.config.render import effective, to_yaml

    plain = effective(load(site_file()))
    if as_json:
        say_json(plain)
    else:
        say(to_yaml(plain).rstrip())


@config.command(example="redoubt config diff -f site.yaml")
@click.option("-f", "--file", type=FILE, help="Compare this file; else the one in use.")
@as_json
def diff(*, file: Path | None, as_json: bool) -> None:
    """Show drift: how the store's models, keys and default price differ from the file. Nothing is changed.

    What only the store has is shown as `-`, though `redoubt apply` deletes it with `--prune` alone.
    """
    from appliance.cli.apply import say_changes
    from appliance.desk import wanted
    from appliance.pipeline.manage.wording import as_plain

    _, desired = wanted(file or site_file())

    async def work(desk: "Desk") -> "list[Change]":
        return await desk.apply.plan(desired, prune=True)

    changes = at_desk(work)
    if as_json:
        say_json({"drift": [as_plain(change) for change in changes]})
    else:
        say_changes(changes)


def problems_of(file: Path) -> tuple[list[str], list[str]]:
    """Everything wrong with a file, and what it should be warned about."""
    from appliance.config.load import check, load
    from appliance.config.rules import warnings
    from appliance.desk import check_entities
    from appliance.domain.errors import ConfigError

    if found := [problem.message for problem in check(file)]:
        return found, []
    site = load(file)
    try:
        return [f"{file}: {text}" for text in check_entities(site)], warnings(site)
    except ConfigError as error:
        return [f"{file}: {error.message}"], []
