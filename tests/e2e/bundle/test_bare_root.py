"""The full bundle on a root of dash, coreutils and openssl: what a host verifies before anything of it may run."""

import shutil
from pathlib import Path

import pytest

from tests.e2e.bundle.made import Made
from tests.fakes.bare_root import BareRoot

pytestmark = [pytest.mark.index, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> BareRoot:
    return BareRoot.make(tmp_path_factory.mktemp("bare") / "root")


def test_a_bare_root_verifies_the_full_bundle(root: BareRoot, first: Made) -> None:
    ran = root.verify(first.folder, first.fingerprint)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[-1].startswith("verified: redoubt ")


def test_a_bare_root_refuses_the_full_bundle_with_one_byte_flipped(root: BareRoot, first: Made, tmp_path: Path) -> None:
    medium = Path(shutil.copytree(first.folder, tmp_path / "medium"))
    largest = max((medium / "wheels").iterdir(), key=lambda one: one.stat().st_size)
    with largest.open("r+b") as opened:
        opened.seek(-1, 2)
        last = opened.read(1)[0]
        opened.seek(-1, 2)
        opened.write(bytes([last ^ 1]))

    ran = root.verify(medium, first.fingerprint)

    assert ran.returncode == 1
    assert f"`wheels/{largest.name}` is not what was signed" in ran.stderr
