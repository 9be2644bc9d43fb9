"""`redoubt updates`: media that carry releases, advisories and models, each channel under its own keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from appliance.cli.frame import Noun, as_json
from appliance.cli.output import say, say_json, say_table
from appliance.cli.release import FILE, FOLDER, known, needed, now, state, trust_of
from appliance.cli.tools import Tools
from appliance.config.place import release
from appliance.domain.errors import BadRequest

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

    from offline.updates.client import Medium
    from offline.updates.keys import Roles

MEDIUM = click.Path(file_okay=False, path_type=Path)
CHANNEL = click.Choice(["app", "advisories", "models", "config"])
key_files = click.option(
    "--key", "keys", type=FILE, multiple=True, help="A private key in PEM (Ed25519 or P-384); may be given again."
)
medium_key = click.option("--medium-key", type=FILE, help="The public key, in PEM, of whoever makes media.")
site_trust = click.option("--site-trust", type=FILE, help="The site's own trust file, for its channel `config`.")
trust_file = click.option("--trust", type=FILE, help="The trust file to take holders and thresholds from.")
algorithm = click.option(
    "--algorithm", type=click.Choice(["ed25519", "p384"]), default="ed25519", help="One kind of key for all roles."
)


@click.group(cls=Tools, example="redoubt updates check /media/redoubt")
def updates() -> None:
    """Media of updates: a TUF repository whose parts are packed folders. Refuses old, stale and mixed-up ones."""


@updates.group(cls=Noun, example="redoubt updates medium create /media/redoubt --trust 1.trust --medium-key medium.pem")
def medium() -> None:
    """Make media, on the connected side."""


@medium.command(
    example="redoubt updates medium create /media/redoubt --trust 1.trust --medium-key medium.pem --key a.key"
)
@click.argument("folder", type=MEDIUM)
@trust_file
@medium_key
@site_trust
@algorithm
@key_files
@as_json
def create(*, folder: Path, keys: tuple[Path, ...], as_json: bool, **given: object) -> None:
    """Write a medium that carries nothing yet, signed by root holders. Ship its `1.root.json` as `tuf/root.json`."""
    from offline.updates.medium import create as made

    with _told():
        made(folder, _roles(given), _signers(keys), now())
    _say({"medium": str(folder), "root": 1}, f"{folder}: made; put packed folders on it, then seal it", as_json=as_json)


@medium.command(
    example="redoubt updates medium rotate /media/redoubt --trust 2.trust --medium-key medium.pem --key a.key"
)
@click.argument("folder", type=MEDIUM)
@trust_file
@medium_key
@site_trust
@algorithm
@key_files
@as_json
def rotate(*, folder: Path, keys: tuple[Path, ...], as_json: bool, **given: object) -> None:
    """Change who may sign: takes enough of the old root holders and of the new. A key that is left out is revoked."""
    from offline.updates.medium import rotate as made

    with _told():
        number = made(folder, _roles(given), _signers(keys), now())
    _say({"medium": str(folder), "root": number}, f"{folder}: root {number}; sign its channels anew", as_json=as_json)


@medium.command(
    example="redoubt updates medium add /media/redoubt app redoubt-0.2.0-x86_64.tar --key alice.key --key bob.key"
)
@click.argument("folder", type=MEDIUM)
@click.argument("channel", type=CHANNEL)
@click.argument("files", type=click.Path(exists=True, dir_okay=False, path_type=Path), nargs=-1)
@key_files
@as_json
def add(*, folder: Path, channel: str, files: tuple[Path, ...], keys: tuple[Path, ...], as_json: bool) -> None:
    """Put packed folders on a medium under the channel's keys. Without files: vouch for the channel anew."""
    from offline.updates.medium import add as made

    with _told():
        number = made(folder, channel, files, _signers(keys), now())
    _say({"channel": channel, "number": number}, f"{channel}: number {number}; now seal the medium", as_json=as_json)


@medium.command(example="redoubt updates medium sign /media/redoubt app --key bob.key")
@click.argument("folder", type=MEDIUM)
@click.argument("channel", type=CHANNEL)
@key_files
@as_json
def sign(*, folder: Path, channel: str, keys: tuple[Path, ...], as_json: bool) -> None:
    """Add signatures to a channel, each on a machine of its own."""
    from offline.updates.medium import sign as made

    with _told():
        number = made(folder, channel, _signers(keys))
    _say({"channel": channel, "signatures": number}, f"{channel}: {number} signatures", as_json=as_json)


@medium.command(example="redoubt updates medium seal /media/redoubt --key medium.key")
@click.argument("folder", type=MEDIUM)
@key_files
@as_json
def seal(*, folder: Path, keys: tuple[Path, ...], as_json: bool) -> None:
    """Vouch for the medium as it is now, for 400 days. Refused while a channel lacks signatures."""
    from offline.updates.medium import seal as made

    with _told():
        number = made(folder, _signers(keys), now())
    _say({"medium": str(folder), "number": number}, f"{folder}: sealed, number {number}", as_json=as_json)


state_folder = click.option("--state", "folder", type=FOLDER, help="What this site has seen. On a site: known.")
root_file = click.option("--root", type=FILE, help="The TUF root of the release that runs. On a site: its own.")
accept_expired = click.option(
    "--accept-expired", metavar="REASON", help="Take a medium past its time, by 400 days at most; keeps the reason."
)
accept_clock = click.option(
    "--accept-clock", metavar="REASON", help="Take a medium although the clock is behind what was signed."
)


@updates.command(example=("redoubt updates check /media/redoubt", "redoubt updates check /media/redoubt --json"))
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@state_folder
@root_file
@trust_file
@accept_expired
@accept_clock
@as_json
def check(*, source: Path, as_json: bool, **given: object) -> None:
    """Verify a medium, say what it offers, and remember its numbers: from then on no older one is taken."""
    found = _look(source, given)
    if as_json:
        say_json(found)
        return
    say(f"medium {found.number} of {found.created}, good until {found.expires}")
    if found.late:
        say(f"  past its time; accepted: {found.late}")
    rows = [(one.channel, one.number, one.name, one.size) for one in found.offers]
    say_table(("CHANNEL", "NUMBER", "NAME", "BYTES"), rows, "it offers nothing")


@updates.command(example="redoubt updates fetch /media/redoubt app/redoubt-0.2.0-x86_64.tar --into /var/tmp/redoubt")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("path")
@click.option("--into", type=FOLDER, required=True, help="The folder to copy it to.")
@state_folder
@root_file
@trust_file
@accept_expired
@accept_clock
@as_json
def fetch(*, source: Path, path: str, into: Path, as_json: bool, **given: object) -> None:
    """Copy one packed folder off a medium, verified. Unpack it, then verify it as if it had come alone."""
    from offline.updates.client import fetch as fetched
    from offline.updates.client import named

    found = _look(source, given)
    with _told():
        offer = named(found, path)
        click.echo(f"copying {offer.name}: {offer.size} bytes", err=True)
        file = fetched(found, offer, into)
    _say({"file": str(file), "sha256": offer.sha256}, f"{file}: sha256 {offer.sha256}", as_json=as_json)


def _look(source: Path, given: dict[str, object]) -> "Medium":
    from offline.updates.client import Clock, look

    remembered, shipped = state(), release()
    folder = needed(_path(given["folder"]), remembered / "updates" if remembered else None, "--state")
    root = needed(_path(given["root"]), shipped / "bundle" / "tuf" / "root.json" if shipped else None, "--root")
    sure = known(trust_of(_path(given["trust"]))) if given["trust"] or shipped else datetime(1970, 1, 1, tzinfo=UTC)
    reasons = [str(given[name]) if given[name] else None for name in ("accept_expired", "accept_clock")]
    with _told():
        try:
            content = root.read_bytes()
        except OSError as error:
            raise BadRequest(f"`{root}` cannot be read: {error.strerror}; name the release's with `--root`") from error
        clock = Clock(now(), sure, accept_expired=reasons[0], accept_clock=reasons[1])
        return look(source, folder, content, clock)


def _roles(given: dict[str, object]) -> "Roles":
    from offline.updates.keys import read_public_key, roles_of

    file, site = _path(given["medium_key"]), _path(given["site_trust"])
    if file is None:
        raise BadRequest("name the public key of whoever makes media with `--medium-key`")
    return roles_of(
        trust_of(_path(given["trust"])),
        read_public_key(file),
        algorithm=str(given["algorithm"]),
        site=trust_of(site) if site else None,
    )


def _signers(files: tuple[Path, ...]) -> "list[CryptoSigner]":
    from offline.updates.keys import read_signer

    return [read_signer(file) for file in files]


def _path(given: object) -> Path | None:
    return given if isinstance(given, Path) else None


@contextmanager
def _told() -> Iterator[None]:
    """What a medium is refused for, as one line and exit 1."""
    from offline.updates.fault import UpdateRefused

    try:
        yield
    except UpdateRefused as error:
        raise BadRequest(str(error)) from error


def _say(told: dict[str, object], text: str, *, as_json: bool) -> None:
    if as_json:
        say_json(told)
    else:
        say(text)
