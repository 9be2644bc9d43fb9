"""What lies there is what was shipped, plus what the operator added, and not one file more."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from installer.environment import destination
from sbom import cyclonedx, models, view
from sbom.collect import Tables, collect
from sbom.deployed import Deployed, compare
from sbom.model import Refused, Target
from tests.sbom.wheels import EPOCH, PRODUCT, build, digest

SITE = "lib/python3.11/site-packages"


def install(wheel: Path, environment: Path) -> None:
    """As pip does it: unpack, then add lines and files of its own."""
    site = environment / SITE
    site.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        info = next(one for one in archive.namelist() if one.endswith("/RECORD")).partition("/")[0]
    record = site / info / "RECORD"
    (site / info / "INSTALLER").write_text("pip\n")
    package = wheel.name.partition("-")[0]
    (site / package / "__pycache__").mkdir()
    (site / package / "__pycache__/__init__.cpython-311.pyc").write_bytes(b"code")
    lines = f"{info}/INSTALLER,{digest(b'pip' + bytes([10]))},4\n{package}/__pycache__/__init__.cpython-311.pyc,,\n"
    record.write_text(record.read_text() + lines + "../../../bin/x,sha256=a,1\n")


class Site:
    """A release, and what was shipped for it."""

    def __init__(self, folder: Path, wheels: Mapping[Target, list[Path]], shipped: view.View) -> None:
        self.release = folder / "release"
        self.wheels = wheels
        self.shipped = shipped
        for target, paths in wheels.items():
            for path in paths:
                install(path, self.release / target.environment)
        self.site = self.release / "serve" / SITE

    def look(self, *overlays: Path) -> Deployed:
        return compare(self.release, self.shipped, next(iter(self.wheels.values()))[0].parent, overlays)

    def drift(self) -> list[tuple[str, str]]:
        return [(one.kind, one.what) for one in self.look().drift]


@pytest.fixture
def site(tmp_path: Path, wheels: Mapping[Target, list[Path]], ours: view.View) -> Site:
    return Site(tmp_path, wheels, ours)


def test_a_fresh_release_equals_what_was_shipped(site: Site) -> None:
    found = site.look()

    assert found.drift == ()
    assert found.equal
    assert [(one.environment, one.name, one.origin) for one in found.found] == [
        ("serve", "plain", "shipped"),
        ("serve", "quick", "shipped"),
        ("serve", "redoubt-gateway", "shipped"),
        ("tools", "plain", "shipped"),
    ]


def test_equality_needs_the_sbom_alone(site: Site) -> None:
    assert compare(site.release, site.shipped).equal


def test_a_changed_file_is_found_and_named(site: Site) -> None:
    (site.site / "plain/__init__.py").write_text("NAME = 'other'\n")

    assert site.drift() == [("changed", "plain/__init__.py")]


def test_a_changed_file_is_found_without_the_wheels(site: Site) -> None:
    (site.site / "plain/__init__.py").write_text("NAME = 'other'\n")

    assert [(one.kind, one.what) for one in compare(site.release, site.shipped).drift] == [("changed", "plain")]


def test_a_record_that_was_made_to_agree_deceives_nobody(site: Site) -> None:
    content = b"NAME = 'other'\n"
    (site.site / "plain/__init__.py").write_bytes(content)
    record = site.site / "plain-1.0.dist-info/RECORD"
    lines = [one for one in record.read_text().splitlines() if not one.startswith("plain/__init__.py,")]
    record.write_text("\n".join([*lines, f"plain/__init__.py,{digest(content)},{len(content)}", ""]))

    assert site.drift() == [("changed", "plain/__init__.py")]


def test_a_record_that_no_longer_lists_a_changed_file_deceives_nobody(site: Site) -> None:
    (site.site / "plain/__init__.py").write_text("NAME = 'other'\n")
    record = site.site / "plain-1.0.dist-info/RECORD"
    record.write_text("\n".join(one for one in record.read_text().splitlines() if "__init__.py" not in one))

    assert ("missing", "plain/__init__.py") in site.drift()


def test_a_record_that_lists_a_planted_file_deceives_nobody(site: Site) -> None:
    (site.site / "sneak.pth").write_text("import os\n")
    record = site.site / "plain-1.0.dist-info/RECORD"
    record.write_text(record.read_text() + f"sneak.pth,{digest(b'import os' + bytes([10]))},10\n")

    assert site.drift() == [("unknown", "sneak.pth")]


def test_a_removed_file_is_missing(site: Site) -> None:
    (site.site / "quick/_core.so").unlink()

    assert site.drift() == [("missing", "quick/_core.so")]


@pytest.mark.parametrize(
    "path", ["sneak.pth", "plain/extra.py", "plain/__pycache__/ghost.cpython-311.pyc", "sitecustomize.py"]
)
def test_a_file_nobody_brings_is_unknown(path: str, site: Site) -> None:
    (site.site / path).write_text("x")

    assert site.drift() == [("unknown", path)]


def test_a_link_in_the_place_of_a_file_is_not_the_file(site: Site, tmp_path: Path) -> None:
    file = site.site / "plain/__init__.py"
    shutil.copy(file, tmp_path / "same.py")
    file.unlink()
    file.symlink_to(tmp_path / "same.py")

    assert ("missing", "plain/__init__.py") in site.drift()


def test_a_package_that_was_not_shipped_is_extra(site: Site, tmp_path: Path) -> None:
    install(build(tmp_path, "other"), site.release / "serve")

    assert site.drift() == [("extra", "other")]


def test_a_package_of_the_other_environment_is_extra_here(site: Site) -> None:
    install(site.wheels[Target("serve", "3.11", "x86_64")][1 + 1], site.release / "tools")

    assert site.drift() == [("extra", "quick")]


def test_another_version_of_a_package_is_drift(site: Site, tmp_path: Path) -> None:
    shutil.rmtree(site.site / "plain-1.0.dist-info")
    shutil.rmtree(site.site / "plain")
    install(build(tmp_path, "plain", "1.1"), site.release / "serve")

    assert not site.look().equal


def test_a_package_or_an_environment_that_is_gone_is_absent(site: Site) -> None:
    shutil.rmtree(site.site / "plain-1.0.dist-info")
    shutil.rmtree(site.site / "plain")
    shutil.rmtree(site.release / "tools")

    assert site.drift() == [("absent", "plain"), ("absent", "tools")]


def test_an_overlay_is_listed_as_the_operators(site: Site, tmp_path: Path) -> None:
    wheel = build(tmp_path, "adapter")
    install(wheel, site.release / "serve")

    found = site.look(wheel)

    assert found.equal
    assert [one.name for one in found.found if one.origin == "operator-supplied"] == ["adapter"]


def test_a_changed_overlay_is_drift(site: Site, tmp_path: Path) -> None:
    wheel = build(tmp_path, "adapter")
    install(wheel, site.release / "serve")
    (site.site / "adapter/__init__.py").write_text("x")

    assert [(one.kind, one.what) for one in site.look(wheel).drift] == [("changed", "adapter/__init__.py")]


def test_a_wheel_that_is_imported_from_where_it_lies_is_listed_as_the_operators(site: Site, tmp_path: Path) -> None:
    wheel = build(tmp_path, "adapter")

    found = compare(site.release, site.shipped, in_place=[wheel])

    assert found.equal
    assert [(one.environment, one.name) for one in found.found if one.origin == "operator-supplied"] == [
        ("overlays", "adapter")
    ]


def test_an_sbom_without_digests_shows_nothing(site: Site) -> None:
    bare = view.view(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}).encode())

    with pytest.raises(Refused, match="record-sha256"):
        compare(site.release, bare)


def test_a_folder_without_environments_is_refused(site: Site, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="neither `serve` nor `tools`"):
        compare(tmp_path, site.shipped)


def test_what_pip_really_installs_is_equal(tmp_path: Path, wheels: Mapping[Target, list[Path]], tables: Tables) -> None:
    target = Target("tools", f"{sys.version_info[0]}.{sys.version_info[1]}", "x86_64")
    (plain,) = wheels[Target("tools", "3.11", "x86_64")]
    shipped = view.view(cyclonedx.document(collect({target: [plain]}, PRODUCT, tables), EPOCH))
    site = tmp_path / "release/tools/lib" / f"python{target.python}" / "site-packages"
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--quiet", "--no-index", "--no-deps", "--compile"]

    subprocess.run([*command, "--target", str(site), str(plain)], check=True, env={"PIP_CONFIG_FILE": "/dev/null"})

    assert compare(tmp_path / "release", shipped).drift == ()


def test_what_our_installer_leaves_in_the_wheel_is_not_missed(tmp_path: Path, tables: Tables) -> None:
    data = "tool-1.0.data"
    files = {f"{data}/{one}": b"x = 1\n" for one in ("scripts/tool", "headers/tool.h", "data/etc/a", "purelib/more.py")}
    wheel = build(tmp_path / "wheels", "tool", head=("License-Expression: MIT",), files=files)
    target = Target("serve", "3.11", "x86_64")
    shipped = view.view(cyclonedx.document(collect({target: [wheel]}, PRODUCT, tables), EPOCH))
    site = tmp_path / "release/serve" / SITE
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            if (path := destination(member, "tool-1.0.dist-info")) is not None:
                (site / path).parent.mkdir(parents=True, exist_ok=True)
                (site / path).write_bytes(archive.read(member))

    assert compare(tmp_path / "release", shipped).drift == ()

    (site / "more.py").write_bytes(b"x = 2\n")
    drift = compare(tmp_path / "release", shipped, wheel.parent).drift
    assert [(one.kind, one.what) for one in drift] == [("changed", "more.py")]


def a_model(place: Path) -> tuple[Path, str]:
    """As `redoubt models add` leaves it; its folder, and the sha256 of its list."""
    folder = place / "en_core_rules_sm/3.8.0"
    (folder / "ner").mkdir(parents=True)
    (folder / "ner/model").write_bytes(b"weights")
    sums = f"{hashlib.sha256(b'weights').hexdigest()}  ner/model\n"
    (folder / "SHA256SUMS").write_text(sums)
    return folder, hashlib.sha256(sums.encode()).hexdigest()


def test_a_model_that_was_added_is_the_operators(site: Site, tmp_path: Path) -> None:
    folder, digest = a_model(tmp_path / "models")

    found = compare(site.release, site.shipped, models=models.look(tmp_path / "models", {folder: digest}))

    assert found.equal
    told = [(one.environment, one.name, one.version) for one in found.found if one.origin == "operator-supplied"]
    assert told == [("models", "en_core_rules_sm", "3.8.0")]


def test_a_model_whose_files_changed_since_is_drift(site: Site, tmp_path: Path) -> None:
    folder, digest = a_model(tmp_path / "models")
    (folder / "ner/model").write_bytes(b"others")
    (folder / "hook.py").touch()
    (folder / "link").symlink_to("ner/model")
    (folder.parents[1] / ".adding").mkdir()

    found = compare(site.release, site.shipped, models=models.look(tmp_path / "models", {folder: digest}))

    assert [(one.kind, Path(one.what).name) for one in found.drift] == [
        ("changed", "model"),
        ("unknown", "hook.py"),
        ("unknown", "link"),
    ]


def test_a_model_whose_list_was_made_anew_is_not_the_one_that_is_in_use(site: Site, tmp_path: Path) -> None:
    folder, _ = a_model(tmp_path / "models")

    found = compare(site.release, site.shipped, models=models.look(tmp_path / "models", {folder: "0" * 64}))

    assert [(one.kind, one.said) for one in found.drift] == [
        ("changed", "is not the one that `privacy.model` names"),
    ]


def test_a_model_without_a_list_is_drift_and_a_place_without_models_is_none(site: Site, tmp_path: Path) -> None:
    folder, _ = a_model(tmp_path / "models")
    (folder / "SHA256SUMS").unlink()

    (found,) = models.look(tmp_path / "models", {})

    assert [kind for kind, _, _ in found.problems] == ["missing"]
    assert models.look(tmp_path / "nowhere", {}) == []
