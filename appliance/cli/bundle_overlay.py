"""`redoubt bundle overlay`: what a site adds to a release, as a folder that its own key holders sign."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import rich_click as click

from appliance.cli.bundle_frame import FILE, FOLDER, NEW, told
from appliance.cli.frame import Verb, as_json
from appliance.cli.output import say, say_json


@click.command(
    cls=Verb,
    example="redoubt bundle overlay acme-adapter-1.2.0 acme_adapter-1.2.0-py3-none-any.whl --seq 1 --trust site-trust",
)
@click.argument("name")
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--seq", type=click.IntRange(1), required=True, help="Its number; grows with every one of that name.")
@click.option("--trust", type=FOLDER, required=True, help="The folder of the site's own trust files.")
@click.option("--out", type=NEW, default=".", help="The folder to make it in. Usual: here.")
@click.option("--days", type=click.IntRange(1), default=400, help="Until it may be added. Usual: 400.")
@as_json
def overlay(*, name: str, files: tuple[Path, ...], as_json: bool, seq: int, trust: Path, out: Path, days: int) -> None:
    """Make the folder of an overlay out of wheels and other files. It is not signed.

    NAME ends with its version. A site adds the signed folder with `redoubt-installer overlay add`.
    """
    from offline.overlay import Plan, make

    created = datetime.now(UTC).replace(microsecond=0)
    plan = Plan(name=name, seq=seq, created=created, expires=created + timedelta(days=days), files=files, trust=trust)
    with told():
        made = make(plan, out)
    if as_json:
        say_json({"folder": str(made.folder), "name": made.name, "version": made.version, "seq": made.seq})
        return
    say(f"{made.folder}: {len(made.files)} files, not signed")
    say(f"next: redoubt bundle sign {made.folder} --id YOU --key FILE")
