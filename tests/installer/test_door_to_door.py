"""From a medium to a gateway that serves, through the real program and real processes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.layout import within
from installer.process import ProcessService
from tests.installer.house import FINGERPRINT, installer, small


@pytest.fixture
def prefix(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "site"
    yield folder
    ProcessService(within(folder)).stop()


def test_a_release_is_installed_into_a_private_prefix_and_serves(tmp_path: Path, prefix: Path) -> None:
    medium = small().write(tmp_path / "medium")

    ran = installer(medium, "install", str(medium), "--prefix", str(prefix), "--fingerprint", FINGERPRINT, "--trial")

    assert ran.returncode == 0, ran.stderr
    assert ProcessService(within(prefix)).running()
    spent = subprocess.run([prefix / "bin/redoubt", "spend"], capture_output=True, text=True, check=True)
    assert spent.stdout == "0\n"


def test_nothing_is_left_of_a_medium_that_was_refused(tmp_path: Path, prefix: Path) -> None:
    medium = small().write(tmp_path / "medium")
    (medium / "wheels" / "alpha-1.0-py3-none-any.whl").write_bytes(b"something else")

    ran = installer(medium, "install", str(medium), "--prefix", str(prefix), "--fingerprint", FINGERPRINT, "--trial")

    assert ran.returncode == 1
    assert "is not what was signed" in ran.stderr
    assert sorted(one.name for one in prefix.iterdir()) == ["staging", "state"]
    assert list((prefix / "staging").iterdir()) == []
