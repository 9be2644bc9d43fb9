"""Our own wheel, by the real setuptools of the lock, out of this very tree."""

from pathlib import Path

import pytest

from offline.cache import WheelCache
from offline.fetch import fetch
from offline.own import build_wheel, repack
from offline.rules.lock import read_lock
from offline.rules.wheel import read_wheel
from offline.source import export
from tests.fakes.bundle import wheel


@pytest.mark.index
def test_two_builds_of_our_wheel_are_the_same_and_hold_what_runs(root: Path, tmp_path: Path) -> None:
    pin = read_lock((root / "offline/locks/build-cp311-x86_64.txt").read_text())
    setuptools = fetch(pin, "3.11", "x86_64", WheelCache(tmp_path / "cache"))[0]
    made = []
    for name in ("one", "another"):
        source = export(root, tmp_path / name / "tree", dirty=True)
        made.append(build_wheel(source.folder, setuptools, tmp_path / name, source.created))

    read = read_wheel(made[0])
    assert made[0].read_bytes() == made[1].read_bytes()
    assert {"appliance/cli/__init__.py", "offline/rules/verify.py", "sbom/native.toml"} <= read.installs
    assert not [path for path in read.installs if path.startswith(("tests/", "installer/"))]


def test_repacking_what_was_repacked_changes_nothing(tmp_path: Path) -> None:
    files = {"alpha/b.py": b"", "alpha/a.py": b"", "alpha/_speed.so": b"\x7fELF"}
    once = repack(wheel(tmp_path, "alpha", "1.0", files), tmp_path / "once")

    again = repack(once, tmp_path / "again")

    assert once.read_bytes() == again.read_bytes()
    assert read_wheel(once).record == read_wheel(wheel(tmp_path, "alpha", "1.0", files)).record
