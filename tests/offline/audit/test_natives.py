"""Libraries inside wheels: named by the SBOM, looked up where somebody knows them."""

import json
from pathlib import Path
from typing import Any

import pytest

from offline.audit.natives import CURATED, MARK, of_sbom
from offline.audit.pins import Native
from offline.audit.verdict import Verdict
from sbom.cyclonedx import _native
from sbom.model import Native as Part
from sbom.model import Party
from tests.offline.audit.subjects import audited, data, lock
from tests.offline.channel import advisory


def document(*purls: str) -> bytes:
    wheel = {
        "name": "leaky",
        "version": "1.0",
        "purl": "pkg:pypi/leaky@1.0",
        "properties": [{"name": "redoubt:target"}],
    }
    parts = [{"name": "part", "purl": purl, "properties": [{"name": MARK, "value": "PEP 770"}]} for purl in purls]
    return json.dumps({"bomFormat": "CycloneDX", "components": [wheel, *parts]}).encode()


def of(ecosystem: str, name: str, fixed: str) -> dict[str, Any]:
    told = advisory("RUSTSEC-2026-1", name, fixed)
    told["affected"][0]["package"]["ecosystem"] = ecosystem
    return told


def test_every_marked_part_is_named_with_the_database_that_knows_it() -> None:
    found = of_sbom(document("pkg:cargo/base64@0.22.1", "pkg:pypi/packaging@26.2", "pkg:generic/openssl@4.0.3"))

    assert set(found) == {
        Native("base64", "0.22.1", "crates.io"),
        Native("packaging", "26.2", "PyPI"),
        Native("openssl", "4.0.3", None),
    }


@pytest.mark.parametrize("purl", ["", "pkg:swid/thing@1", "nonsense"])
def test_a_part_that_no_table_places_is_incomplete(tmp_path: Path, purl: str) -> None:
    report = audited([lock(tmp_path / "l", "sound==1")], data(tmp_path), natives=of_sbom(document(purl)))

    assert report.code is Verdict.INCOMPLETE


def test_a_crate_is_found_by_its_database(tmp_path: Path) -> None:
    given = data(tmp_path, advisory(), of("crates.io", "time", "0.3.50"), ecosystems=frozenset({"PyPI", "crates.io"}))
    pins = [lock(tmp_path / "l", "sound==1")]

    old = audited(pins, given, natives=of_sbom(document("pkg:cargo/time@0.3.49")))
    new = audited(pins, given, natives=of_sbom(document("pkg:cargo/time@0.3.50")))

    assert (old.code, [one.package for one in old.findings]) == (Verdict.FINDINGS, ["crates.io:time"])
    assert new.code is Verdict.CLEAN


def test_a_debian_package_of_the_image_is_listed_as_watched_by_no_database(tmp_path: Path) -> None:
    given = data(tmp_path, advisory(), of(CURATED, "zlib1g", "9"), ecosystems=frozenset({"PyPI", CURATED}))
    natives = of_sbom(document("pkg:deb/debian/zlib1g@1%3A1.2.13?arch=amd64&distro=bookworm"))

    found = audited([lock(tmp_path / "l", "x==1")], given, natives=natives)

    assert found.code is Verdict.CLEAN
    assert [name for one in found.subjects for name in one.unwatched] == ["debian/zlib1g 1:1.2.13"]


def test_a_c_library_is_looked_up_in_curated_records_when_there_are_any(tmp_path: Path) -> None:
    given = data(tmp_path, advisory(), of(CURATED, "openssl", "4.0.4"), ecosystems=frozenset({"PyPI", CURATED}))

    report = audited([lock(tmp_path / "l", "x==1")], given, natives=of_sbom(document("pkg:generic/openssl@4.0.3")))

    assert (report.code, [one.package for one in report.findings]) == (Verdict.FINDINGS, [f"{CURATED}:openssl"])


def test_leaving_them_out_is_told_in_every_report(tmp_path: Path) -> None:
    report = audited([lock(tmp_path / "l", "x==1")], data(tmp_path), without_natives="no crates.io data yet")

    assert report.warnings == ["libraries inside wheels were left out: no crates.io data yet"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"[" * 9999, b'{"components": 1}'])
def test_an_sbom_that_does_not_read_is_no_silence(content: bytes) -> None:
    with pytest.raises(ValueError, match="does not read"):
        of_sbom(content)


def test_our_own_sbom_marks_them_so() -> None:
    part = Part(
        name="openssl",
        version="4.0.3",
        purl="pkg:generic/openssl@4.0.3",
        licence="Apache-2.0",
        party=Party("OpenSSL", "", ""),
        how="PEP 770",
        within=("cryptography.whl!_rust.abi3.so",),
    )

    assert of_sbom(json.dumps({"components": [_native(part)]}).encode()) == (Native("openssl", "4.0.3", None),)
