"""From publishers' advisories to one folder, ready to be signed."""

import gzip
import json
import zipfile
from pathlib import Path

import pytest
import yaml

from offline.advisories import gather as gathering
from offline.advisories.build import build
from offline.advisories.fault import BadAdvisories
from offline.advisories.snapshot import DATA, META, load
from offline.rules.sums import read_sums
from tests.offline.channel import NOW, SEED_DATA, SEED_SOURCE, advisory, folder_of, plan


def test_a_folder_of_json_becomes_a_snapshot(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", advisory(), advisory("PYSEC-2026-2", "other"))

    meta = build(plan(source), tmp_path / "out")

    assert (meta.counts.records, meta.counts.packages, meta.ecosystems) == (2, 2, ["PyPI"])
    assert sorted(load(tmp_path / "out").packages["PyPI"]) == ["leaky", "other"]


def test_a_folder_of_yaml_and_a_zip_of_json_mean_the_same(tmp_path: Path) -> None:
    (tmp_path / "yaml" / "vulns" / "leaky").mkdir(parents=True)
    (tmp_path / "yaml" / "vulns" / "leaky" / "PYSEC-2026-1.yaml").write_text(yaml.safe_dump(advisory()))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("PYSEC-2026-1.json", json.dumps(advisory()))

    build(plan(tmp_path / "yaml"), tmp_path / "a")
    build(plan(tmp_path / "all.zip"), tmp_path / "b")

    assert (tmp_path / "a" / "SHA256SUMS").read_bytes() == (tmp_path / "b" / "SHA256SUMS").read_bytes()


def test_two_builds_are_equal_to_the_byte(tmp_path: Path) -> None:
    for name in ("a", "b"):
        source = folder_of(tmp_path / f"in-{name}", *(advisory(f"PYSEC-2026-{n}") for n in range(1, 30)))
        build(plan(source), tmp_path / name)

    assert (tmp_path / "a" / DATA).read_bytes() == (tmp_path / "b" / DATA).read_bytes()
    assert (tmp_path / "a" / "SHA256SUMS").read_bytes() == (tmp_path / "b" / "SHA256SUMS").read_bytes()


def test_everything_in_the_folder_is_listed(tmp_path: Path) -> None:
    build(plan(folder_of(tmp_path / "in", advisory())), tmp_path / "out")

    sums = read_sums((tmp_path / "out" / "SHA256SUMS").read_bytes())

    assert sums.header.channel == "advisories"
    assert {*sums.files, "SHA256SUMS"} == {file.name for file in (tmp_path / "out").iterdir()}
    assert "LICENSE-CC-BY-4.0.txt" in sums.files


def test_where_data_comes_from_and_its_licence_travel_with_it(tmp_path: Path) -> None:
    build(plan(folder_of(tmp_path / "in", advisory(credits=[{"name": "Finder"}]))), tmp_path / "out")

    meta = json.loads((tmp_path / "out" / META).read_bytes())
    records = json.loads(gzip.decompress((tmp_path / "out" / DATA).read_bytes()))

    assert meta["sources"][0]["attribution"] == "Example"
    assert records["PyPI"]["leaky"][0]["credits"] == [{"name": "Finder"}]


def test_nothing_is_built_without_a_source_to_attribute_it_to(tmp_path: Path) -> None:
    with pytest.raises(BadAdvisories, match="attribution"):
        build(plan(folder_of(tmp_path / "in", advisory()), sources=[]), tmp_path / "out")


def test_withdrawn_advisories_stay_out_and_are_counted(tmp_path: Path) -> None:
    gone = advisory("PYSEC-2026-2", withdrawn="2026-11-21T00:00:00Z")

    meta = build(plan(folder_of(tmp_path / "in", advisory(), gone)), tmp_path / "out")

    assert (meta.counts.records, meta.counts.withdrawn) == (1, 1)


def test_a_fault_told_by_two_databases_is_told_once_with_all_its_names_and_versions(tmp_path: Path) -> None:
    one = advisory("PYSEC-2026-1", aliases=["CVE-2026-7"], fixed="2.0")
    two = advisory("GHSA-aaaa-bbbb-cccc", aliases=["CVE-2026-7"], fixed="2.1")

    meta = build(plan(folder_of(tmp_path / "in", two, one)), tmp_path / "out")

    (raw,) = load(tmp_path / "out").packages["PyPI"]["leaky"]
    assert (raw["id"], raw["aliases"], meta.counts.merged) == ("PYSEC-2026-1", ["CVE-2026-7", "GHSA-aaaa-bbbb-cccc"], 1)
    assert len(raw["affected"]) == 2


def test_two_faults_of_one_database_stay_two_even_with_a_common_alias(tmp_path: Path) -> None:
    records = [advisory(f"PYSEC-2026-{n}", aliases=["GHSA-aaaa-bbbb-cccc"]) for n in (1, 2)]

    meta = build(plan(folder_of(tmp_path / "in", *records)), tmp_path / "out")

    assert (meta.counts.records, meta.counts.merged) == (2, 0)


def test_a_fault_of_another_package_is_not_merged_for_a_common_alias(tmp_path: Path) -> None:
    one = advisory("PYSEC-2026-1", aliases=["CVE-2026-7"])
    two = advisory("GHSA-aaaa-bbbb-cccc", package="fork", aliases=["CVE-2026-7"])

    build(plan(folder_of(tmp_path / "in", one, two)), tmp_path / "out")

    assert sorted(load(tmp_path / "out").packages["PyPI"]) == ["fork", "leaky"]


def test_names_and_moments_are_normalised(tmp_path: Path) -> None:
    raw = advisory(package="Leaky_Name", published="2026-11-19T12:00:00.123456789+02:00")

    build(plan(folder_of(tmp_path / "in", raw)), tmp_path / "out")

    ((found,),) = load(tmp_path / "out").packages["PyPI"].values()
    assert found["affected"][0]["package"]["name"] == "leaky-name"
    assert found["published"] == "2026-11-19T10:00:00.123456Z"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "does not read"),
        ("[]", "not one advisory"),
        ('{"id": "PYSEC-1-1"}', "no OSV record"),
        (json.dumps(advisory("../../etc/passwd")), "no id of an advisory"),
        (json.dumps(advisory(package="a\nb")), "no name of a package"),
        (json.dumps(advisory(modified="yesterday")), "not a moment"),
        (json.dumps(advisory(modified="2026-11-20")), "not a moment"),
        (json.dumps(advisory(schema_version="2.0.0")), "not 1.x"),
        (json.dumps(advisory(affected="all")), "no OSV record"),
        (json.dumps(advisory(modified="2027-05-01T00:00:00Z")), "after the snapshot was made"),
        ("[" * 100_000, "does not read"),
    ],
)
def test_an_advisory_that_does_not_read_stops_the_build(tmp_path: Path, content: str, said: str) -> None:
    source = folder_of(tmp_path / "in", advisory("PYSEC-2026-9"))
    (source / "bad.json").write_text(content)

    with pytest.raises(BadAdvisories, match=said):
        build(plan(source), tmp_path / "out")

    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*"))


def test_yaml_that_repeats_itself_by_aliases_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "laughs.yaml").write_text("a: &a [x, x]\nb: [*a, *a]\n")

    with pytest.raises(BadAdvisories, match="aliases"):
        build(plan(tmp_path / "in"), tmp_path / "out")


def test_yaml_with_a_tag_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    bomb = f"!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{tmp_path}/ran']]"
    (tmp_path / "in" / "tag.yaml").write_text(f"id: {bomb}\n")

    with pytest.raises(BadAdvisories):
        build(plan(tmp_path / "in"), tmp_path / "out")

    assert not (tmp_path / "ran").exists()


def test_an_advisory_of_more_bytes_than_any_has_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("huge.json", b" " * (gathering.MOST_FILE + 1))

    with pytest.raises(BadAdvisories, match="which no advisory has"):
        build(plan(tmp_path / "bomb.zip"), tmp_path / "out")


def test_two_tellings_of_one_id_that_differ_are_refused(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", advisory(fixed="2.0"), advisory(fixed="1.0"))

    with pytest.raises(BadAdvisories, match="told twice"):
        build(plan(source), tmp_path / "out")


def test_a_folder_without_advisories_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()

    with pytest.raises(BadAdvisories, match="holds no"):
        build(plan(tmp_path / "in"), tmp_path / "out")


def test_only_ecosystems_that_were_asked_for_go_in(tmp_path: Path) -> None:
    native = advisory("OSV-2026-1", "openssl")
    native["affected"][0]["package"]["ecosystem"] = "OSS-Fuzz"
    source = folder_of(tmp_path / "in", advisory(), native)

    python = build(plan(source), tmp_path / "python")
    both = build(plan(source, ecosystems=frozenset({"PyPI", "OSS-Fuzz"})), tmp_path / "both")

    assert (python.counts.elsewhere, both.ecosystems) == (1, ["OSS-Fuzz", "PyPI"])


def test_the_seed_becomes_a_snapshot_without_its_withdrawn_records(tmp_path: Path) -> None:
    meta = build(plan(SEED_DATA, sources=[SEED_SOURCE], created=NOW), tmp_path / "out")

    assert (meta.counts.records, meta.counts.withdrawn) == (2651, 10)
    assert meta.max_modified == "2024-10-10T17:22:00.587279Z"


def test_a_snapshot_can_be_built_from_an_older_one(tmp_path: Path) -> None:
    build(plan(folder_of(tmp_path / "in", advisory())), tmp_path / "first")

    build(plan(tmp_path / "first" / DATA), tmp_path / "second")

    assert (tmp_path / "first" / DATA).read_bytes() == (tmp_path / "second" / DATA).read_bytes()
