"""How real bundles relate to one another: twice the same, and an update that is small."""

import subprocess
from pathlib import Path

import pytest

from tests.bench.bundle import ALL
from tests.e2e.bundle.conftest import FIRST
from tests.e2e.bundle.made import Maker, bundle
from tests.e2e.bundle.older import before
from tests.system.releases import ROOT, this_release

pytestmark = [pytest.mark.index, pytest.mark.long, pytest.mark.timeout(3600)]

BAR = 0.15  # of the full bundle, for six packages


def test_two_builds_of_one_commit_in_two_folders_have_the_same_sums(maker: Maker, tmp_path: Path) -> None:
    sums = []
    for name in ("here", "some/where/else"):
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(tmp_path / name)], check=True)
        sums.append((maker.build(tmp_path / name, tmp_path / "out" / name, FIRST) / "SHA256SUMS").read_bytes())

    assert sums[0] == sums[1]


def test_an_update_of_six_packages_carries_little_of_the_full_bundle(maker: Maker, tmp_path: Path) -> None:
    new = maker.release(this_release(), FIRST, ALL)
    old = maker.release(before(tmp_path / "old", maker.wheels, ALL), FIRST - 1, ALL)

    bundle("pack", new.folder, "--against", old.folder, "--out", tmp_path / "packed")

    [update] = (tmp_path / "packed").glob("*.gwd")
    assert update.stat().st_size <= BAR * new.bytes
