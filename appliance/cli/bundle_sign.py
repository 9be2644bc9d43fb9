"""`redoubt bundle sign`: with a key in a file, with a command, or by carrying the bytes to where the key is."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from appliance.cli.bundle_frame import FILE, FOLDER, NEW, passphrase, passphrase_file, progress, told
from appliance.cli.frame import Verb, as_json
from appliance.cli.output import say, say_json
from appliance.domain.errors import BadRequest

if TYPE_CHECKING:
    from offline.sign import Ready
    from offline.signer import Signer


@click.command(
    cls=Verb,
    example=(
        "redoubt bundle sign redoubt-0.1.0-x86_64 --id alice --key alice.key --passphrase-file /run/alice",
        "redoubt bundle sign redoubt-0.1.0-x86_64 --id dora --command 'pkcs11-tool … -m ECDSA -i {digest} -o {out}'",
        "redoubt bundle sign redoubt-0.1.0-x86_64 --id carol --export to-sign",
        "redoubt bundle sign redoubt-0.1.0-x86_64 --import carol to-sign.sig",
    ),
)
@click.argument("folder", type=FOLDER, metavar="BUNDLE")
@click.option("--id", "id_", help="Who signs.")
@click.option("--key", type=FILE, help="The private key, PEM (Ed25519 or P-384).")
@passphrase_file
@click.option("--command", help="A command that signs; `{file}`, `{digest}` and `{out}` are filled in.")
@click.option(
    "--algorithm", type=click.Choice(["ed25519", "p384"]), default="p384", help="Of the command's key. Usual: p384."
)
@click.option("--export", type=NEW, help="Write what is to be signed here, and a card for people beside it.")
@click.option("--import", "brought", nargs=2, metavar="ID FILE", help="Take a signature that was made elsewhere.")
@click.option("--trust", type=FOLDER, help="The folder of trust files. Usual: `trust` in the bundle.")
@as_json
def sign(*, folder: Path, trust: Path | None, as_json: bool, **given: Any) -> None:
    """Sign a bundle, after holding every file of it to the rules. Each signature is verified as soon as it is made."""
    from offline.chain import newest
    from offline.sign import examine, signed_by

    ways = [name for name in ("key", "command", "export", "brought") if given[name] is not None]
    if len(ways) != 1:
        raise BadRequest("say one of `--key`, `--command`, `--export` and `--import`")
    if given["id_"] is None and ways != ["brought"]:
        raise BadRequest("say who signs: `--id`")
    with told(), progress() as step:
        ready = examine(folder, newest(trust or folder / "trust"), step)
        made = _made(ready, ways[0], given)
        header, by = signed_by(folder, ready.trust)
    threshold = ready.trust.threshold(header.channel)
    if as_json:
        say_json({"wrote": [str(one) for one in made], "signed_by": sorted(by), "threshold": threshold})
        return
    for one in made:
        say(f"wrote {one}")
    if ways == ["export"]:
        say("carry both to where the key is; the card says how to sign and how to bring the signature back")
    missing = threshold - len(by)
    rest = "enough" if missing <= 0 else f"{missing} more needed"
    say(f"signed by {', '.join(sorted(by)) or 'nobody'}: {rest} (it takes {threshold})")


def _made(ready: "Ready", way: str, given: dict[str, Any]) -> list[Path]:
    from offline import sign as signing

    if way == "brought":
        return [signing.accept(ready, given["brought"][0], Path(given["brought"][1]).read_bytes())]
    if way == "export":
        return signing.export(ready, given["id_"], given["export"])
    return signing.sign(ready, given["id_"], _signer(way, given))


def _signer(way: str, given: dict[str, Any]) -> "Signer":
    from offline.signer import CommandSigner, read_key

    if way == "command":
        return CommandSigner.parse(given["algorithm"], given["command"])
    return read_key(given["key"], passphrase(given["passphrase_file"]))
