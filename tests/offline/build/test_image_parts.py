"""What a bundle carries of its image: the recipe always, the root file system if ordered, nothing that misfits."""

import json
import os
from pathlib import Path

import pytest

from offline.build import build
from offline.failure import Failure
from offline.image import build as image_build
from offline.rules.names import SUMS
from offline.rules.sums import read_sums
from tests.fakes.image_root import image_root
from tests.fakes.source import Checkout, describe, git, same


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def listed(folder: Path) -> set[str]:
    return {path for path in read_sums((folder / SUMS).read_bytes()).files if path.startswith("image/")}


def test_the_recipe_of_the_image_travels_in_every_bundle(checkout: Checkout, tmp_path: Path) -> None:
    built = build(checkout.order(tmp_path / "out"), describe)

    assert listed(built.folder) == {"image/Containerfile", "image/fill.py"}
    assert (built.folder / "image/Containerfile").read_bytes() == b"FROM scratch\n"


def test_an_ordered_root_file_system_is_listed_and_named_in_the_provenance(checkout: Checkout, tmp_path: Path) -> None:
    root = image_root(tmp_path / "root")

    built = build(checkout.order(tmp_path / "out", image_root=root), describe)

    told = json.loads((built.folder / "provenance.json").read_bytes())["buildDefinition"]
    sums = read_sums((built.folder / SUMS).read_bytes()).files
    assert listed(built.folder) == {
        f"image/{name}" for name in ("Containerfile", "fill.py", "packages.json", "rootfs.tar")
    }
    assert told["externalParameters"]["image_root"] == sums["image/rootfs.tar"]
    assert "pkg:deb/debian/libtiny1@1%3A2.0-1?arch=amd64" in {one["uri"] for one in told["resolvedDependencies"]}


def test_two_bundles_with_one_root_file_system_are_the_same_to_the_byte(tmp_path: Path) -> None:
    one = Checkout(tmp_path / "a").order(tmp_path / "out", image_root=image_root(tmp_path / "root"))
    other = Checkout(tmp_path / "b").order(tmp_path / "elsewhere", image_root=image_root(tmp_path / "again"))

    assert same(build(one, describe).folder, build(other, describe).folder)


def test_a_root_file_system_of_another_machine_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    root = image_root(tmp_path / "root", architecture="arm64")

    with pytest.raises(Failure, match="is for aarch64, not for x86_64"):
        build(checkout.order(tmp_path / "out", image_root=root), describe)


def test_a_root_file_system_that_its_list_does_not_tell_of_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    root = image_root(tmp_path / "root")
    (root / "rootfs.tar").write_bytes((root / "rootfs.tar").read_bytes() + b"\0" * 512)

    with pytest.raises(Failure, match="is not the one its"):
        build(checkout.order(tmp_path / "out", image_root=root), describe)


def test_a_folder_without_a_root_file_system_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(Failure, match="holds no root file system"):
        build(checkout.order(tmp_path / "out", image_root=tmp_path / "empty"), describe)


def test_an_image_without_a_root_file_system_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="`--image-root`"):
        build(checkout.order(tmp_path / "out", image=True), describe)


def test_a_tree_without_the_recipe_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    git(checkout.folder, "rm", "--quiet", "Containerfile")
    checkout.commit()

    with pytest.raises(Failure, match="no `Containerfile`"):
        build(checkout.order(tmp_path / "out"), describe)


def test_who_may_not_build_an_image_is_told_before_anything_is_done(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(Failure, match="needs root"):
        build(checkout.order(tmp_path / "out", image_root=image_root(tmp_path / "root"), image=True), describe)

    assert not (tmp_path / "out").exists()


def test_a_host_without_buildah_is_told_which_package_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Failure, match="`buildah` is missing: apt-get install buildah"):
        image_build.check_host()
