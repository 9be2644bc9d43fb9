"""`redoubt bundle image` and `image-root`, as they are typed, where nothing can be built."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.cli import main
from offline.build import build
from offline.failure import Failure
from offline.image import verified
from tests.fakes.bundle import ALICE, BOB, sign, trust
from tests.fakes.source import Checkout, describe


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Signed, with the recipe and without a root file system."""
    folder = build(Checkout(tmp_path / "made").order(tmp_path / "out"), describe).folder
    sign(folder, ALICE, "ed25519")
    sign(folder, BOB, "ed25519")
    (tmp_path / "1.trust").write_text(str(trust()))
    return folder


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["bundle", *(str(one) for one in words)])


def test_without_root_the_verb_says_so_before_it_reads_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    ran = call("image", tmp_path, "--fingerprint", "00", "--out", tmp_path / "image.tar")

    assert ran.exit_code != 0
    assert "needs root" in ran.output


def test_who_says_nothing_of_trust_gets_no_image(tmp_path: Path) -> None:
    ran = call("image", tmp_path, "--out", tmp_path / "image.tar")

    assert ran.exit_code != 0
    assert "say what you trust" in ran.output


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(b"mine")

    ran = call("image", tmp_path, "--fingerprint", "00", "--out", tmp_path / "image.tar")

    assert "is there already" in ran.output
    assert (tmp_path / "image.tar").read_bytes() == b"mine"


def test_a_folder_with_something_in_it_is_no_place_for_a_root_file_system(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")

    ran = call("image-root", tmp_path)

    assert ran.exit_code != 0
    assert "is there already" in ran.output


def test_a_bundle_without_a_root_file_system_says_where_to_get_one(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verified, "check_host", lambda: None)

    with pytest.raises(Failure, match="`--image-root`"):
        verified.image(bundle, tmp_path / "x.tar", (tmp_path / "1.trust", None), print, root=None, expired=True)
