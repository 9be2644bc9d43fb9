"""`redoubt backup`: store, ledger and configuration in one folder; the master key stays apart."""

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click
from click import confirm

from appliance.cli.frame import Noun, as_json, given_file, site_file
from appliance.cli.output import say, say_json

if TYPE_CHECKING:
    from appliance.store.manifest import Manifest

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(cls=Noun, example="redoubt backup create /srv/backups/2026-11-22")
def backup() -> None:
    """Backups, made while the gateway runs. The master key is never in one: keep a copy of it elsewhere."""


@backup.command(example="redoubt backup create /srv/backups/2026-11-22")
@click.argument("target", type=FOLDER)
@as_json
def create(*, target: Path, as_json: bool) -> None:
    """Write a backup into a new folder, and check it."""
    from appliance.cli.version import version_of
    from appliance.config.load import load
    from appliance.observe.clock import SystemClock
    from appliance.store import backup as backups

    file = site_file()
    site = load(file)
    manifest = backups.create(site.data_folder, target, SystemClock(), version=version_of(), config=file)
    _say(manifest, f"backed up to {target}; not in it: {site.master_key_file}", as_json=as_json)


@backup.command(example="redoubt backup verify /srv/backups/2026-11-22")
@click.argument("source", type=FOLDER)
@as_json
def verify(*, source: Path, as_json: bool) -> None:
    """Check every file of a backup against its manifest, and both databases for damage."""
    from appliance.store.backup import verify as check

    _say(check(source), f"{source} is sound", as_json=as_json)


@backup.command(example="redoubt backup restore /srv/backups/2026-11-22 --yes")
@click.argument("source", type=FOLDER)
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def restore(*, source: Path, yes: bool, as_json: bool) -> None:
    """Put a backup in the place of the databases; the gateway must be stopped. What was there is moved aside.

    The configuration of the backup is written only where there is none. The site's master key must be in its place.
    """
    from appliance.config.load import load
    from appliance.observe.clock import SystemClock
    from appliance.store import restore as restoring
    from appliance.store.manifest import read

    given = given_file()
    missing = given if given is not None and not given.exists() else None
    data = _data_of(source, missing) if missing else load(site_file()).data_folder
    if not yes:
        found = read(source)
        confirm(f"replace the databases in {data} by the backup of {found.at:%Y-%m-%d %H:%M} UTC?", abort=True)
    manifest = restoring.restore(source, data, SystemClock(), config=missing)
    key = load(site_file()).master_key_file
    advice = "" if key.exists() else f"; put the site's master key at {key} (mode 0400): without it no key works"
    _say(manifest, f"restored into {data}; what was there is in `replaced-…` beside it{advice}", as_json=as_json)


def _data_of(source: Path, config: Path) -> Path:
    """Where the backed-up configuration, written to `config`, would have its data. Raises ConfigError."""
    from appliance.config.load import load
    from appliance.store.manifest import CONFIG

    saved = source / CONFIG
    site = load(saved)
    relative = site.data_folder.relative_to(saved.absolute().parent) if _inside(site.data_folder, saved) else None
    return site.data_folder if relative is None else config.absolute().parent / relative


def _inside(folder: Path, saved: Path) -> bool:
    return folder.is_relative_to(saved.absolute().parent)


def _say(manifest: "Manifest", text: str, *, as_json: bool) -> None:
    if as_json:
        say_json(manifest)
        return
    say(text)
    for name, file in manifest.files.items():
        say(f"  {name}  {file.size} bytes  sha256 {file.sha256}")
