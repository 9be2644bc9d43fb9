"""Judgements on vulnerabilities: none without a reason, an author and an end."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from sbom import vex
from sbom.collect import Tables, collect
from sbom.model import Refused, Target
from tests.sbom.wheels import EPOCH, PRODUCT

TODAY = dt.date(2026, 11, 22)
SERIAL = "urn:uuid:00000000-0000-8000-8000-000000000000"
ENTRY = {
    "id": '"CVE-2026-0001"',
    "aliases": '["PYSEC-2026-1"]',
    "package": '"plain"',
    "versions": '">=1.0,<1.4"',
    "state": '"not_affected"',
    "justification": '"vulnerable_code_not_in_execute_path"',
    "detail": '"the parser is never called"',
    "author": '"A Reviewer <a@reviewer.example>"',
    "created": "2026-11-01",
    "expires": "2027-02-01",
}


def file(tmp_path: Path, **changed: str | None) -> Path:
    lines = [f"{key} = {value}" for key, value in {**ENTRY, **changed}.items() if value is not None]
    path = tmp_path / "vex.toml"
    path.write_text("\n".join(["[[entry]]", *lines, ""]))
    return path


def test_an_entry_covers_its_package_at_its_versions_under_any_of_its_ids(tmp_path: Path) -> None:
    told = vex.load(file(tmp_path), today=TODAY)

    assert told.covering(frozenset({"PYSEC-2026-1"}), "Plain", "1.3") is not None
    assert told.covering(frozenset({"CVE-2026-0001"}), "plain", "1.4") is None
    assert told.covering(frozenset({"CVE-2026-0002"}), "plain", "1.3") is None
    assert told.covering(frozenset({"CVE-2026-0001"}), "other", "1.3") is None
    assert told.covering(frozenset({"CVE-2026-0001"}), "plain", "not a version") is None


@pytest.mark.parametrize("missing", ["expires", "author", "detail", "versions", "package", "created", "state"])
def test_an_entry_that_lacks_a_field_is_refused(missing: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=missing):
        vex.load(file(tmp_path, **{missing: None}), today=TODAY)


def test_not_affected_without_a_justification_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="without a justification"):
        vex.load(file(tmp_path, justification=None), today=TODAY)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("justification", '"because"'),
        ("state", '"fine"'),
        ("author", '" "'),
        ("versions", '"some"'),
        ("expires", "2029-01-01"),
        ("expires", "2026-10-01"),
        ("colour", '"blue"'),
    ],
)
def test_an_entry_that_says_something_else_is_refused(field: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        vex.load(file(tmp_path, **{field: value}), today=TODAY)


def test_an_expired_entry_excuses_nothing(tmp_path: Path) -> None:
    told = vex.load(file(tmp_path), today=dt.date(2027, 2, 2))

    assert told.covering(frozenset({"CVE-2026-0001"}), "plain", "1.0") is None
    assert [one.id for one in told.expired] == ["CVE-2026-0001"]


def test_the_last_day_still_counts(tmp_path: Path) -> None:
    assert vex.load(file(tmp_path), today=dt.date(2027, 2, 1)).expired == ()


@pytest.mark.parametrize("state", ["affected", "under_investigation"])
def test_what_is_affected_or_unknown_is_not_excused(state: str, tmp_path: Path) -> None:
    told = vex.load(file(tmp_path, state=f'"{state}"', justification=None), today=TODAY)

    assert told.entries
    assert told.covering(frozenset({"CVE-2026-0001"}), "plain", "1.0") is None


def test_the_document_points_into_the_sbom(tmp_path: Path, wheels: Mapping[Target, list[Path]], tables: Tables) -> None:
    inventory = collect(wheels, PRODUCT, tables)

    made = json.loads(vex.document(vex.load(file(tmp_path), today=TODAY), inventory, SERIAL, EPOCH))

    (one,) = made["vulnerabilities"]
    assert one["analysis"]["state"] == "not_affected"
    assert one["analysis"]["justification"] == "code_not_reachable"
    assert one["affects"][0]["ref"].startswith(
        "urn:cdx:00000000-0000-8000-8000-000000000000/1#pkg%3Apypi%2Fplain%401.0"
    )


def test_no_document_is_made_while_an_entry_is_expired(
    tmp_path: Path, wheels: Mapping[Target, list[Path]], tables: Tables
) -> None:
    told = vex.load(file(tmp_path), today=dt.date(2027, 2, 2))

    with pytest.raises(Refused, match="do not hold on the day of this build"):
        vex.document(told, collect(wheels, PRODUCT, tables), SERIAL, EPOCH)


def test_an_entry_about_nothing_that_is_shipped_is_refused(
    tmp_path: Path, wheels: Mapping[Target, list[Path]], tables: Tables
) -> None:
    told = vex.load(file(tmp_path, package='"other"'), today=TODAY)

    with pytest.raises(Refused, match="which is not shipped"):
        vex.document(told, collect(wheels, PRODUCT, tables), SERIAL, EPOCH)


def test_the_entries_that_ship_can_be_read() -> None:
    assert vex.load(today=TODAY).expired == ()
