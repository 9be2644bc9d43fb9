"""A bundle to be attacked, made once and copied."""

import shutil
from pathlib import Path

import pytest

from tests.fakes.bundle import ALICE, BOB, Release

SIGNED = ((ALICE, "ed25519"), (BOB, "p384"), (ALICE, "minisig"), (BOB, "dsse"))


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Release().write(tmp_path_factory.mktemp("pristine") / "bundle", SIGNED)


@pytest.fixture
def bundle(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "bundle"))
