"""The image's root file system in the list of parts: every package, its licence as somebody read it, its text."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sbom import bsi, debian, licences, view
from sbom.collect import Tables, collect
from sbom.cyclonedx import document
from sbom.debian import ImageRoot, Read
from sbom.model import Refused, Target
from sbom.spdx import document as spdx
from tests.fakes.image_root import COPYRIGHT, image_root
from tests.sbom.wheels import EPOCH, PRODUCT

READ = Read(
    "libtiny1", hashlib.sha256(COPYRIGHT).hexdigest(), "LicenseRef-scancode-public-domain OR MIT", "a test says so"
)


@pytest.fixture
def root(tmp_path: Path) -> ImageRoot:
    return debian.read(image_root(tmp_path / "image"), PRODUCT, licences.policy(), {"libtiny1": READ})


@pytest.fixture
def told(root: ImageRoot, wheels: Mapping[Target, list[Path]], tables: Tables) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(document(collect(wheels, PRODUCT, tables, root.natives), EPOCH))
    return found


def test_a_package_is_named_with_the_digest_of_its_deb_and_the_root_with_its_own(told: dict[str, Any]) -> None:
    by = {one["name"]: one for one in told["components"]}

    assert by["libtiny1"]["purl"] == "pkg:deb/debian/libtiny1@1%3A2.0-1?arch=amd64&distro=bookworm"
    assert by["libtiny1"]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert by["libtiny1"]["manufacturer"]["contact"] == [{"name": "A Maker", "email": "maker@debian.example"}]
    assert {one["alg"] for one in by["redoubt-image-root"]["hashes"]} == {"SHA-256", "SHA-512"}


def test_the_product_holds_the_root_and_the_root_its_packages(told: dict[str, Any]) -> None:
    needs = {one["ref"]: one["dependsOn"] for one in told["dependencies"]}
    by = {one["name"]: one["bom-ref"] for one in told["components"]}

    assert needs[by["redoubt-image-root"]] == [by["libtiny1"]]
    assert by["redoubt-image-root"] in needs[told["metadata"]["component"]["bom-ref"]]
    assert by["libtiny1"] not in needs[told["metadata"]["component"]["bom-ref"]]


def test_nothing_that_bsi_asks_for_is_missing_and_every_licence_is_valid(told: dict[str, Any]) -> None:
    seen = view.view(json.dumps(told).encode())

    assert bsi.check(seen).gaps == ()
    assert all(licences.valid(one) for item in seen.items for one in item.licences)


def test_the_same_parts_stand_in_a_valid_spdx_document(
    root: ImageRoot, wheels: Mapping[Target, list[Path]], tables: Tables
) -> None:
    told = json.loads(spdx(collect(wheels, PRODUCT, tables, root.natives), EPOCH))

    assert {"libtiny1", "redoubt-image-root"} <= {one["name"] for one in told["packages"]}
    assert [one["licenseId"] for one in told["hasExtractedLicensingInfos"]] == ["LicenseRef-scancode-public-domain"]


def test_the_licence_text_of_a_package_is_shipped(root: ImageRoot) -> None:
    assert root.texts == {"licences/libtiny1-1_2.0-1/copyright": COPYRIGHT}


def test_a_copyright_file_that_nobody_read_is_refused(tmp_path: Path) -> None:
    image = image_root(tmp_path / "image", text=COPYRIGHT + b"And the makers want your house.\n")

    with pytest.raises(Refused, match="nobody read the licence of Debian's `libtiny1`"):
        debian.read(image, PRODUCT, licences.policy(), {"libtiny1": READ})


def test_a_licence_that_the_policy_does_not_allow_is_refused(tmp_path: Path) -> None:
    known = {"libtiny1": Read("libtiny1", READ.copyright_sha256, "AGPL-3.0-only", "a test says so")}

    with pytest.raises(Refused, match=r"`AGPL-3\.0-only` of `libtiny1` is not allowed"):
        debian.read(image_root(tmp_path / "image"), PRODUCT, licences.policy(), known)


def test_a_root_file_system_its_list_does_not_tell_of_is_refused(tmp_path: Path) -> None:
    image = image_root(tmp_path / "image")
    (image / "rootfs.tar").write_bytes(b"\0" * 10240)

    with pytest.raises(Refused, match="is not the one"):
        debian.read(image, PRODUCT, licences.policy(), {"libtiny1": READ})


def test_every_licence_that_was_read_is_an_spdx_expression_the_policy_allows() -> None:
    policy = licences.policy()

    for one in debian.load().values():
        licences.check(licences.normal(one.expression), one.name, policy)
        assert len(one.copyright_sha256) == 64
        assert one.reason
