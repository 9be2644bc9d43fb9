"""The image: built from a bundle without a network, the same bytes twice, and it serves from a read-only root."""

import filecmp
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from offline.build import Order, build
from offline.describe import describe
from offline.image.build import Image
from offline.image.rootfs import PYTHON, Rootfs, make
from offline.image.verified import image as image_of
from offline.rules.names import SUMS
from offline.rules.refusal import Refused
from offline.rules.sums import read_sums
from sbom import bsi, licences, score, view
from tests.offline.image.conftest import MAKER

pytestmark = [pytest.mark.index, pytest.mark.timeout(300)]
INSIDE = Path(__file__).with_name("inside.py")
BANNED = ("sh", "bash", "dash", "busybox", "perl", "apt", "apt-get", "dpkg", "pip", "pip3", "tar", "chmod", "su")


def test_it_serves_read_only_without_privileges_and_where_loopback_is_all_there_is(
    unpacked: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 65532, 65532)
    command = ["unshare", "--net", "--mount", sys.executable, str(INSIDE), str(unpacked), str(data)]

    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert ran.returncode == 0, ran.stderr[-3000:]
    told = json.loads(ran.stdout)
    assert (told["readyz"], told["stopped"]) == (200, 0)
    assert told["user"] == [65532, 65532]
    [worker] = told["workers"]
    assert (worker["words"][-4:], worker["user"]) == (["-I", "-B", "-m", "appliance.redaction.worker"], "65532")
    assert worker["oom"] >= 500
    assert told["found"]["sent"] == "pay with [CREDIT_CARD]"
    assert set(told["refused"].values()) == {"Read-only file system"}
    assert len(told["refused"]) == 3
    assert {int(value, 16) for name, value in told["held"].items() if name.startswith("Cap")} == {0}
    assert told["held"]["NoNewPrivs"] == "1"
    assert {layer["name"] for layer in told["layers"] if layer["active"]} >= {"dial guard", "loop fuse", "audit hook"}
    if told["mdwe"] == 0:
        pytest.fail("it served, but this kernel (older than 6.3) cannot refuse writable and executable pages")


def test_nothing_in_it_is_a_shell_a_package_manager_setuid_or_runs_at_every_start(unpacked: Path) -> None:
    found = [path for path in unpacked.rglob("*") if not path.is_symlink()]

    assert {path.name for path in found if path.is_file()} & set(BANNED) == set()
    assert [path for path in found if path.stat().st_mode & 0o6000] == []
    assert [path for path in found if path.name.endswith(".pth") or path.name == "sitecustomize.py"] == []
    assert [path for path in found if path.is_file() and path.stat().st_uid != 0] == []
    assert not any((unpacked / "opt/redoubt/serve/lib").rglob("pip"))


def test_what_is_filled_twice_is_filled_alike(bundle: Path, unpacked: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["tar", "--extract", "-f", bundle / "image" / "rootfs.tar", "-C", root], check=True)
    inside = root / "bundle"
    shutil.copytree(bundle / "wheels", inside / "wheels")
    shutil.copytree(bundle / "locks", inside / "locks")
    shutil.copy(bundle / "image" / "fill.py", inside)
    fill = (f"/usr/bin/python{PYTHON}", "-I", "-S", "/bundle/fill.py", "/bundle", "/opt/redoubt")

    subprocess.run(["unshare", "--net", "/usr/sbin/chroot", root, *fill], check=True, timeout=120)

    first, second = unpacked / "opt/redoubt", root / "opt/redoubt"
    files = sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    _same, different, failed = filecmp.cmpfiles(first, second, [str(path) for path in files], shallow=False)
    assert (different, failed) == ([], [])
    assert files == sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())


def test_its_packages_are_listed_with_hash_and_licence_text(rootfs: Rootfs, unpacked: Path) -> None:
    status = (unpacked / "var/lib/dpkg/status").read_text()
    listed = json.loads((unpacked / "usr/share/redoubt/packages.json").read_text())

    assert listed["rootfs_sha256"] == rootfs.sha256
    assert {one["name"] for one in listed["packages"]} == {
        line.removeprefix("Package: ") for line in status.splitlines() if line.startswith("Package: ")
    }
    for one in rootfs.packages:
        assert len(one.sha256) == 64
        assert (unpacked / one.copyright).stat().st_size > 100
        assert f"\nVersion: {one.version}\n" in status
    assert (unpacked / "etc/os-release").exists()


@pytest.mark.parametrize("wheel", ["click", "redoubt_gateway"])
def test_a_changed_wheel_is_refused_inside_the_build(wheel: str, bundle: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["tar", "--extract", "-f", bundle / "image" / "rootfs.tar", "-C", root], check=True)
    inside = root / "bundle"
    shutil.copytree(bundle / "wheels", inside / "wheels")
    shutil.copytree(bundle / "locks", inside / "locks")
    shutil.copy(bundle / "image" / "fill.py", inside)
    lock = inside / "locks" / "serve-cp311.txt"
    file = next((inside / "wheels").glob(f"{wheel}-*.whl"))
    if wheel == "redoubt_gateway":  # as a real bundle's lock names it
        lock.write_text(f"{lock.read_text()}redoubt-gateway=={file.name.split('-')[1]} --hash=sha256:{_sha256(file)}\n")
    file.write_bytes(file.read_bytes() + b"\0")
    fill = (f"/usr/bin/python{PYTHON}", "-I", "-S", "/bundle/fill.py", "/bundle", "/opt/redoubt")

    ran = subprocess.run(["/usr/sbin/chroot", root, *fill], capture_output=True, text=True, check=False, timeout=120)

    assert ran.returncode != 0
    assert "DO NOT MATCH THE HASHES" in ran.stderr
    assert not any((root / "opt/redoubt").rglob(f"{wheel}/__init__.py"))


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_its_packages_are_parts_of_the_signed_sbom(bundle: Path, rootfs: Rootfs) -> None:
    told = view.read(bundle / "sbom/redoubt.cdx.json")

    named = {(one.name, one.version) for one in told.items if one.purl.startswith("pkg:deb/debian/")}
    assert named == {(one.name, one.version) for one in rootfs.packages}
    assert bsi.check(told).percent == 100
    assert all(licences.valid(one) for item in told.items for one in item.licences)
    assert score.score(told, signed=True, schema_valid=True).total >= 9
    sums = read_sums((bundle / SUMS).read_bytes()).files
    assert sums["image/rootfs.tar"] == rootfs.sha256
    texts = [path for path in sums if path.endswith("/copyright")]
    assert all(any(path.startswith(f"licences/{one.name}-") for path in texts) for one in rootfs.packages)


def test_no_image_is_built_of_a_bundle_that_was_changed(bundle: Path, trusted: Path, tmp_path: Path) -> None:
    changed = tmp_path / "bundle"
    shutil.copytree(bundle, changed)
    with (changed / "image/rootfs.tar").open("r+b") as tar:
        tar.write(b"x")

    with pytest.raises(Refused, match=r"`image/rootfs\.tar` is not what was signed"):
        image_of(changed, tmp_path / "never.tar", (trusted, None), lambda _: None, root=None, expired=False)

    assert not (tmp_path / "never.tar").exists()


@pytest.mark.long
@pytest.mark.timeout(900)  # its set-up is a bundle and an image, and it makes both once more
def test_a_bundle_can_carry_the_image_that_a_site_would_build(image: Image, order: Order, tmp_path: Path) -> None:
    built = build(replace(order, out=tmp_path, image=True), describe(None, MAKER))

    assert (built.folder / "image/redoubt.oci.tar").read_bytes() == image.tar.read_bytes()


@pytest.mark.long
def test_two_builds_have_one_digest(image: Image, again: Callable[[], Image]) -> None:
    second = again()

    assert (second.manifest, second.config) == (image.manifest, image.config)
    assert second.tar.read_bytes() == image.tar.read_bytes()


@pytest.mark.long
def test_a_root_file_system_made_anew_has_the_same_bytes(rootfs: Rootfs, tmp_path: Path) -> None:
    make(tmp_path)

    assert (tmp_path / "rootfs.tar").read_bytes() == rootfs.tar.read_bytes()
