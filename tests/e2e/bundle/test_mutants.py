"""Mutants of the full bundle, through the real `install.sh`: none installs anything, and nothing of it runs on."""

import random
import secrets
import shutil
from pathlib import Path

import pytest

from tests.attacks.bundle.mutations import MUTATIONS
from tests.attacks.bundle.test_mutations import what_changed
from tests.e2e.bundle.made import Made
from tests.e2e.bundle.placed import Placed, alone

pytestmark = [pytest.mark.index, pytest.mark.timeout(3600)]

SHORT, LONG = 3, 24


def test_no_mutant_of_the_full_bundle_installs(first: Made, tmp_path: Path, *, long_run: bool) -> None:
    seed = secrets.randbits(64) if long_run else 20261123
    chance = random.Random(seed)
    kinds = list(dict.fromkeys(MUTATIONS))
    chance.shuffle(kinds)
    escaped: list[str] = []
    with alone() as network:
        for number in range(LONG if long_run else SHORT):
            mutation = kinds[number % len(kinds)]
            mutant = Made(Path(shutil.copytree(first.folder, tmp_path / "mutant")), first.fingerprint)
            mutation(mutant.folder, chance)
            changed = what_changed(first.folder, mutant.folder)
            assert changed, f"seed {seed}: {number} {mutation.__name__} changed nothing"
            site = Placed(tmp_path / str(number), network)
            site.prefix.parent.mkdir()
            ran = site.install(mutant)
            if ran.returncode == 0 or list(site.prefix.glob("releases/*")) or (site.prefix / "current").is_symlink():
                escaped.append(f"{number} {mutation.__name__}: {sorted(changed)}: {ran.stderr[-300:]}")
                site.stop()
            shutil.rmtree(tmp_path / "mutant")

    assert escaped == [], f"seed {seed}"
