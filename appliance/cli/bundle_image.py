"""`redoubt bundle image` and `image-root`: a bundle as a container image, built without a network."""

from pathlib import Path

import rich_click as click

from appliance.cli.bundle_frame import EITHER, FILE, FOLDER, NEW, plain, progress, size, told
from appliance.cli.frame import Verb, as_json
from appliance.cli.output import say, say_json
from appliance.domain.errors import BadRequest


@click.command(
    cls=Verb,
    example=(
        "redoubt bundle image redoubt-0.1.0-x86_64 --trust 1.trust --out redoubt.oci.tar",
        "redoubt bundle image redoubt-0.1.0-x86_64 --trust 1.trust --image-root root --out redoubt.oci.tar",
    ),
)
@click.argument("place", type=EITHER, metavar="BUNDLE")
@click.option("--out", type=NEW, required=True, help="The file to write: an OCI layout in one tar.")
@click.option("--trust", "start", type=FILE, help="A trust file you believe.")
@click.option("--fingerprint", metavar="HEX", help="Instead: the fingerprint on paper, in any grouping.")
@click.option(
    "--image-root", type=FOLDER, help="A root file system, in place of the bundle's own or where it has none."
)
@click.option("--accept-expired", metavar="REASON", help="Go on although it expired; the reason is printed.")
@as_json
def image(
    *,
    place: Path,
    out: Path,
    start: Path | None,
    fingerprint: str | None,
    image_root: Path | None,
    accept_expired: str | None,
    as_json: bool,
) -> None:
    """Verify a bundle, then build its container image, where there is no network. Needs root and buildah."""
    from offline.image.verified import image as built

    if (start is None) == (fingerprint is None):
        raise BadRequest("say what you trust: either `--trust FILE` or `--fingerprint HEX`")
    if out.exists():
        raise BadRequest(f"`{out}` is there already; move it away, or choose another `--out`")
    with told(), progress() as step:
        made = built(
            place,
            out,
            (start, fingerprint),
            lambda line: step(line, 0, 0),
            root=image_root,
            expired=accept_expired is not None,
        )
    if as_json:
        say_json(plain(made))
        return
    if accept_expired is not None:
        say(f"expiry was overruled: {accept_expired}")
    say(f"{made.tar}: {size(made.size)}")
    say(f"manifest {made.manifest}")
    say(f"image id {made.config}")


@click.command("image-root", cls=Verb, example="redoubt bundle image-root .cache/image-root")
@click.argument("folder", type=NEW)
@as_json
def image_root(*, folder: Path, as_json: bool) -> None:
    """Make the root file system of images out of Debian packages, as `bundle build --image-root` takes it."""
    from offline.image.rootfs import make, read

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadRequest(f"`{folder}` is there already; name a new folder")
    with told(), progress() as step:
        step("fetching Debian packages", 0, 0)
        folder.mkdir(parents=True, exist_ok=True)
        make(folder)
        made = read(folder)
    if as_json:
        say_json(plain(made))
        return
    say(f"{made.tar}: {size(made.tar.stat().st_size)}, {len(made.packages)} packages")
    say(f"sha256 {made.sha256}")
