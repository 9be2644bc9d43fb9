"""The formula, and the two checkers on documents that are not ours."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sbom import bsi, score, spdx, view
from sbom.collect import Tables, collect
from sbom.model import Refused, Target
from tests.sbom.wheels import EPOCH, PRODUCT

Json = dict[str, Any]


def foreign(**more: object) -> view.View:
    components: list[Json] = [
        {"type": "library", "bom-ref": "a", "name": "a", "version": "1", "purl": "pkg:pypi/a@1",
         "licenses": [{"license": {"id": "GPL-2.0"}}], "hashes": [{"alg": "SHA-1", "content": "0" * 40}],
         "components": [{"type": "library", "name": "inner"}]},
    ]  # fmt: skip
    return view.view(
        json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components, **more}).encode()
    )


def feature(found: score.Score, name: str) -> float | None:
    (one,) = [one for one in found.features if one.name == name]
    return one.score


def test_weights_are_those_of_the_specification() -> None:
    assert sum(score.WEIGHTS.values()) == 82
    found = score.score(foreign(), signed=False, schema_valid=True)
    for category in score.WEIGHTS:
        assert sum(one.weight for one in found.features if one.category == category) == pytest.approx(1)


def test_a_foreign_document_is_scored_by_its_own_merits() -> None:
    found = score.score(foreign(), signed=False, schema_valid=True)

    assert (found.components, found.grade) == (2, "F")
    assert feature(found, "comp_with_name") == 10
    assert feature(found, "comp_with_version") == 5
    assert feature(found, "comp_with_checksums") == 5
    assert feature(found, "comp_with_sha256") == 0  # SHA-1 is a checksum, not a strong one
    assert feature(found, "comp_no_deprecated_licenses") == 0  # `GPL-2.0` is deprecated …
    assert feature(found, "comp_no_restrictive_licenses") == 0  # … and copyleft


def test_the_worked_total_of_the_specification_comes_out() -> None:
    told = {"Identification": 9.5, "Provenance": 8.8, "Integrity": 9.2, "Completeness": 8.5, "Licensing": 9.0,
            "Vulnerability": 7.5, "Structural": 10.0}  # fmt: skip
    features = [score.Feature(name, "x", 1.0, value, "") for name, value in told.items()]

    assert round(score._total(features), 2) == 8.91


def test_a_feature_a_format_cannot_carry_leaves_the_others_their_share() -> None:
    features = [score.Feature("Licensing", str(at), weight, value, "") for at, (weight, value) in enumerate(
        [(0.20, 8.5), (0.20, 9.0), (0.15, 8.0), (0.10, None), (0.15, 10.0), (0.20, 7.0)]
    )]  # fmt: skip

    assert round(score._category(features, "Licensing") or 0, 2) == 8.44


def test_a_signature_counts_only_as_a_fact_handed_over(ours: view.View) -> None:
    claimed = view.view(json.dumps({**ours.raw, "signature": {"algorithm": "Ed25519", "value": "AAAA"}}).encode())

    without = score.score(claimed, signed=False, schema_valid=True)
    signed = score.score(claimed, signed=True, schema_valid=True)

    assert feature(without, "sbom_signature") == 0
    assert signed.total - without.total == pytest.approx(1.5 / 8.2, abs=0.01)


def test_the_strict_figure_leaves_our_reading_of_declared_licences_out(ours: view.View) -> None:
    found = score.score(ours, signed=True, schema_valid=True)

    assert feature(found, "comp_with_declared_licenses") == 10
    assert found.total - found.strict == pytest.approx(15 * 0.15 * 10 / 82, abs=0.02)


def test_the_spdx_form_needs_no_reading_of_ours(wheels: Mapping[Target, list[Path]], tables: Tables) -> None:
    found = score.score(view.view(spdx.document(collect(wheels, PRODUCT, tables), EPOCH)), signed=True)

    assert found.total == found.strict
    assert feature(found, "sbom_lifecycle") is None
    assert feature(found, "sbom_schema_valid") == 10


def test_a_document_that_breaks_its_schema_loses_that_share() -> None:
    assert feature(score.score(foreign(colour="blue"), signed=False), "sbom_schema_valid") == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"bomFormat": "CycloneDX", "components": 3}', "\xff"])
def test_what_is_no_sbom_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        view.view(text.encode("latin-1"))


def test_a_foreign_document_has_its_gaps_named() -> None:
    found = bsi.check(foreign(vulnerabilities=[{"id": "CVE-2026-1"}]))
    said = {(one.component, one.field) for one in found.gaps}

    assert ("", "format") in said  # 1.5
    assert ("", "no vulnerability information") in said
    assert ("a 1", "hash") in said
    assert ("a 1", "licence") in said
    assert ("inner", "version") in said
    assert found.percent < 30


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("properties",), [], "filename"),
        (("manufacturer",), {"name": "only a name"}, "creator"),
        (("version",), " ", "version"),
        (("licenses",), [{"expression": "MIT"}], "licence"),
        (("licenses",), [{"expression": "Mine", "acknowledgement": "concluded"}], "licence"),
        (("externalReferences",), [], "hash"),
    ],
)
def test_each_field_taken_away_is_a_gap(path: tuple[str], value: object, field: str, ours: view.View) -> None:
    raw = json.loads(json.dumps(ours.raw))
    wheel = next(one for one in raw["components"] if one["name"] == "plain")
    wheel[path[0]] = value

    found = bsi.check(view.view(json.dumps(raw).encode()))

    assert field in {one.field for one in found.gaps}
    assert found.percent < 100


def test_a_component_that_calls_itself_nothing_is_held_to_the_full_set(ours: view.View) -> None:
    raw = json.loads(json.dumps(ours.raw))
    native = next(one for one in raw["components"] if one["name"] == "libquick")
    native["properties"] = [{"name": "redoubt:bsi:kind", "value": "whatever"}]

    assert {"filename", "hash"} <= {one.field for one in bsi.check(view.view(json.dumps(raw).encode())).gaps}


def test_dependencies_that_lead_nowhere_are_gaps(ours: view.View) -> None:
    raw = json.loads(json.dumps(ours.raw))
    raw["dependencies"][0]["dependsOn"] = ["pkg:pypi/ghost@1"]
    raw["compositions"] = raw["compositions"][1:]

    said = " ".join(one.said for one in bsi.check(view.view(json.dumps(raw).encode())).gaps)

    assert "no composition says how complete" in said
