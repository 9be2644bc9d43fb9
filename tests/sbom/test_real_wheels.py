"""The wheels that are really locked: every bar of the SBOM, measured on them."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from ntia_conformance_checker import SbomChecker

from sbom.model import Target
from sbom.write import Written, write
from tests.sbom.wheels import EPOCH, PRODUCT

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.11", "3.12", "3.13")
GLIBC = ("2_28", "2_17", "2_5")


def locked(target: Target) -> list[Path]:
    """The wheels of one lock, out of `.cache/wheels`; those that are missing there are fetched, by their digest."""
    lock = ROOT / "offline" / "locks" / f"{target}.txt"
    pins = {line.rsplit("sha256:", 1)[1].strip() for line in lock.read_text().splitlines() if "sha256:" in line}
    folder = ROOT / ".cache" / "wheels" / str(target)
    folder.mkdir(parents=True, exist_ok=True)
    have = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in folder.glob("*.whl")}
    if not pins <= have.keys():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={target.python}"]
        command += [f"--platform=manylinux_{glibc}_{target.machine}" for glibc in GLIBC]
        command += [f"--platform=manylinux2014_{target.machine}", f"--dest={folder}", f"--requirement={lock}"]
        subprocess.run(command, check=True)
        have = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in folder.glob("*.whl")}
    return sorted(have[pin] for pin in pins)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Written]:
    folder = tmp_path_factory.mktemp("real")
    targets = [Target(environment, python, "x86_64") for environment in ("serve", "tools") for python in PYTHONS]
    wheels = {target: locked(target) for target in targets}
    return folder, write(folder, wheels, PRODUCT, previous=None, epoch=EPOCH)


@pytest.mark.index
@pytest.mark.timeout(900)
def test_the_locked_wheels_meet_every_bar(written: tuple[Path, Written]) -> None:
    folder, told = written

    assert told.signed_score >= 9.0
    assert told.bsi_percent == 100.0
    assert told.native_files > 50
    assert SbomChecker(str(folder / "sbom/redoubt.spdx.json"), sbom_spec="spdx2").compliant
