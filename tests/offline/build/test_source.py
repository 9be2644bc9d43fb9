"""The tree of a release, exported out of git."""

from pathlib import Path

import pytest

from offline.source import export
from tests.fakes.source import Checkout, git


@pytest.mark.parametrize("dirty", [False, True])
def test_an_export_lies_where_the_caller_stands_and_not_in_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, dirty: bool
) -> None:
    source = Checkout(tmp_path).folder
    if dirty:
        (source / "later.txt").write_text("not committed yet\n")
    lying = git(source, "status", "--porcelain")
    (tmp_path / "desk").mkdir()
    monkeypatch.chdir(tmp_path / "desk")

    exported = export(source, Path("out/tree"), dirty=dirty)

    assert exported.version == "0.1.0"
    assert (tmp_path / "desk/out/tree/pyproject.toml").read_bytes() == (source / "pyproject.toml").read_bytes()
    assert (tmp_path / "desk/out/tree/later.txt").exists() == dirty
    assert git(source, "status", "--porcelain") == lying
