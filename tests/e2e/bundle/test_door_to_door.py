"""One real medium, one site, no network: from a bare host over an upgrade and back to a bare host.

The site is made once, and the tests follow its life: the last one takes it away.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bundle.conftest import LATER
from tests.e2e.bundle.made import Made, bundle
from tests.e2e.bundle.placed import Placed, good, placed
from tests.e2e.site import eventually
from tests.fakes.overlay import adapter

pytestmark = [pytest.mark.index, pytest.mark.timeout(1800)]

OUTSIDE = ("/etc", "/opt", "/usr/local", "/var/lib", "/run")
STALE = 20
IMPORTS = Path(__file__).with_name("imports.py")
Names = frozenset[str]


def everything(folder: Path) -> Names:
    """All that lies below the folder, and all of our name in the places of the machine."""
    here = {str(one) for one in folder.rglob("*")}
    for place in OUTSIDE:
        for parent, folders, files in os.walk(place):
            here |= {f"{parent}/{one}" for one in (*folders, *files) if "redoubt" in one}
    return frozenset(here)


class Life:
    """The site, and what lay there before it was."""

    def __init__(self, site: Placed, folder: Path, url: str) -> None:
        self.site, self.folder, self.url = site, folder, url
        good(site.run("true"))
        self.before = everything(folder)


class Patched:
    """A file with one byte more, as long as the block lasts."""

    def __init__(self, file: Path) -> None:
        self._file, self._content = file, file.read_bytes()

    def __enter__(self) -> None:
        self._file.write_bytes(self._content + b"\n")

    def __exit__(self, *_: object) -> None:
        self._file.write_bytes(self._content)


@pytest.fixture(scope="module")
def life(first: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("life")
    with placed(folder) as (site, url):
        found = Life(site, folder, url)
        good(site.install(first))
        site.serves(url)
        yield found


def packages(site: Placed, kind: str) -> Path:
    [found] = (site.prefix / "current" / kind / "lib").glob("python3.*/site-packages")
    return found


def test_verify_sh_passes_the_medium_and_refuses_it_on_another_paper(first: Made, life: Life) -> None:
    script = first.folder / "verify.sh"

    assert good(life.site.run("sh", script, "--fingerprint", first.fingerprint, first.folder)).stderr == ""
    wrong = life.site.run("sh", script, "--fingerprint", "0" * 64, first.folder)

    assert wrong.returncode != 0


def test_the_installed_gateway_answers_and_counts(life: Life) -> None:
    before = life.site.total()["requests"]

    assert life.site.answers(3) == 3
    eventually(lambda: life.site.total()["requests"] == before + 3)


@pytest.mark.parametrize(
    ("kind", "model", "every"),
    [("serve", "model", ("appliance", "providers")), ("tools", "-", ("offline", "sbom"))],
)
def test_what_the_locks_leave_out_is_missed_by_nothing_that_runs(
    life: Life, kind: str, model: str, every: tuple[str, ...], tmp_path: Path
) -> None:
    folder = model if model == "-" else tmp_path / model
    python = life.site.prefix / "current" / kind / "bin/python"

    good(life.site.run(python, "-I", "-B", IMPORTS, folder, *every, HOME=str(tmp_path)))


def test_nothing_runs_at_every_start_of_the_gateway_and_nothing_could_install_more(life: Life) -> None:
    site = packages(life.site, "serve")

    assert list(site.rglob("*.pth")) == []
    assert [one.name for one in site.iterdir() if one.name in {"pip", "setuptools", "pkg_resources"}] == []


def test_what_is_deployed_is_what_was_shipped_until_one_file_is_patched(life: Life) -> None:
    assert life.site.told("sbom", "deployed")["drift"] == []

    patched = packages(life.site, "serve") / "litestar/app.py"
    with Patched(patched):
        found = life.site.redoubt("sbom", "deployed")

    assert found.returncode == 1
    assert "litestar/app.py" in found.stdout


def test_one_changed_file_makes_verify_installed_red_and_names_it(life: Life) -> None:
    good(life.site.installer("verify-installed"))

    with Patched(packages(life.site, "tools") / "jsonschema/validators.py"):
        found = life.site.installer("verify-installed")

    assert found.returncode == 1
    assert "jsonschema/validators.py" in found.stdout


def test_the_audit_of_the_site_says_that_its_advisories_are_stale(life: Life) -> None:
    ran = life.site.redoubt("audit", "run", "--without-natives", "the seed knows Python alone")

    assert (ran.returncode, "days old" in ran.stdout) == (STALE, True), ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of the site's own, made and signed as install.md says, by two keys of the site."""
    folder = tmp_path_factory.mktemp("own")
    for one in ("dave", "erin"):
        bundle("keys", "make", one, "--out", folder / f"{one}.key", "--no-passphrase")
    public = [word for one in ("dave", "erin") for word in ("--key", folder / f"{one}.key.pub")]
    roles = ("--role", "root=2", "--role", "overlay=2")
    bundle("trust", "make", folder / "site-trust", "--product", "redoubt-site", *roles, *public)
    told = ("--seq", 1, "--trust", folder / "site-trust", "--out", folder)
    bundle("overlay", "acme-adapter-1.2.0", adapter(folder / "dist"), *told)
    for one in ("dave", "erin"):
        bundle("sign", folder / "acme-adapter-1.2.0", "--id", one, "--key", folder / f"{one}.key")
    return folder / "acme-adapter-1.2.0"


def test_an_adapter_that_the_site_signed_answers_when_it_is_allowed_and_not_before(life: Life, overlay: Path) -> None:
    site, paper = life.site, hashlib.sha256((overlay / "trust/1.trust").read_bytes()).hexdigest()
    settings = site.prefix / "etc/redoubt.yaml"
    target = ("m/a", "--provider", "acme", "--url", life.url, "--upstream-model", "tiny")
    good(site.installer("overlay", "add", overlay, "--fingerprint", paper))

    closed = site.redoubt("deployments", "set", *target)
    settings.write_text(settings.read_text() + "\nplugins:\n  allow: [acme]\n")
    good(site.installer("stop"))
    good(site.installer("start"))
    good(site.redoubt("deployments", "set", *target))
    good(site.redoubt("smoke"))  # it has followed the store when this returns

    assert (closed.returncode, "`acme` is installed but not allowed" in closed.stderr) == (1, True), closed.stderr
    assert site.answers(2) == 2
    assert [one["name"] for one in site.status()["overlays"]] == ["acme-adapter"]
    deployed = site.told("sbom", "deployed")
    assert (deployed["equal"], deployed["drift"]) == (True, [])
    assert [one["name"] for one in deployed["components"] if one["origin"] == "operator-supplied"] == ["acme-adapter"]


def test_an_adapter_with_an_altered_byte_or_none_at_all_ends_the_start_with_its_reason(
    life: Life, overlay: Path
) -> None:
    site = life.site
    [wheel] = (site.prefix / "overlays").rglob("*.whl")
    good(site.installer("stop"))

    with Patched(wheel):
        verified, altered = site.installer("verify-installed"), site.installer("start")
    good(site.installer("start"))
    good(site.installer("overlay", "remove", "acme-adapter"))
    good(site.installer("stop"))
    removed = site.installer("start")
    good(site.installer("overlay", "add", overlay))
    good(site.installer("start"))

    assert (verified.returncode, wheel.name in verified.stdout) == (1, True)
    assert (altered.returncode, f"`{wheel.name}` of the overlay" in altered.stderr) == (1, True), altered.stderr
    assert (removed.returncode, "`acme` is allowed and is not here" in removed.stderr) == (1, True), removed.stderr
    assert site.answers(1) == 1


def test_an_upgrade_and_the_way_back_keep_every_total(life: Life, update: Made) -> None:
    site, old = life.site, life.site.status()["release"]
    assert site.answers(2) == 2
    eventually(lambda: site.total()["requests"] >= 2)
    spent = site.total()

    good(site.installer("upgrade", update.folder, "--yes"))

    upgraded = site.status()
    assert (upgraded["version"], upgraded["running"], upgraded["rollback_to"]) == (LATER, True, old)
    assert site.total() == spent
    assert site.answers(4) == 4
    eventually(lambda: site.total()["requests"] == spent["requests"] + 4)
    newer = site.total()

    good(site.installer("rollback"))

    back = site.status()
    assert (back["release"], back["running"], back["interrupted"]) == (old, True, None)
    assert site.total() == newer  # the rows of the newer release are kept
    assert site.answers(1) == 1
    good(site.installer("verify-installed"))


def test_a_purge_leaves_nothing(life: Life) -> None:
    good(life.site.installer("uninstall", "--purge", "--yes"))

    assert everything(life.folder) ^ life.before == set()
