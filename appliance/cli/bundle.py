"""`redoubt bundle`: a release from a commit to the file that is carried across the gap."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from appliance.cli.advisories import advisories
from appliance.cli.bundle_frame import (
    ARCHITECTURES,
    EITHER,
    FILE,
    FOLDER,
    NEW,
    PYTHONS,
    by_file,
    plain,
    progress,
    size,
    told,
)
from appliance.cli.bundle_image import image, image_root
from appliance.cli.bundle_keys import keys, trust
from appliance.cli.bundle_lock import lock
from appliance.cli.bundle_overlay import overlay
from appliance.cli.bundle_sign import sign
from appliance.cli.frame import Verb, as_json
from appliance.cli.output import say, say_json, say_table
from appliance.cli.tools import Tools
from appliance.domain.errors import BadRequest

if TYPE_CHECKING:
    from offline.build import Order
    from offline.look import Seen


@click.group(cls=Tools, example="redoubt bundle verify redoubt-0.1.0-x86_64 --trust 1.trust")
def bundle() -> None:
    """Bundles: lock, build, sign, pack, and look at what others made."""


@bundle.command(
    cls=Verb,
    example="redoubt bundle build --arch x86_64 --seq 7 --trust trust --advisories advisories-42 --out out",
)
@click.option("--arch", type=click.Choice(ARCHITECTURES), required=True, help="The machine it is for.")
@click.option("--python", "pythons", type=click.Choice(PYTHONS), multiple=True, help="May be given again. Usual: all.")
@click.option("--seq", type=click.IntRange(1), required=True, help="Its number; grows with every release.")
@click.option("--min-from", type=click.IntRange(0), default=0, help="The lowest number one may come from directly.")
@click.option("--out", type=NEW, required=True, help="The folder to build in.")
@click.option("--source", type=FOLDER, default=".", help="The checkout. Usual: here.")
@click.option("--wheels", type=NEW, help="The cache of wheels. Usual: `.cache/wheels` in the checkout.")
@click.option("--trust", type=FOLDER, required=True, help="The folder of trust files to carry.")
@click.option("--advisories", type=FOLDER, help="The signed folder of advisories to carry.")
@click.option("--models", type=FOLDER, help="Models to carry. Usual: those of the commit, in `offline/models/dist`.")
@click.option("--tuf-root", type=FILE, help="The `1.root.json` of the media of updates.")
@click.option("--image-root", type=FOLDER, help="Carry the image's root file system, as `bundle image-root` makes it.")
@click.option(
    "--image", is_flag=True, help="Carry the built container image too. Needs root, buildah and `--image-root`."
)
@click.option("--previous", type=FOLDER, help="The bundle before: reports begin with what changed.")
@click.option("--days", type=click.IntRange(1), default=400, help="Until it expires. Usual: 400.")
@click.option("--support-days", type=click.IntRange(1), default=365, help="Until support ends. Usual: 365.")
@click.option("--builder", metavar="URI", help="Who builds, as provenance names it.")
@click.option("--maker", nargs=2, metavar="NAME MAIL", help="Who delivers it. Usual: who committed.")
@click.option("--dirty", is_flag=True, help="Take changes that were not committed, and say so in the release.")
@as_json
def build(*, as_json: bool, **given: Any) -> None:
    """Build a bundle from the committed tree. It is not signed, and it is the same to the byte wherever it is built."""
    from offline.build import build as built
    from offline.describe import describe

    order, maker = _order(given)
    with told(), progress() as step:
        made = built(order, describe(order.previous, maker), step)
    if as_json:
        say_json(plain(made))
        return
    say(f"{made.folder}: {made.files} files, {size(made.bytes)}, not signed")
    say(f"sha256 of SHA256SUMS: {made.sums_sha256}")
    if order.advisories is None:
        say("it carries no advisories: no audit will be green until some are imported")
    say(f"next: redoubt bundle sign {made.folder} --id YOU --key FILE")


def _order(given: dict[str, Any]) -> "tuple[Order, tuple[str, str] | None]":
    from offline.build import Order
    from offline.provenance import BUILDER

    source: Path = given["source"]
    order = Order(
        source=source,
        arch=given["arch"],
        pythons=tuple(sorted(set(given["pythons"]))) or PYTHONS,
        seq=given["seq"],
        min_from=given["min_from"],
        out=given["out"],
        trust=given["trust"],
        wheels=given["wheels"] or source / ".cache/wheels",
        advisories=given["advisories"],
        models=given["models"],
        tuf_root=given["tuf_root"],
        image_root=given["image_root"],
        image=given["image"],
        previous=given["previous"],
        lifetime=timedelta(days=given["days"]),
        support=timedelta(days=given["support_days"]),
        builder=given["builder"] or BUILDER,
        dirty=given["dirty"],
    )
    return order, given["maker"]


@bundle.command(
    cls=Verb,
    example=(
        "redoubt bundle verify redoubt-0.1.0-x86_64 --trust 1.trust",
        "redoubt bundle verify redoubt-0.1.0-x86_64-3f9a0c11d2e4.tar --fingerprint 'a1b2 c3d4 …'",
    ),
)
@click.argument("place", type=EITHER, metavar="BUNDLE")
@click.option("--trust", "start", type=FILE, help="A trust file you believe.")
@click.option("--fingerprint", metavar="HEX", help="Instead: the fingerprint on paper, in any grouping.")
@click.option("--against", type=FOLDER, help="For a `.gwd`: the bundle it is an update of.")
@click.option("--channel", default="app", help="What it must be. Usual: app.")
@click.option("--arch", type=click.Choice(ARCHITECTURES), help="The machine it must be for. Usual: this one.")
@click.option("--seq", type=int, help="The newest number seen: a lower one is refused.")
@click.option("--accept-clock", metavar="REASON", help="Go on although this clock is behind; the reason is printed.")
@click.option("--accept-expired", metavar="REASON", help="Go on although it expired; the reason is printed.")
@as_json
def verify(*, place: Path, start: Path | None, fingerprint: str | None, as_json: bool, **given: Any) -> None:
    """Verify a folder, `.tar` or `.gwd` by the rules of the isolated side: all of steps 1 to 5."""
    from offline.look import believed, opened, verified
    from offline.rules.openssl import OpenSSL
    from offline.rules.release import machine
    from offline.rules.verify import Asked

    if (start is None) == (fingerprint is None):
        raise BadRequest("say what you trust: either `--trust FILE` or `--fingerprint HEX`")
    with told(), progress() as step, opened(place, given["against"]) as folder:
        trust = believed(folder, start, fingerprint, OpenSSL())
        asked = Asked(
            channel=given["channel"],
            arch=given["arch"] or machine(),
            now=datetime.now(UTC),
            known=trust.created,
            seq=given["seq"],
            accept_expired=given["accept_expired"] is not None,
            accept_clock=given["accept_clock"] is not None,
        )
        found, manifest = verified(folder, trust, asked, OpenSSL(), by_file(step, "verifying"))
    header = found.sums.header
    if as_json:
        by = sorted(found.by)
        say_json(
            {"header": header, "sha256": found.sha256, "signed_by": by, "trust": trust.number, "release": manifest}
        )
        return
    for what in ("expired", "clock"):
        if (reason := given[f"accept_{what}"]) is not None:
            say(f"[{what}] would have been overruled: {reason}")
    needed = trust.threshold(header.channel)
    say(f"verified: {header.product} {header.version}, {header.channel}, {header.arch}, number {header.seq}")
    say(f"signed by {', '.join(sorted(found.by))}; it takes {needed} (trust file {trust.number})")
    say(f"{len(found.sums.files)} files; sha256 of SHA256SUMS: {found.sha256}")


@bundle.command(cls=Verb, example="redoubt bundle inspect redoubt-0.1.0-x86_64 --json")
@click.argument("place", type=EITHER, metavar="BUNDLE")
@click.option("--against", type=FOLDER, help="For a `.gwd`: the bundle it is an update of.")
@as_json
def inspect(*, place: Path, against: Path | None, as_json: bool) -> None:
    """Print what a bundle says of itself. Nothing of it is verified: that is `redoubt bundle verify`."""
    from offline.look import inspect as looked
    from offline.look import opened

    with told(), opened(place, against) as folder:
        seen = looked(folder)
    if as_json:
        say_json(seen)
    else:
        _show(seen)


def _show(seen: "Seen") -> None:
    say("NOT VERIFIED: this is what it says of itself")
    say(str(seen.header).removeprefix("# redoubt-bundle v1 ").replace(" ", "\n"))
    say(f"sha256={seen.sha256}")
    say(f"signatures: {', '.join(seen.signatures) or 'none'}\n")
    rows = [(name, count) for name, count in sorted(seen.sizes.items(), key=lambda one: -one[1])]
    say_table(("WHAT", "BYTES"), [*rows, ("all", seen.bytes)], "")
    if (manifest := seen.manifest) is None:
        return
    say(f"\ncommit {manifest.source.commit}, support until {manifest.support_until}, glibc {manifest.glibc}")
    say(f"environments: {', '.join(f'{one.kind} {one.python}' for one in manifest.environments)}")
    native = sum(one.native for one in manifest.wheels)
    say(f"wheels: {len(manifest.wheels)}, {native} of them native; models: {len(manifest.models)}")
    told_of = manifest.advisories
    say(f"advisories: number {told_of.seq}, newest of {told_of.max_modified}" if told_of.seq else "advisories: none")


@bundle.command(cls=Verb, example="redoubt bundle diff redoubt-0.1.0-x86_64 redoubt-0.2.0-x86_64")
@click.argument("before", type=FOLDER)
@click.argument("after", type=FOLDER)
@as_json
def diff(*, before: Path, after: Path, as_json: bool) -> None:
    """Print what differs between two bundles: packages, files, and the bytes an update would carry."""
    from offline.compare import compare

    with told():
        found = compare(before, after)
    if as_json:
        say_json(found)
        return
    say(f"{found.before.version} number {found.before.seq} -> {found.after.version} number {found.after.seq}\n")
    rows = [(one.name, one.before or "-", one.after or "-") for one in found.packages]
    say_table(("PACKAGE", "BEFORE", "AFTER"), rows, "the same packages, in the same versions")
    say()
    files = [(one.name, "gone" if not one.after else "changed" if one.before else "new") for one in found.files]
    say_table(("FILE", "IS"), files, "no other file differs")
    say(f"\nan update carries {size(found.carry)} of {size(found.whole)}: {100 * found.carry / found.whole:.1f} %")


@bundle.command(
    cls=Verb,
    example=(
        "redoubt bundle pack redoubt-0.2.0-x86_64 --out carry",
        "redoubt bundle pack redoubt-0.2.0-x86_64 --against redoubt-0.1.0-x86_64 --out carry",
    ),
)
@click.argument("folder", type=FOLDER, metavar="BUNDLE")
@click.option("--against", type=EITHER, help="What the receiver has: a bundle, or its SHA256SUMS. Writes a `.gwd`.")
@click.option("--out", type=NEW, default=".", help="The folder to write to. Usual: here.")
@as_json
def pack(*, folder: Path, against: Path | None, out: Path, as_json: bool) -> None:
    """Pack a bundle into one file to be carried: all of it, or what the receiver lacks."""
    from offline.pack import known_of
    from offline.pack import pack as packed

    with told(), progress() as step:
        made = packed(folder, out, None if against is None else known_of(against), step)
    if as_json:
        say_json(plain(made))
        return
    share = f", {100 * made.bytes / made.whole:.1f} % of the full bundle" if against is not None else ""
    say(f"{made.file}: {made.files} files, {size(made.bytes)}{share}")
    say(f"sha256: {made.sha256}")
    if not made.signatures:
        say("nobody signed it: no site will take it")


@bundle.command(
    cls=Verb,
    example=(
        "redoubt bundle unpack redoubt-0.1.0-x86_64-3f9a0c11d2e4.tar --out here",
        "redoubt bundle unpack redoubt-0.2.0-x86_64-9b0e4a7715c3-from-7.gwd --against redoubt-0.1.0-x86_64 --out here",
    ),
)
@click.argument("file", type=FILE)
@click.option("--against", type=FOLDER, help="For a `.gwd`: the bundle it is an update of.")
@click.option("--store", type=FOLDER, help="For a `.gwd`, instead: a store of blobs, `<ab>/<sha256>`.")
@click.option("--out", type=NEW, default=".", help="The folder to write to. Usual: here.")
@as_json
def unpack(*, file: Path, against: Path | None, store: Path | None, out: Path, as_json: bool) -> None:
    """Unpack a `.tar`, or rebuild the full bundle from a `.gwd`. What comes out is not verified yet."""
    from offline.rules.archive import of_bundle, rebuild, stored
    from offline.rules.archive import unpack as unpacked

    out.mkdir(parents=True, exist_ok=True)
    with told(), progress() as step:
        if file.suffix != ".gwd":
            folder = unpacked(file, out, by_file(step, "unpacking"))
        elif (against is None) == (store is None):
            raise BadRequest(f"`{file.name}` is an update: name the bundle it follows with `--against`, or a `--store`")
        else:
            blobs = of_bundle(against) if against is not None else stored(store or Path())
            folder = rebuild(file, blobs, out, by_file(step, "rebuilding"))
    if as_json:
        say_json({"folder": str(folder), "verified": False})
    else:
        say(f"{folder}: not verified; next: redoubt bundle verify {folder} --trust FILE")


for _verb in (advisories, image, image_root, keys, lock, overlay, sign, trust):
    bundle.add_command(_verb)
