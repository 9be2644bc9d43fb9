"""`redoubt bundle keys` and `redoubt bundle trust`: who may sign, and how a site comes to believe it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import rich_click as click

from appliance.cli.bundle_frame import FILE, FOLDER, NEW, numbers, passphrase, passphrase_file, told
from appliance.cli.frame import Noun, Pair, as_json
from appliance.cli.output import say, say_json, say_table
from appliance.domain.errors import BadRequest

USUAL = {"root": 2, "app": 2, "advisories": 1, "models": 2}
key_file = click.option(
    "--key", "public", multiple=True, metavar="[ROLES:]FILE.pub", help="Who signs: for all roles, or for those named."
)
role = click.option(
    "--role", "roles", type=Pair(), multiple=True, metavar="NAME=COUNT", help="How many distinct ids a role takes."
)
days = click.option("--days", type=click.IntRange(1), default=3650, help="Until it expires. Usual: 3650.")


@click.group(cls=Noun, example="redoubt bundle keys make alice --out alice.key --passphrase-file /run/alice")
def keys() -> None:
    """Keys that sign bundles."""


@keys.command(example="redoubt bundle keys make alice --out alice.key --passphrase-file /run/alice")
@click.argument("id_", metavar="ID")
@click.option("--out", type=NEW, required=True, help="The private key; the public line goes to `FILE.pub`.")
@click.option("--algorithm", type=click.Choice(["ed25519", "p384"]), default="ed25519", help="Usual: ed25519.")
@passphrase_file
@click.option("--no-passphrase", is_flag=True, help="Do not encrypt it: for throw-away keys.")
@as_json
def make(
    *, id_: str, out: Path, algorithm: str, passphrase_file: Path | None, no_passphrase: bool, as_json: bool
) -> None:
    """Make a key, closed to others and encrypted, and print its public line."""
    from offline.keys import make_key, minisign_public, read_public

    if (passphrase_file is None) != no_passphrase:
        raise BadRequest("a key is encrypted: give `--passphrase-file`, or say `--no-passphrase`")
    with told():
        line = make_key(algorithm, id_, out, passphrase(passphrase_file))
        spki = read_public(out.with_name(f"{out.name}.pub"))[2]
    minisign = minisign_public(spki) if algorithm == "ed25519" else None
    if as_json:
        say_json({"key": str(out), "public": line, "minisign": minisign})
        return
    say(line)
    if minisign is not None:
        say(f"for the minisign program: {minisign}")


@click.group(cls=Noun, example="redoubt bundle trust show trust")
def trust() -> None:
    """Trust files: who may sign what, and how many it takes."""


@trust.command("make", example="redoubt bundle trust make trust --key alice.key.pub --key bob.key.pub --key c.key.pub")
@click.argument("folder", type=NEW)
@key_file
@role
@days
@click.option("--product", default="redoubt", help="`redoubt-site` for a site's own keys. Usual: redoubt.")
@as_json
def make_trust(*, folder: Path, public: tuple[str, ...], days: int, product: str, as_json: bool, **given: Any) -> None:
    """Write the first trust file. Usual: root=2, app=2, advisories=1, models=2."""
    from offline.rules.trust import Trust
    from offline.trusts import keys_of
    from offline.trusts import make as made

    thresholds = numbers(given["roles"], "the role") or USUAL
    now = _now()
    with told():
        first = Trust(product, 1, now, now + timedelta(days=days), thresholds, tuple(keys_of(public, thresholds)))
        _fingerprint(made(folder, first), f"{folder}/1.trust", as_json=as_json)


@trust.command(example="redoubt bundle trust rotate trust --remove bob --key dave.key.pub")
@click.argument("folder", type=FOLDER)
@key_file
@click.option("--remove", multiple=True, metavar="ID", help="Revoke all keys of this id.")
@role
@days
@as_json
def rotate(
    *, folder: Path, public: tuple[str, ...], remove: tuple[str, ...], days: int, as_json: bool, **given: Any
) -> None:
    """Write the next trust file. Nobody believes it until root holders of the old one and of it have signed."""
    from offline.trusts import latest
    from offline.trusts import rotate as rotated

    now = _now()
    with told():
        changed = numbers(given["roles"], "the role")
        content = rotated(folder, now, now + timedelta(days=days), thresholds=changed, add=public, remove=remove)
        number = latest(folder).number
        _fingerprint(content, f"{folder}/{number}.trust", as_json=as_json)
    if not as_json:
        say(f"next: redoubt bundle trust sign {folder} --id YOU --key FILE, by enough holders of both")


@trust.command(example="redoubt bundle trust sign trust --id alice --key alice.key --passphrase-file /run/alice")
@click.argument("folder", type=FOLDER)
@click.option("--id", "id_", required=True, help="Who signs.")
@click.option("--key", type=FILE, help="The private key, PEM.")
@passphrase_file
@click.option("--command", help="A command that signs, as for `redoubt bundle sign`.")
@click.option("--algorithm", type=click.Choice(["ed25519", "p384"]), default="p384", help="Of the command's key.")
@as_json
def sign(*, folder: Path, id_: str, key: Path | None, command: str | None, as_json: bool, **given: Any) -> None:
    """Sign the newest trust file as a root holder."""
    from offline.signer import CommandSigner, read_key
    from offline.trusts import sign_trust

    if (key is None) == (command is None):
        raise BadRequest("say one of `--key` and `--command`")
    with told():
        signer = CommandSigner.parse(given["algorithm"], command) if command else None
        made = sign_trust(folder, id_, signer or read_key(key or Path(), passphrase(given["passphrase_file"])))
    if as_json:
        say_json({"wrote": str(made)})
    else:
        say(f"wrote {made}")


@trust.command(example="redoubt bundle trust show trust --json")
@click.argument("folder", type=FOLDER)
@as_json
def show(*, folder: Path, as_json: bool) -> None:
    """Print who may sign what in the newest trust file, after checking every link that leads to it."""
    from offline.chain import newest
    from offline.rules.trust import fingerprint

    with told():
        last = newest(folder)
    text = fingerprint(str(last).encode())
    if as_json:
        holders = [{"role": one.role, "id": one.id, "algorithm": one.algorithm} for one in last.keys]
        told_of = {"number": last.number, "product": last.product, "created": last.created, "expires": last.expires}
        say_json({**told_of, "fingerprint": text.replace(" ", ""), "thresholds": last.thresholds, "keys": holders})
        return
    say(f"trust file {last.number} of {last.product}, good until {last.expires:%Y-%m-%d}")
    say(f"fingerprint {text}\n")
    rows = [(one.role, last.thresholds[one.role], one.id, one.algorithm) for one in last.keys]
    say_table(("ROLE", "TAKES", "ID", "ALGORITHM"), rows, "")


@trust.command(example="redoubt bundle trust paper trust > fingerprint.txt")
@click.argument("folder", type=FOLDER)
@click.option("--number", type=click.IntRange(1), help="Of which trust file. Usual: the newest.")
@as_json
def paper(*, folder: Path, number: int | None, as_json: bool) -> None:
    """Print the page that is carried on paper, apart from the medium."""
    from offline.chain import newest
    from offline.rules.tree import read_small
    from offline.rules.trust import LARGEST, fingerprint, read_trust
    from offline.trusts import paper as page

    with told():
        last = newest(folder)
        chosen = last if number is None else read_trust(read_small(folder / f"{number}.trust", LARGEST))
    if as_json:
        say_json({"number": chosen.number, "fingerprint": fingerprint(str(chosen).encode()).replace(" ", "")})
    else:
        say(page(chosen).rstrip())


def _fingerprint(content: bytes, where: str, *, as_json: bool) -> None:
    from offline.rules.trust import fingerprint

    if as_json:
        say_json({"wrote": where, "fingerprint": fingerprint(content).replace(" ", "")})
        return
    say(f"wrote {where}")
    say(f"fingerprint {fingerprint(content)}")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
