"""The mutation law at the real door: whatever was changed, installer.pyz installs nothing and starts nothing.

The installer is an unchanged one, as on a site; through `install.sh`, the medium's own programs are what is attacked.
"""

import random
import re
import secrets
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.attacks.bundle.conftest import SIGNED
from tests.attacks.bundle.mutations import MUTATIONS, Mutation
from tests.fakes.bundle import MALLORY
from tests.installer.house import FINGERPRINT, ROOT, installer, small

SHORT, LONG = 10, 50


def strange_approval(folder: Path, chance: random.Random) -> None:
    (folder / "APPROVAL.mallory.ed25519.sig").write_bytes(MALLORY.sign(chance.randbytes(8)))


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory) -> Path:
    real = small()
    extra = {name: (ROOT / "installer" / name).read_bytes() for name in ("install.sh", "verify.sh")}
    return replace(real, extra={**extra, **real.extra}).write(tmp_path_factory.mktemp("medium") / "medium", SIGNED)


def left(prefix: Path) -> list[str]:
    """Whatever a site is made of; the installer's own notes and empty folders are not."""
    return [name for name in ("current", "bin", "releases", "store", "etc", "data") if (prefix / name).exists()]


@pytest.mark.timeout(1800)
def test_no_mutant_is_installed_or_started(medium: Path, tmp_path: Path, *, long_run: bool) -> None:
    seed = secrets.randbits(64) if long_run else 20261123
    chance = random.Random(seed)
    print(f"seed {seed}")
    ways: list[Mutation] = [strange_approval, *chance.sample(MUTATIONS, len(MUTATIONS))]
    installed: list[str] = []
    for number in range(LONG if long_run else SHORT):
        folder, prefix = Path(shutil.copytree(medium, tmp_path / f"m{number}")), tmp_path / f"p{number}"
        way = ways[number % len(ways)]
        way(folder, chance)
        words = ["install", str(folder), "--prefix", str(prefix), "--fingerprint", FINGERPRINT, "--trial"]
        ran = installer(medium, *words)
        refused = ran.returncode == 1 and re.search(r"\[[a-z]+\]", ran.stderr)
        if not refused or left(prefix):
            installed.append(f"{number} {way.__name__}: {left(prefix)} {ran.stderr}")
        shutil.rmtree(folder)

    assert installed == [], f"seed {seed}"


@pytest.mark.parametrize("planted", ["installer.pyz", "wheels/evil.pth", "sitecustomize.py", "trust/2.trust"])
def test_nothing_that_was_planted_on_a_medium_runs_through_install_sh(
    planted: str, medium: Path, tmp_path: Path
) -> None:
    folder, prefix, ran = Path(shutil.copytree(medium, tmp_path / "m")), tmp_path / "p", tmp_path / "ran"
    (folder / planted).write_bytes(f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n".encode())

    done = subprocess.run(
        ["sh", str(folder / "install.sh"), "--prefix", str(prefix), "--fingerprint", FINGERPRINT, "--trial"],
        env={"PATH": "/usr/bin:/bin", "REDOUBT_STAGE": str(tmp_path)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, ran.exists(), prefix.exists()) == (1, False, False), done.stderr
    assert "nothing of this medium has run" in done.stderr
