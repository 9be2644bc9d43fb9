"""From a commit to a folder that the rules accept, twice the same."""

import json
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from offline.build import build
from offline.failure import Failure
from offline.rules.manifest import read_manifest
from offline.rules.names import SUMS
from offline.rules.release import check_release
from offline.rules.sums import read_sums
from offline.rules.trust import fingerprint
from offline.rules.verify import verify
from tests.fakes.bundle import ALICE, BOB, asked, check, sign, trust
from tests.fakes.source import Checkout, describe, git, same


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_built_bundle_that_two_have_signed_is_accepted_by_the_rules(checkout: Checkout, tmp_path: Path) -> None:
    built = build(checkout.order(tmp_path / "out"), describe)
    sign(built.folder, ALICE, "ed25519")
    sign(built.folder, BOB, "p384")
    sign(built.folder, ALICE, "dsse")

    verified = verify(built.folder, trust(), replace(asked(), known=built.header.created), check)

    manifest = check_release(built.folder, verified.sums)
    assert verified.by == {"alice", "bob"}
    assert verified.sha256 == built.sums_sha256
    assert (manifest.seq, manifest.created, manifest.arch) == (7, "2026-11-20T10:00:00Z", "x86_64")


def test_two_builds_in_different_folders_at_different_times_are_the_same_to_the_byte(tmp_path: Path) -> None:
    one = build(Checkout(tmp_path / "a").order(tmp_path / "out"), describe).folder
    before = os.umask(0o077)
    try:
        time.sleep(1.1)  # zip dates and file times have seconds
        elsewhere = Checkout(tmp_path / "some" / "where" / "else")
        other = build(elsewhere.order(tmp_path / "elsewhere"), describe).folder
    finally:
        os.umask(before)

    assert same(one, other)
    assert {path.stat().st_mode & 0o777 for path in other.rglob("*")} == {0o755, 0o644}


def test_the_manifest_says_what_lies_there(checkout: Checkout, tmp_path: Path) -> None:
    built = build(checkout.order(tmp_path / "out", min_from=3), describe)

    manifest = read_manifest((built.folder / "manifest.json").read_bytes())

    assert manifest.source.commit == git(checkout.folder, "rev-parse", "HEAD")
    assert manifest.source.tree == git(checkout.folder, "rev-parse", "HEAD^{tree}")
    assert [(one.database, one.needs, one.compatible_from) for one in manifest.databases] == [
        ("ledger", "0001", "0001"),
        ("store", "0002", "0001"),
    ]
    assert [one.file for one in manifest.wheels if one.native] == ["beta-2.0-cp311-cp311-manylinux_2_28_x86_64.whl"]
    assert manifest.trust_fingerprint == fingerprint(str(trust()).encode()).replace(" ", "")
    assert (manifest.min_from, manifest.glibc, manifest.advisories.seq) == (3, "2.28", 0)


def test_models_of_the_commit_are_carried_without_being_asked_for(tmp_path: Path) -> None:
    place = "offline/models/dist/names/1.0"
    model = {f"{place}/model.json": b'{"file": "m.bin", "licence": "MIT"}', f"{place}/m.bin": b"weights"}
    checkout = Checkout(tmp_path, model)
    (checkout.folder / place / "m.bin").with_name("later.bin").write_bytes(b"not committed")

    built = build(checkout.order(tmp_path / "out", dirty=True), describe)

    manifest = read_manifest((built.folder / "manifest.json").read_bytes())
    assert [(one.name, one.file) for one in manifest.models] == [("names", "models/names/1.0/m.bin")]
    assert (built.folder / "models/names/1.0/m.bin").read_bytes() == b"weights"


def test_provenance_names_every_wheel_that_was_not_built_here(checkout: Checkout, tmp_path: Path) -> None:
    built = build(checkout.order(tmp_path / "out"), describe)

    told = json.loads((built.folder / "provenance.json").read_bytes())

    dependencies = told["buildDefinition"]["resolvedDependencies"]
    assert [one["uri"].split("@")[0] for one in dependencies] == [
        "git+urn:redoubt", "pkg:pypi/alpha", "pkg:pypi/beta", "pkg:pypi/gamma",
    ]  # fmt: skip
    assert dependencies[0]["digest"]["gitCommit"] == git(checkout.folder, "rev-parse", "HEAD")
    assert told["runDetails"]["metadata"] == {"startedOn": "2026-11-20T10:00:00Z", "finishedOn": "2026-11-20T10:00:00Z"}


def test_the_program_runs_by_a_python_that_sees_nothing_else(checkout: Checkout, tmp_path: Path) -> None:
    built = build(checkout.order(tmp_path / "out"), describe)

    ran = subprocess.run(
        [sys.executable, "-I", "-S", built.folder / "installer.pyz"], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout) == (0, f"installs by {SUMS}\n")
    with zipfile.ZipFile(built.folder / "installer.pyz") as archive:
        names = archive.namelist()
        assert {one.compress_type for one in archive.infolist()} == {zipfile.ZIP_STORED}
    assert names == sorted(names)
    assert not [name for name in names if name.endswith((".sh", ".txt", ".service"))]


def test_the_start_page_holds_the_release_and_its_keys(checkout: Checkout, tmp_path: Path) -> None:
    built = build(checkout.order(tmp_path / "out"), describe)

    page = (built.folder / "START-HERE.txt").read_text()

    assert page.startswith("redoubt 0.1.0 number 7\n  trust/app.alice.ed25519.pem\n")
    named = [line.strip() for line in page.splitlines()[1:]]
    assert [name for name in named if not (built.folder / name).is_file()] == []


def test_a_tree_with_changes_is_refused_and_names_one(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.folder / "appliance/__init__.py").write_bytes(b"CHANGED = True\n")

    with pytest.raises(Failure, match=r"`appliance/__init__.py`; commit"):
        build(checkout.order(tmp_path / "out"), describe)

    assert list((tmp_path / "out").iterdir()) == []


def test_a_dirty_build_takes_the_changes_and_says_so(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.folder / "appliance/new.py").write_bytes(b"NEW = True\n")
    commit, objects = git(checkout.folder, "rev-parse", "HEAD"), git(checkout.folder, "count-objects")

    built = build(checkout.order(tmp_path / "out", dirty=True), describe)

    manifest = read_manifest((built.folder / "manifest.json").read_bytes())
    assert manifest.source.commit == f"{commit}-dirty"
    assert manifest.source.tree != git(checkout.folder, "rev-parse", "HEAD^{tree}")
    with zipfile.ZipFile(built.folder / "wheels/redoubt_gateway-0.1.0-py3-none-any.whl") as own:
        assert "appliance/new.py" in own.namelist()
    assert git(checkout.folder, "count-objects") == objects  # the repository was left as it was


def test_a_number_that_does_not_grow_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    before = build(checkout.order(tmp_path / "before"), describe).folder

    with pytest.raises(Failure, match="the number 7 is not after 7"):
        build(checkout.order(tmp_path / "out", previous=before), describe)


def test_without_a_list_of_parts_there_is_no_bundle(checkout: Checkout, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="does not travel without its list of parts"):
        build(checkout.order(tmp_path / "out"), lambda _: None)

    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("installer/verify.sh", "nobody can begin on the other side"),
        ("installer/__main__.py", "nothing that could install"),
        ("offline/locks/tools-cp311-x86_64.txt", "there is no lock"),
        ("offline/locks/build-cp311-x86_64.txt", "one and the same setuptools"),
    ],
)
def test_a_tree_that_lacks_something_is_told_what(checkout: Checkout, tmp_path: Path, gone: str, said: str) -> None:
    (checkout.folder / gone).unlink()
    checkout.commit()

    with pytest.raises(Failure, match=said):
        build(checkout.order(tmp_path / "out"), describe)


def test_a_page_that_asks_for_an_unknown_fact_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.folder / "installer/START-HERE.txt").write_text("@MOON@\n")
    checkout.commit()

    with pytest.raises(Failure, match="asks for `@MOON@`"):
        build(checkout.order(tmp_path / "out"), describe)


def test_nothing_of_the_build_host_is_in_the_bundle(checkout: Checkout, tmp_path: Path) -> None:
    built = build(checkout.order(tmp_path / "out"), describe)

    paths = read_sums((built.folder / SUMS).read_bytes()).files
    assert [path for path in paths if str(tmp_path).encode() in (built.folder / path).read_bytes()] == []
