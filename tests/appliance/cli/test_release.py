"""Where a program of a release finds its release, its site, and what that site believes."""

import sys
from pathlib import Path

import pytest

from appliance.cli.release import state
from appliance.config.place import overlays, release


@pytest.mark.parametrize("way", ["releases/0.1.0-0123456789ab", "current"])
def test_a_program_knows_its_release_however_it_is_called(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "releases/0.1.0-0123456789ab/tools").mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/0.1.0-0123456789ab")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / way / "tools"))

    assert release() == tmp_path.resolve() / "releases/0.1.0-0123456789ab"
    assert state() == tmp_path.resolve() / "state"
    assert overlays(release()) == tmp_path.resolve() / "overlays"


def test_a_program_elsewhere_has_no_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))

    assert release() is None
    assert state() is None
    assert overlays(release()) is None
