"""`redoubt audit`: what is known to be wrong with this release, judged offline. Exit codes say how sure that is."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import rich_click as click
from click.exceptions import ClickException, Exit

from appliance.cli.frame import as_json
from appliance.cli.output import say, say_json
from appliance.cli.release import FILE, FOLDER, known, needed, now, state, trust_of
from appliance.cli.tools import Tools
from appliance.config.place import release
from appliance.domain.errors import BadRequest, GatewayError

if TYPE_CHECKING:
    from offline.advisories.fault import BadAdvisories
    from offline.audit.pins import Native
    from offline.audit.report import Report
    from offline.audit.run import Policy
    from offline.audit.standing import Standing
    from offline.audit.vex import Vex

advisories_folder = click.option(
    "--advisories", type=FOLDER, help="The signed folder of advisories. On a site: the one imported last."
)
trust_file = click.option("--trust", type=FILE, help="The trust file this site believes. On a site: the newest one.")
pin = click.option("--pin", metavar="HEX", help="Instead of signatures: the sha256 of the folder's SHA256SUMS.")
fail_days = click.option(
    "--fail-days", type=click.IntRange(0), default=90, help="Advisories of this age, in days, fail. Usual: 90."
)
warn_days = click.option(
    "--warn-days", type=click.IntRange(0), default=30, help="Advisories of this age, in days, warn. Usual: 30."
)


@click.group(cls=Tools, example="redoubt audit run")
def audit() -> None:
    """Known vulnerabilities, looked up in the advisories at hand. No network is used."""


@audit.command(
    example=("redoubt audit run", "redoubt audit run --lock lock.txt --advisories advisories-7 --trust 1.trust --json")
)
@click.option("--lock", "locks", type=FILE, multiple=True, help="A lock to audit; may be given again.")
@click.option(
    "--environment", "environments", type=FOLDER, multiple=True, help="An environment to audit; may be given again."
)
@click.option("--sbom", type=FILE, help="The CycloneDX file that names libraries inside wheels. On a site: shipped.")
@click.option("--without-natives", metavar="REASON", help="Leave those libraries out; every report says so, and why.")
@click.option("--vex", type=FILE, help="What is answered for, in TOML. Usual: the entries that ship with the release.")
@advisories_folder
@trust_file
@pin
@warn_days
@fail_days
@as_json
def run(*, locks: tuple[Path, ...], environments: tuple[Path, ...], as_json: bool, **given: object) -> None:
    """Audit locks and environments; without any, those of this release.

    Exit 0: clean. 10: known vulnerabilities. 11: known ones, all answered for by VEX. 20: the advisories are too old.
    21: something was not audited. 22: the advisories are unsigned or broken. 30: the audit itself failed. A finding
    comes before an incomplete audit, that before old data; all reasons are printed.
    """
    try:
        report = _run(locks, environments, given)
    except (ClickException, Exit, GatewayError):
        raise
    except Exception as error:  # noqa: BLE001 -- a supervisor: whatever fails here, the exit code must say so
        click.echo(f"redoubt: the audit itself failed: {type(error).__name__}: {error}", err=True)
        _end(30)
    if as_json:
        say_json(report)
    else:
        from offline.audit.report import page

        say(page(report))
    _end(report.exit_code)


@audit.command(example="redoubt audit status --json")
@click.option("--state", "folder", type=FOLDER, help="Where imported advisories are kept. On a site: known.")
@trust_file
@warn_days
@fail_days
@as_json
def status(*, folder: Path | None, as_json: bool, warn_days: int, fail_days: int, trust: Path | None) -> None:
    """How old the advisories of this site are, and what became of the last arrival. Exit 20: too old. 22: none."""
    from offline.advisories.site import Site
    from offline.audit.status import line, status_of

    site = Site(needed(folder, _site_advisories(), "--state"))
    believed = trust_of(trust)
    data = _data(site.current, trust, None, site)
    told = status_of(site, data, _policy(warn_days, fail_days), max(now(), known(believed, site)))
    if as_json:
        say_json(told)
    else:
        say(line(told))
    _end(told.exit_code)


@audit.command(name="serve-osv", example="redoubt audit serve-osv --port 8765")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0, the usual: a free one.")
@advisories_folder
@trust_file
@pin
@as_json
def serve_osv(*, port: int, advisories: Path | None, trust: Path | None, pin: str | None, as_json: bool) -> None:
    """Answer an unmodified pip-audit on loopback, until stopped: it comes to the same ids as `redoubt audit run`."""
    from offline.advisories.fault import BadAdvisories
    from offline.audit.osv import Server
    from offline.audit.run import age_days

    data = _data(_advisories(advisories), trust, pin)
    if isinstance(data, BadAdvisories):
        click.echo(f"redoubt: {data}", err=True)
        _end(22)
    try:
        server = Server(data.snapshot, port)
    except OSError as error:
        raise BadRequest(f"port {port} cannot be had: {error.strerror}; name another with `--port`") from error
    with server:
        told = {"url": server.url, "max_modified": data.snapshot.meta.max_modified, "age_days": age_days(data, now())}
        if as_json:
            say_json(told)
        else:
            say(f"advisories of {told['max_modified']}, {told['age_days']} days old, at {server.url}")
            say(f"  pip-audit -s osv --osv-url {server.url} -r LOCK --require-hashes --disable-pip --strict")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("stopped", err=True)


def _run(locks: tuple[Path, ...], environments: tuple[Path, ...], given: dict[str, object]) -> "Report":
    from offline.audit.pins import of_environment, of_lock
    from offline.audit.run import Job
    from offline.audit.run import audit as judge

    if not locks and not environments:
        locks, environments = _own()
    policy = _policy(given["warn_days"], given["fail_days"])
    folder, file, pinned = given["advisories"], given["trust"], given["pin"]
    data = _data(
        _advisories(folder if isinstance(folder, Path) else None),
        file if isinstance(file, Path) else None,
        pinned if isinstance(pinned, str) else None,
    )
    try:
        demands = [*map(of_lock, locks), *map(of_environment, environments)]
    except OSError as error:
        click.echo(f"redoubt: `{error.filename}` cannot be audited: {error.strerror}", err=True)
        _end(21)
    moment = now() if pinned else max(now(), known(trust_of(file if isinstance(file, Path) else None)))
    job = Job(
        demands=demands,
        natives=_natives(given),
        without_natives=str(given["without_natives"]) if given["without_natives"] else None,
        policy=policy,
        vex=_vex(given["vex"], moment),
        now=moment,
    )
    return judge(job, data, _progress)


def _natives(given: dict[str, object]) -> "tuple[Native, ...]":
    """Libraries inside wheels, by the SBOM. Raises BadRequest when that does not read."""
    from offline.audit.natives import of_sbom

    here = release()
    file = given["sbom"] or (here / "bundle" / "sbom" / "redoubt.cdx.json" if here else None)
    if given["without_natives"] or not isinstance(file, Path):
        return ()
    try:
        return of_sbom(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BadRequest(f"`{file}`: {error}; name the release's SBOM with `--sbom`") from error


def _vex(file: object, moment: datetime) -> "Vex":
    from offline.audit.vex import FromDocument
    from sbom.model import Refused
    from sbom.vex import load

    try:
        today = moment.date()
        return FromDocument(load(file, today=today) if isinstance(file, Path) else load(today=today))
    except Refused as error:
        raise BadRequest(str(error)) from error


def _own() -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """The locks and environments of this release. Raises BadRequest when this is none."""
    import sys

    here = needed(None, release(), "--lock` or `--environment")
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    return tuple(sorted((here / "bundle" / "locks").glob(f"*-{tag}.txt"))), (here / "serve", here / "tools")


def _advisories(given: Path | None) -> Path:
    imported = _site_advisories()
    shipped = release()
    usual = imported / "current" if imported else None
    if usual is not None and shipped is not None and not usual.exists():
        usual = shipped / "bundle" / "advisories"
    return needed(given, usual, "--advisories")


def _site_advisories() -> Path | None:
    found = state()
    return None if found is None else found / "advisories"


def _data(folder: Path, trust: Path | None, pin: str | None, site: object = None) -> "Standing | BadAdvisories":
    """What the advisories are worth: believed, or why not. Their expiry is the policy's, by age, not the medium's."""
    from offline.advisories.fault import BadAdvisories
    from offline.advisories.site import Site
    from offline.audit.standing import CHANNEL, pinned, signed
    from offline.rules.openssl import OpenSSL
    from offline.rules.verify import Asked

    try:
        if pin:
            return pinned(folder.resolve(), pin)
        believed = trust_of(trust)
        since = known(believed, site if isinstance(site, Site) else None)
        asked = Asked(channel=CHANNEL, arch="any", now=now(), known=since, accept_expired=True)
        return signed(folder.resolve(), believed, asked, OpenSSL())
    except BadAdvisories as error:
        return error


def _policy(warn: object, fail: object) -> "Policy":
    from offline.audit.run import Policy

    try:
        return Policy(warn_days=int(str(warn)), fail_days=int(str(fail)))
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _progress(told: str) -> None:
    click.echo(told, err=True)


def _end(code: int) -> NoReturn:
    raise Exit(code)
