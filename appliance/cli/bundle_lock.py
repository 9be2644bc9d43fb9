"""`redoubt bundle lock`: which wheels a release will be made of, and what is new in them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from appliance.cli.bundle_frame import ARCHITECTURES, FOLDER, NEW, PYTHONS, progress, told
from appliance.cli.frame import Verb, as_json, refuse
from appliance.cli.output import say, say_json, say_table
from appliance.domain.errors import BadRequest

if TYPE_CHECKING:
    from offline.relock import Locked

SETS = ("serve", "tools", "dev", "build")


@click.command(
    cls=Verb,
    example=(
        "redoubt bundle lock",
        "redoubt bundle lock --set serve --set tools --python 3.11 --arch x86_64 --fail-on new,native,pth --check",
    ),
)
@click.option("--source", type=FOLDER, default=".", help="The checkout. Usual: here.")
@click.option("--set", "kinds", type=click.Choice(SETS), multiple=True, help="May be given again. Usual: all.")
@click.option("--python", "pythons", type=click.Choice(PYTHONS), multiple=True, help="The same.")
@click.option("--arch", "architectures", type=click.Choice(ARCHITECTURES), multiple=True, help="The same.")
@click.option("--cooldown", type=click.IntRange(0), default=14, help="Days a wheel must have been out. Usual: 14.")
@click.option("--allow-unknown-age", is_flag=True, help="Take wheels of which nobody tells when they were uploaded.")
@click.option("--fail-on", default="pth", metavar="KINDS", help="Findings that stop it, comma between. Usual: pth.")
@click.option("--wheels", type=NEW, help="The cache of wheels. Usual: `.cache/wheels` in the checkout.")
@click.option("--check", is_flag=True, help="Tell what would change, and write nothing.")
@as_json
def lock(*, check: bool, as_json: bool, **given: Any) -> None:
    """Ask the package index anew, tell what changed against the locks that lie here, and write them.

    Findings are read from the wheels' bytes: `new`, `removed`, `upgraded`, `native` (compiled code), `pth` (code that
    runs at every start of Python), `entry-point` (programs and plug-ins), `size` (half as large again). `--fail-on ''`
    stops at none. `tools` and `dev` take the versions of `serve`. What is left out on purpose is told with its reason.
    """
    from offline.delta import KINDS
    from offline.relock import Wanted, relock, save, stopped

    fail_on = frozenset(one for one in given["fail_on"].split(",") if one)
    if unknown := sorted(fail_on - set(KINDS)):
        raise BadRequest(f"`{unknown[0]}` is no kind of finding; there are {', '.join(KINDS)}")
    source: Path = given["source"]
    days = given["cooldown"]
    wanted = Wanted(
        source=source,
        kinds=given["kinds"] or SETS,
        pythons=given["pythons"] or PYTHONS,
        architectures=given["architectures"] or ARCHITECTURES,
        wheels=given["wheels"] or source / ".cache/wheels",
        before=datetime.now(UTC) - timedelta(days=days) if days else None,
        fail_on=fail_on,
        allow_unknown_age=given["allow_unknown_age"],
    )
    with told(), progress() as step:
        made = relock(wanted, step)
        reasons = stopped(wanted, made)
        written = not (check or reasons)
        if written:
            save(source, made)
    if as_json:
        say_json({"locks": made, "stopped": reasons, "written": written})
    else:
        _show(made, written=written)
    for reason in reasons:
        click.echo(f"redoubt: {reason}", err=True)
    if reasons:
        refuse()


def _show(made: "list[Locked]", *, written: bool) -> None:
    for one in made:
        say(f"{one.file}: {one.artefacts} artefacts{'' if written else ', not written'}")
    rows = sorted({(found.package, found.kind, found.detail) for one in made for found in one.findings})
    for kind, why in sorted({(_set(one.file), why) for one in made for _, why in one.left_out}):
        names = {name for one in made if _set(one.file) == kind for name, reason in one.left_out if reason == why}
        say(f"left out of {kind}: {', '.join(sorted(names))}: {why}")
    say()
    say_table(("PACKAGE", "KIND", "DETAIL"), rows, "nothing changed against the locks before")


def _set(file: str) -> str:
    return file.rpartition("/")[2].partition("-")[0]
