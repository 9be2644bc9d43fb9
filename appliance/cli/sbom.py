"""`redoubt sbom`: what a bundle is made of; what changed; whether what is deployed is what was shipped."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from appliance.cli.frame import Verb, as_json, refuse, site_file
from appliance.cli.output import say, say_json, say_table
from appliance.cli.sbom_signed import SBOM
from appliance.cli.tools import Tools
from appliance.domain.errors import BadRequest, ConfigError

if TYPE_CHECKING:
    from sbom.bsi import Conformance
    from sbom.models import Model
    from sbom.view import View

F = TypeVar("F", bound=Callable[..., Any])
FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)
FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
EITHER = click.Path(exists=True, path_type=Path)
SHOWN = 20


@contextmanager
def told() -> Iterator[None]:
    """Refusals of `sbom` and of `offline.rules` as ours."""
    from offline.rules.refusal import Refused as Unfit
    from sbom.model import Refused

    try:
        yield
    except (Refused, Unfit) as error:
        raise ConfigError(str(error)) from error


@click.group(cls=Tools, example="redoubt sbom deployed")
def sbom() -> None:
    """What a bundle is made of: score it, check it, compare it, approve it, hold what is deployed against it."""


def _document(path: Path) -> Path:
    """The SBOM itself: of a bundle's folder, the one inside."""
    found = path / SBOM if path.is_dir() else path
    if not found.is_file():
        raise BadRequest(f"`{found}` is not there; give an SBOM, or the folder of a bundle")
    return found


def _hint(what: str) -> None:
    click.echo(f"{what} …", err=True)


@sbom.command(
    cls=Verb, example=("redoubt sbom score redoubt-0.1.0-x86_64 --trust 1.trust", "redoubt sbom score other.cdx.json")
)
@click.argument("path", type=EITHER)
@click.option("--trust", type=FILE, help="A trust file you trust: verify the makers' signatures over the bundle.")
@click.option("--reviewer", nargs=2, type=str, metavar="ID KEY.pem", help="Verify this reviewer's approval.")
@as_json
def score(*, path: Path, trust: Path | None, reviewer: tuple[str, str] | None, as_json: bool) -> None:
    """Score an SBOM, ours or another's: the sbomqs-2.0 formula, own implementation.

    PATH is a CycloneDX or SPDX 2 file, or the folder of a bundle. The share for a signature is given only when one was
    verified here, with `--trust` or `--reviewer`.
    """
    from sbom import score as scoring
    from sbom import view

    file = _document(path)
    with told():
        signed = _verified(path, trust, reviewer)
        _hint("validating against the schema; a large document takes up to a minute")
        found = scoring.score(view.read(file), signed=bool(signed))
    if as_json:
        say_json({"formula": "sbomqs-2.0, own implementation", "file": str(file), "signed_by": signed, "score": found})
        return
    say(f"{found.total:.2f} of 10, grade {found.grade}: {found.components} components in {file}")
    say(f"signature: {', '.join(signed) if signed else 'none verified; give --trust or --reviewer'}")
    if found.strict != found.total:
        say(f"{found.strict:.2f} when declared licences count in `licenses` only (CycloneDX 1.6: one expression)")
    say()
    rows = [
        (one.category, one.name, "n/a" if one.score is None else f"{one.score:.2f}", one.said) for one in found.features
    ]
    say_table(("CATEGORY", "FEATURE", "SCORE", "FOUND"), [(*row[:3], row[3][:60]) for row in rows], "nothing to score")


def _verified(path: Path, trust: Path | None, reviewer: tuple[str, str] | None) -> list[str]:
    """Who is known to have signed the SBOM of this bundle. Raises a usage error for a file that lies alone."""
    from appliance.cli.sbom_signed import signed_by_makers, signed_by_reviewer

    if (trust or reviewer) and not path.is_dir():
        raise click.UsageError("signatures lie in a bundle: give its folder, not a single file")
    found = sorted(signed_by_makers(path, trust)) if trust else []
    if reviewer:
        signed_by_reviewer(path, reviewer[0], Path(reviewer[1]))
        found.append(f"{reviewer[0]} (approval)")
    return found


@sbom.command(cls=Verb, example="redoubt sbom check redoubt-0.1.0-x86_64")
@click.argument("path", type=EITHER)
@as_json
def check(*, path: Path, as_json: bool) -> None:
    """Check an SBOM: its schema in strict mode, and every field BSI TR-03183-2 v2.1.0 requires. Exit 1 for a gap.

    Of a bundle's folder, the SBOM is also made again from the bundle's wheels, and must come out the same to the byte.
    """
    from sbom import bsi, view

    file = _document(path)
    with told():
        document = view.read(file)
        found = bsi.check(document)
        same = _again(document, path / "wheels", file) if path.is_dir() else None
        # what comes out the same was validated on the way
        problem = None if same else _schema(file, document)
    if as_json:
        say_json({"file": str(file), "schema": problem, "bsi": _conformance(found), "made_again_equal": same})
    else:
        say(f"schema: {problem or 'valid'}")
        say(f"BSI TR-03183-2 v2.1.0: {found.percent:g} % of {found.asked} required fields")
        for gap in found.gaps[:SHOWN]:
            say(f"  {gap.component or 'document'}: {gap.field}: {gap.said}")
        if len(found.gaps) > SHOWN:
            say(f"  … and {len(found.gaps) - SHOWN} more; --json lists them")
        if same is not None:
            say(f"made again from the wheels: {'the same bytes' if same else 'NOT the same'}")
    if problem or found.gaps or same is False:
        refuse()


def _schema(file: Path, document: "View") -> str | None:
    from sbom import schema
    from sbom.spdx import problems

    _hint("validating against the schema; a large document takes up to a minute")
    if document.format == "spdx":
        return next(iter(problems(document.raw)), None)
    return schema.problem(file.read_text(encoding="utf-8"), document.version)[:400] or None


def _conformance(found: "Conformance") -> dict[str, object]:
    return {"percent": found.percent, "asked": found.asked, "met": found.met, "gaps": found.gaps}


def _again(document: "View", wheels: Path, file: Path) -> bool:
    from sbom import again, cyclonedx
    from sbom.collect import Tables

    _hint("making it again from the wheels, and validating it; that takes up to a minute")
    made = cyclonedx.document(again.inventory(document, wheels, Tables()), again.epoch(document))
    return made == file.read_bytes()


@sbom.command(cls=Verb, example="redoubt sbom diff redoubt-0.1.0-x86_64 redoubt-0.2.0-x86_64")
@click.argument("before", type=EITHER)
@click.argument("after", type=EITHER)
@as_json
def diff(*, before: Path, after: Path, as_json: bool) -> None:
    """Say what changed between two SBOMs: packages, licences, libraries inside wheels, code that runs by itself."""
    from sbom import diff as differing
    from sbom import view

    with told():
        found = differing.compare(view.read(_document(before)), view.read(_document(after)))
    if as_json:
        say_json(found)
        return
    if not found:
        say("nothing changed")
    for field, title in differing.TITLES.items():
        changes = getattr(found, field)
        if changes:
            say(f"{title}: {len(changes)}")
            say_table(("NAME", "BEFORE", "AFTER"), [(one.name, one.before, one.after) for one in changes], "none")
            say()


@sbom.command(cls=Verb, example=("redoubt sbom deployed", "redoubt sbom deployed --overlay /srv/overlays/adapter"))
@click.option("--release", type=FOLDER, help="The folder of one release. Default: the one this program runs from.")
@click.option("--sbom", "shipped", type=FILE, help="What was shipped. Default: the one of the release's bundle.")
@click.option(
    "--overlay", "overlays", type=FOLDER, multiple=True, help="A verified overlay, whose wheels count as yours."
)
@click.option("--models", type=FOLDER, help="Where added models lie. Default: `models` of the site's data folder.")
@as_json
def deployed(
    *, release: Path | None, shipped: Path | None, overlays: tuple[Path, ...], models: Path | None, as_json: bool
) -> None:
    """Hash every installed file anew and hold it against the shipped SBOM. Exit 1 for any difference.

    Equal means: what was shipped, plus the overlays that are named, and not one file more. Overlays that the site's
    installer added are named already: their wheels are held against their own SHA256SUMS, which
    `redoubt-installer verify-installed` holds against the site's keys. Models that `redoubt models add` took are yours
    too: each is held against its own SHA256SUMS, and that against `privacy.model` where it names one.
    """
    from sbom import deployed as looking
    from sbom import view

    folder = release or Path(sys.prefix).parent
    file = shipped or _document(folder / "bundle")
    wheels = folder / "bundle" / "wheels"
    added = [path for overlay in overlays for path in sorted(overlay.rglob("*.whl"))]
    with told():
        _hint("hashing every installed file")
        kept = _overlay_wheels(folder)
        carried = _models(models)
        at = wheels if wheels.is_dir() else None
        found = looking.compare(folder, view.read(file), at, added, kept, carried)
    if as_json:
        say_json({"equal": found.equal, "components": found.found, "drift": found.drift})
    else:
        own = sum(one.origin == "operator-supplied" for one in found.found)
        say(f"{len(found.found)} packages for {folder}; {own} of them operator-supplied")
        for one in found.found:
            if one.origin == "operator-supplied":
                say(f"  operator-supplied: {one.name} {one.version} ({one.environment})")
        say_table(
            ("ENVIRONMENT", "WHAT", "NAME", "WHY"),
            [(one.environment, one.kind, one.what, one.said) for one in found.drift],
            "equal to what was shipped" + (" and added" if own else ""),
        )
    if not found.equal:
        refuse()


def _models(place: Path | None) -> "list[Model]":
    """Those that lie in `place`, or in the data folder of the site. Where there is no site, there are none."""
    from appliance.config.load import load
    from sbom.models import look

    if place is not None:
        return look(place, {})
    try:
        file = site_file()
    except ConfigError:
        return []
    site = load(file)
    named = site.privacy.model
    return look(site.data_folder / "models", {} if named is None else {Path(named.folder): named.sha256})


def _overlay_wheels(release: Path) -> list[Path]:
    """Those that the installer of the release's site added. Raises Refused unless they are what the site signed."""
    from appliance.config.place import overlays
    from offline.rules.overlay import check_wheels, newest

    place = overlays(release)
    found = [] if place is None else newest(place)
    for overlay in found:
        check_wheels(overlay)
    return [wheel for overlay in found for wheel in overlay.wheels]


@sbom.command(
    cls=Verb, example="redoubt sbom report redoubt-0.2.0-x86_64 --before redoubt-0.1.0-x86_64 --output report.html"
)
@click.argument("bundle", type=FOLDER)
@click.option("--before", type=EITHER, help="The bundle or SBOM to compare with, such as the one that is installed.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Where the page goes.")
@as_json
def report(*, bundle: Path, before: Path | None, output: Path, as_json: bool) -> None:
    """Write the reviewer's page anew, from the bundle's wheels: what changed against what YOU have comes first.

    Refused when the SBOM does not come out the same from the wheels.
    """
    from appliance.cli.sbom_page import page

    file = _document(bundle)
    with told():
        _hint("reading the wheels")
        content = page(file, bundle, _document(before) if before else None)
    output.write_bytes(content)
    if as_json:
        say_json({"file": str(output), "bytes": len(content), "made_again_equal": True})
        return
    say(f"wrote {output}; the SBOM came out the same from the wheels")


@sbom.command(cls=Verb, example="redoubt sbom approve redoubt-0.1.0-x86_64 --id compliance --key compliance.pem")
@click.argument("bundle", type=FOLDER)
@click.option("--id", "id_", required=True, help="Who you are: small letters, digits and `-`.")
@click.option("--key", type=FILE, required=True, help="Your private key, Ed25519 or P-384, in PEM.")
@click.option("--ask-passphrase", is_flag=True, help="Ask for the key's passphrase.")
def approve(*, bundle: Path, id_: str, key: Path, ask_passphrase: bool) -> None:
    """Approve what a bundle is made of: sign the digest of its SBOM, and lay the signature beside SHA256SUMS.

    An installer run with `--require-approval` takes no bundle without it.
    """
    from appliance.cli.sbom_signed import approve as sign

    secret = click.prompt("passphrase", hide_input=True).encode() if ask_passphrase else None
    with told():
        say(f"wrote {sign(bundle, id_, key, secret)}")
