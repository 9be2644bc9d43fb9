"""What hangs below the noun `bundle`: advisories made on this side, carried, and taken in on the other."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from appliance.cli.frame import Moment, as_json, refuse
from appliance.cli.output import say, say_json
from appliance.cli.release import FILE, FOLDER, known, needed, now, state, trust_of
from appliance.cli.tools import Tools
from appliance.domain.errors import BadRequest

if TYPE_CHECKING:
    from offline.advisories.snapshot import Source


@click.group(cls=Tools, example="redoubt bundle advisories import /srv/drop")
def advisories() -> None:
    """The channel `advisories`: built on the connected side, signed, carried whole, imported on the isolated one."""


@advisories.command(
    example=(
        "redoubt bundle advisories build pypi-all.zip --seq 7 --out advisories-7 --source osv --commit 2026-11-22",
        "redoubt bundle advisories build advisory-database/vulns --seq 7 --out advisories-7 --commit 3ccb612",
    )
)
@click.argument("inputs", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)
@click.option("--out", type=FOLDER, required=True, help="The folder to write; it must not be there yet.")
@click.option("--seq", type=click.IntRange(0), required=True, help="Its number: one higher than any before.")
@click.option("--source", default="pypa/advisory-database", help="Whose data it is. Usual: pypa/advisory-database.")
@click.option("--commit", default="unknown", help="The state of the source: a commit, or the day of an export.")
@click.option("--licence", default="CC-BY-4.0", help="The SPDX licence of the data. Usual: CC-BY-4.0.")
@click.option("--licence-text", type=FILE, help="Its text. Usual: the one shipped, of CC-BY-4.0.")
@click.option("--attribution", help="Whom the licence asks to be named. Usual: the source.")
@click.option("--ecosystem", "ecosystems", multiple=True, help="What goes in; may be given again. Usual: PyPI.")
@click.option("--created", type=Moment(ahead=False), help="The moment it is made. Usual: now.")
@as_json
def build(*, inputs: tuple[Path, ...], out: Path, seq: int, as_json: bool, **given: object) -> None:
    """Make a folder from advisories in OSV JSON or PYSEC YAML: folders, zips, or an older snapshot (`.json.gz`).

    Doubles are merged by alias, withdrawn ones left out. An advisory that does not read stops it: one that is passed
    over would never be missed. The folder still has to be signed.
    """
    from offline.advisories.build import LICENCE, Plan
    from offline.advisories.build import build as made
    from offline.advisories.fault import BadAdvisories
    from offline.advisories.record import PYPI

    licence, ecosystems, created = given["licence_text"], given["ecosystems"], given["created"]
    plan = Plan(
        inputs=inputs,
        sources=[_source(given)],
        seq=seq,
        created=created if isinstance(created, datetime) else now(),
        ecosystems=frozenset(ecosystems if isinstance(ecosystems, tuple) and ecosystems else (PYPI,)),
        licences=(licence if isinstance(licence, Path) else LICENCE,),
    )
    try:
        meta = made(plan, out, lambda number: click.echo(f"read {number} advisories", err=True))
    except BadAdvisories as error:
        raise BadRequest(str(error)) from error
    if as_json:
        say_json(meta)
        return
    counts = meta.counts
    say(f"{out}: number {meta.seq}, {counts.records} advisories of {counts.packages} packages")
    say(f"  newest change {meta.max_modified}; left out: {counts.withdrawn} withdrawn, {counts.merged} told twice")
    say("  sign it with a key of the channel `advisories`, then pack it")


@advisories.command(example="redoubt bundle advisories pack advisories-7 --out advisories-7.tar")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=FILE, required=True, help="The tar to write; its marker is written beside it.")
@as_json
def pack(*, folder: Path, out: Path, as_json: bool) -> None:
    """Pack a signed folder for a one-way link: a plain tar, and the marker that is to be sent last."""
    from offline.advisories.archive import pack as packed
    from offline.advisories.drop import COMPLETE
    from offline.rules.tree import digest

    if not list(folder.glob("SHA256SUMS.*.sig")):
        raise BadRequest(f"`{folder}` is not signed; the site would refuse it")
    packed(folder, out)
    sha256 = digest(out)
    out.with_name(out.name + COMPLETE).write_text(f"{sha256}  {out.name}\n")
    if as_json:
        say_json({"file": str(out), "sha256": sha256})
    else:
        say(f"{out}: sha256 {sha256}; send it, then {out.name}{COMPLETE}")


@advisories.command(name="import", example=("redoubt bundle advisories import /srv/drop", "redoubt audit status"))
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--state", "folder", type=FOLDER, help="Where imported advisories are kept. On a site: known.")
@click.option("--trust", type=FILE, help="The trust file this site believes. On a site: the newest one.")
@click.option("--accept-expired", metavar="REASON", help="Take what is past its time, and keep the reason.")
@click.option("--accept-clock", metavar="REASON", help="Take it although the clock is behind it; keep the reason.")
@as_json
def import_(*, source: Path, folder: Path | None, trust: Path | None, as_json: bool, **accepted: str | None) -> None:
    """Take in a signed folder, or everything complete in the drop folder of a one-way link.

    What is wrong in a drop folder goes to quarantine with its reason beside it; nothing is written for the sender. Exit
    1 when something was refused. Safe to run every minute.
    """
    from offline.advisories.drop import Gate, import_drop, import_folder, waiting
    from offline.advisories.fault import BadAdvisories
    from offline.advisories.site import Site
    from offline.rules.names import SUMS
    from offline.rules.openssl import OpenSSL

    usual = state()
    site = Site(needed(folder, usual / "advisories" if usual else None, "--state"))
    believed = trust_of(trust)
    reasons = {name.removeprefix("accept_"): why for name, why in accepted.items() if why}
    try:
        gate = Gate(trust=believed, check=OpenSSL(), now=now(), known=known(believed, site), accepted=reasons)
        alone = (source / SUMS).exists()
        receipts = [import_folder(source, site, gate)] if alone else import_drop(source, site, gate)
        left = [] if alone else waiting(source)
    except BadAdvisories as error:
        raise BadRequest(str(error)) from error
    if as_json:
        say_json({"receipts": receipts, "waiting": left})
    else:
        for one in receipts:
            say(f"{one.file}: {one.result}{f', number {one.seq}' if one.seq is not None else ''}")
            if one.reason:
                say(f"  {one.reason}")
        for name in left:
            say(f"{name}: waiting for its marker")
        if not receipts and not left:
            say("nothing has arrived")
    if any(one.result == "quarantined" for one in receipts):
        refuse()


def _source(given: dict[str, object]) -> "Source":
    from offline.advisories.snapshot import Source

    name = str(given["source"])
    return Source(
        name=name,
        commit=str(given["commit"]),
        licence=str(given["licence"]),
        attribution=str(given["attribution"] or name),
    )
