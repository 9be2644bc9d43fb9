"""`redoubt init`: a new site, from nothing to its first admin key."""

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from appliance.cli.frame import Verb, as_json, given_file
from appliance.cli.output import say, say_json

if TYPE_CHECKING:
    from appliance.config.desired import Desired
    from appliance.config.schema import Site
    from appliance.pipeline.manage.keys import Made


@click.command(cls=Verb, example=("redoubt init /srv/redoubt", "redoubt --config /etc/redoubt/redoubt.yaml init"))
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@as_json
def init(*, folder: Path | None, as_json: bool) -> None:
    """Make a site: configuration, data folder (0700), master key (0400), store, and a first admin key, shown once.

    A `redoubt.yaml` that is in FOLDER already is taken as it is, and its models and keys fill the empty store. A store
    that is there already is never touched.
    """
    given = given_file()
    if given is not None and folder is not None:
        raise click.UsageError("give FOLDER or `--config`, not both")
    file = given or (folder or Path()) / "redoubt.yaml"
    written = _write_starter(file)
    try:
        site, made = establish(file)
    except BaseException:
        if written:
            file.unlink(missing_ok=True)
        raise
    _say(file, site, made, as_json=as_json)


def _write_starter(file: Path) -> bool:
    """True when the file was not there and is now. Raises ConfigError when it cannot be written."""
    from appliance.domain.errors import ConfigError

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as out:
            out.write(files("appliance.config").joinpath("starter.yaml").read_text())
    except FileExistsError:
        return False
    except OSError as e:
        raise ConfigError(f"cannot be written: {e.strerror}", file=str(file)) from e
    return True


def establish(file: Path) -> "tuple[Site, list[Made]]":
    """Data folder, databases, master key, entities. What a failure leaves half made is taken away again."""
    from appliance.config.secrets import create_master_key, read_master_key
    from appliance.desk import check_entities, wanted
    from appliance.domain.errors import BadRequest, Conflict
    from appliance.store.migrate import migrate

    site, desired = wanted(file)
    if problems := check_entities(site):
        raise BadRequest("\n".join(f"{file}: {text}" for text in problems))
    data, key = site.data_folder, site.master_key_file
    if (data / "store.db").exists() or (data / "ledger.db").exists():
        raise Conflict(f"there is a store in `{data}` already; nothing was changed")
    new_folder, before = not data.exists(), set(data.iterdir()) if data.exists() else set()
    new_key = not key.exists()
    try:
        migrate(data)
        if new_key:
            create_master_key(key)
        else:
            read_master_key(key)
        return site, asyncio.run(_fill(file, site, _with_admin(desired)))
    except BaseException:
        if new_key:
            key.unlink(missing_ok=True)
        for left in set(data.iterdir()) - before if data.exists() else ():
            left.unlink()
        if new_folder and data.exists():
            data.rmdir()
        raise


def _with_admin(desired: "Desired") -> "Desired":
    """What the file wants, and an admin key when it wants none."""
    import msgspec

    from appliance.config.desired import KeyTerms
    from appliance.domain.identity import Role
    from appliance.domain.ids import ModelName

    if any(terms.role is Role.ADMIN for terms in desired.keys):
        return desired
    admin = KeyTerms(name="admin", role=Role.ADMIN, models=(ModelName("*"),))
    return msgspec.structs.replace(desired, keys=(admin, *desired.keys))


async def _fill(file: Path, site: "Site", desired: "Desired") -> "list[Made]":
    from appliance.desk import open_desk

    async with open_desk(file, site=site) as desk:
        return await desk.apply.run(desired, await desk.apply.plan(desired, prune=False), desk.actor, prune=False)


def _say(file: Path, site: "Site", made: "list[Made]", *, as_json: bool) -> None:
    from appliance.cli.apply import say_made
    from appliance.config.rules import warnings

    if as_json:
        keys = [
            {"name": one.key.name, "id": one.key.id, "role": one.key.role, "key": one.secret.reveal()} for one in made
        ]
        say_json(
            {"config": str(file.absolute()), "data": site.data, "master_key": str(site.master_key_file), "keys": keys}
        )
        return
    say(f"configuration  {file.absolute()}")
    say(f"data folder    {site.data}")
    say(f"master key     {site.master_key_file}  (keep a copy apart from the backups: without it no key works)")
    say()
    say_made(made)
    for text in warnings(site):
        say(f"warning: {text}")
    say()
    say(f"next: redoubt --config {file.absolute()} deployments set MODEL/LABEL --help, then serve")
