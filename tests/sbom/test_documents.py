"""The documents: valid in strict mode, the same bytes each time, and conformant to what they claim."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from ntia_conformance_checker import SbomChecker

from sbom import bsi, cyclonedx, mlbom, spdx, view
from sbom.collect import Tables, collect
from sbom.leftout import LeftOut
from sbom.mlbom import Dataset, Model, ModelFile
from sbom.model import Inventory, Party, Refused, Target
from tests.sbom.wheels import EPOCH, MAKER, PRODUCT, SERVE, build

GOLDEN = Path(__file__).parents[1] / "golden" / "sbom"


@pytest.fixture
def inventory(wheels: Mapping[Target, list[Path]], tables: Tables) -> Inventory:
    return collect(wheels, PRODUCT, tables)


@pytest.mark.parametrize("name", ["tiny.cdx.json", "tiny.spdx.json"])
def test_a_small_bundle_gives_exactly_the_golden_document(name: str, inventory: Inventory) -> None:
    made = (cyclonedx.document if ".cdx." in name else spdx.document)(inventory, EPOCH)

    assert made.decode() == (GOLDEN / name).read_text()


def test_wheels_in_another_order_and_folder_give_the_same_bytes(
    wheels: Mapping[Target, list[Path]], tables: Tables, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    other = {
        target: [moved / path.name for path in reversed(paths)] for target, paths in reversed(list(wheels.items()))
    }
    for path in {path for paths in wheels.values() for path in paths}:
        (moved / path.name).write_bytes(path.read_bytes())

    assert cyclonedx.document(collect(other, PRODUCT, tables), EPOCH) == cyclonedx.document(
        collect(wheels, PRODUCT, tables), EPOCH
    )


def test_the_serial_number_follows_the_content(inventory: Inventory) -> None:
    first, second = (json.loads(cyclonedx.document(inventory, epoch))["serialNumber"] for epoch in (EPOCH, EPOCH + 1))

    assert first != second
    assert first.startswith("urn:uuid:")
    assert first[23] == "8"  # RFC 9562: a version of one's own


def test_every_required_field_of_the_bsi_guideline_is_there(ours: view.View) -> None:
    found = bsi.check(ours)

    assert (found.percent, found.gaps) == (100.0, ())
    assert found.asked > 50


def test_the_ntia_checker_says_conformant(inventory: Inventory, tmp_path: Path) -> None:
    path = tmp_path / "tiny.spdx.json"
    path.write_bytes(spdx.document(inventory, EPOCH))

    assert SbomChecker(str(path), sbom_spec="spdx2").compliant


def test_a_document_holds_no_vulnerability_and_every_reference_leads_somewhere(sbom: bytes) -> None:
    made = json.loads(sbom)
    refs = {made["metadata"]["component"]["bom-ref"], *(one["bom-ref"] for one in made["components"])}

    assert "vulnerabilities" not in made
    assert {one["ref"] for one in made["dependencies"]} == refs
    assert {ref for one in made["dependencies"] for ref in one["dependsOn"]} <= refs
    assert {ref for one in made["compositions"] for ref in one["assemblies"]} == refs


def test_what_a_schema_does_not_know_is_refused() -> None:
    with pytest.raises(Refused, match="not valid"):
        cyclonedx.render({"bomFormat": "CycloneDX", "specVersion": "1.6", "colour": "blue"})


def test_a_bundle_without_models_has_an_ml_bom_that_says_so() -> None:
    made = json.loads(mlbom.document([], PRODUCT, EPOCH))

    assert made["components"] == []
    assert made["properties"] == [{"name": "redoubt:models", "value": "none: this bundle carries no model"}]


def test_a_model_has_a_card_its_files_and_its_data() -> None:
    file = ModelFile("model.safetensors", 4, "a" * 64, "b" * 128)
    model = Model(
        name="names", version="1", task="token-classification", architecture="CNN", party=MAKER, licence="MIT",
        files=(file,), datasets=(Dataset(name="web text", note="origin unknown"),), limits=("English only",),
    )  # fmt: skip

    (made,) = json.loads(mlbom.document([model], PRODUCT, EPOCH))["components"]

    assert made["type"] == "machine-learning-model"
    assert made["modelCard"]["considerations"]["technicalLimitations"] == ["English only"]
    assert made["modelCard"]["modelParameters"]["datasets"][0]["description"] == "licence: unknown; origin unknown"
    assert made["components"][0]["hashes"][0]["content"] == "a" * 64


def test_a_model_with_no_word_on_its_data_is_refused() -> None:
    model = Model(
        name="names", version="1", task="t", architecture="a", party=Party("x"), licence="MIT",
        files=(ModelFile("m", 1, "a" * 64, "b" * 128),), datasets=(), limits=(),
    )  # fmt: skip

    with pytest.raises(Refused, match="names no data"):
        mlbom.document([model], PRODUCT, EPOCH)


def test_what_is_left_out_on_purpose_is_told_by_every_document(tmp_path: Path, tables: Tables) -> None:
    told = LeftOut(name="absent", environments=("serve",), asked_by=("plain",), reason="nobody misses <it>")
    asking = build(tmp_path, "plain", head=("License-Expression: MIT", "Requires-Dist: absent"))

    here = collect({SERVE: [asking]}, PRODUCT, Tables(tables.reading, tables.policy, tables.known, (told,)))

    said = "absent (serve-cp311-x86_64): nobody misses <it>"
    raw = json.loads(cyclonedx.document(here, EPOCH))
    (plain,) = [one for one in raw["components"] if one["name"] == "plain"]
    assert {"name": "redoubt:left-out", "value": said} in plain["properties"]
    assert [one["aggregate"] for one in raw["compositions"] if plain["bom-ref"] in one["dependencies"]] == [
        "incomplete"
    ]
    assert f"left out on purpose: {said}" in spdx.document(here, EPOCH).decode()
