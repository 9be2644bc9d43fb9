"""What an audit comes to. Green is rare: everything looked up, in signed data that is young enough."""

from datetime import timedelta
from pathlib import Path

import pytest

from offline.audit.pins import Native, of_environment
from offline.audit.report import page
from offline.audit.run import Policy
from offline.audit.verdict import PRECEDENCE, Verdict, worst
from offline.audit.vex import Cover
from tests.offline.audit.subjects import KNOWN_BAD, audited, data, installed, lock, seed, standing
from tests.offline.channel import NOW, advisory


class Told:
    """VEX entries by advisory id."""

    def __init__(self, *ids: str, days: int = 30) -> None:
        self._ids = ids
        self._cover = Cover(until=NOW + timedelta(days=days), justification="code_not_reachable", author="ann")

    def cover(self, advisory: str, package: str, version: str) -> Cover | None:
        return self._cover if advisory in self._ids else None


def test_a_lock_of_which_nothing_bad_is_known_is_clean(tmp_path: Path) -> None:
    report = audited([lock(tmp_path / "lock.txt", "leaky==2.0", "sound==1.0")], data(tmp_path))

    assert (report.code, report.reasons) == (Verdict.CLEAN, [])
    assert (report.counts.locked, report.counts.audited, report.counts.skipped) == (2, 2, 0)


def test_a_report_always_says_how_good_its_data_was(tmp_path: Path) -> None:
    report = audited([lock(tmp_path / "lock.txt", "sound==1.0")], data(tmp_path))

    assert report.data is not None
    assert (report.data.source, report.data.commit, report.data.age_days) == ("example/advisories", "abc123", 2)
    assert report.data.signed_by == ["cara"]
    text = page(report)
    for part in ("example/advisories at abc123", "2026-11-20T10:00:00Z", "2 days old", report.subjects[0].sha256):
        assert part in text
    assert "1 there, 1 audited, 0 skipped" in text


def test_a_known_vulnerability_is_a_finding_with_where_it_is_repaired(tmp_path: Path) -> None:
    report = audited([lock(tmp_path / "lock.txt", "leaky==1.0")], data(tmp_path))

    (finding,) = report.findings
    assert report.code is Verdict.FINDINGS
    assert (finding.package, finding.version, finding.id, finding.fixed_in) == ("leaky", "1.0", "PYSEC-2026-1", ["2.0"])


def test_one_fault_in_two_locks_is_one_finding_in_two_places(tmp_path: Path) -> None:
    locks = [lock(tmp_path / name, "leaky==1.0") for name in ("a.txt", "b.txt")]

    report = audited(locks, data(tmp_path))

    assert [finding.where for finding in report.findings] == [[str(one) for one in locks]]


def test_a_finding_that_vex_answers_for_is_told_and_has_its_own_code(tmp_path: Path) -> None:
    report = audited([lock(tmp_path / "lock.txt", "leaky==1.0")], data(tmp_path), vex=Told("PYSEC-2026-1"))

    assert report.code is Verdict.COVERED
    assert (report.findings[0].justification, report.findings[0].author) == ("code_not_reachable", "ann")


def test_a_vex_entry_under_an_alias_answers_too(tmp_path: Path) -> None:
    given = data(tmp_path, advisory(aliases=["CVE-2026-1"]))

    assert audited([lock(tmp_path / "l", "leaky==1.0")], given, vex=Told("CVE-2026-1")).code is Verdict.COVERED


def test_a_vex_entry_that_has_expired_answers_for_nothing(tmp_path: Path) -> None:
    report = audited([lock(tmp_path / "l", "leaky==1.0")], data(tmp_path), vex=Told("PYSEC-2026-1", days=0))

    assert report.code is Verdict.FINDINGS
    assert report.findings[0].covered_until is None


def test_a_vex_entry_answers_for_its_own_finding_only(tmp_path: Path) -> None:
    given = data(tmp_path, advisory(), advisory("PYSEC-2026-2"))

    report = audited([lock(tmp_path / "l", "leaky==1.0")], given, vex=Told("PYSEC-2026-1"))

    assert (report.code, report.counts.findings, report.counts.covered) == (Verdict.FINDINGS, 2, 1)


@pytest.mark.parametrize(
    ("days", "state", "code"),
    [(29, "fresh", 0), (30, "warn", 0), (89, "warn", 0), (90, "stale", 20), (4000, "stale", 20)],
)
def test_old_data_warns_and_then_fails(tmp_path: Path, days: int, state: str, code: int) -> None:
    modified = (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    report = audited([lock(tmp_path / "l", "sound==1.0")], data(tmp_path, advisory(modified=modified)))

    assert report.data is not None
    assert (report.data.state, report.exit_code, bool(report.warnings)) == (state, code, state == "warn")


def test_how_old_is_too_old_can_be_set(tmp_path: Path) -> None:
    report = audited(
        [lock(tmp_path / "l", "sound==1.0")], data(tmp_path), policy=Policy(warn_days=1, fail_days=2), now=NOW
    )

    assert report.code is Verdict.STALE


def test_a_policy_that_fails_before_it_warns_is_refused() -> None:
    with pytest.raises(ValueError, match="comes after"):
        Policy(warn_days=90, fail_days=30)


def test_the_seed_of_2024_shows_as_stale(tmp_path: Path) -> None:
    report = audited([lock(tmp_path / "l", "sound==1.0")], standing(seed(tmp_path / "seed")))

    assert report.code is Verdict.STALE
    assert report.data is not None
    assert report.data.age_days == 773


def test_every_known_bad_package_is_found_in_the_seed(tmp_path: Path) -> None:
    bad = lock(tmp_path / "l", *KNOWN_BAD)

    report = audited([bad], standing(seed(tmp_path / "seed")))

    found = {finding.package for finding in report.findings}
    assert report.code is Verdict.FINDINGS
    assert any("773 days old" in one for one in report.reasons)
    assert {"django", "jinja2", "pillow", "pyyaml", "urllib3", "certifi", "cryptography"} <= found


def test_an_environment_is_audited_by_what_is_recorded_in_it(tmp_path: Path) -> None:
    place = tmp_path / "env" / "lib" / "python3.11" / "site-packages"
    installed(place, "leaky", "1.0")
    installed(place, "sound", "1.0")

    report = audited([of_environment(tmp_path / "env")], data(tmp_path))

    assert (report.code, report.counts.locked, report.counts.audited) == (Verdict.FINDINGS, 2, 2)


def test_a_native_library_is_matched_in_the_database_that_knows_it(tmp_path: Path) -> None:
    told = advisory("OSV-2026-1", "openssl", fixed="4.0.4")
    told["affected"][0]["package"]["ecosystem"] = "OSS-Fuzz"
    given = data(tmp_path, advisory(), told, ecosystems=frozenset({"PyPI", "OSS-Fuzz"}))
    pins = [lock(tmp_path / "l", "sound==1.0")]

    old = audited(pins, given, natives=[Native("openssl", "4.0.3", "OSS-Fuzz")])
    new = audited(pins, given, natives=[Native("openssl", "4.0.4", "OSS-Fuzz")])

    assert [(one.package, one.id) for one in old.findings] == [("OSS-Fuzz:openssl", "OSV-2026-1")]
    assert (old.code, new.code) == (Verdict.FINDINGS, Verdict.CLEAN)


def test_a_native_library_that_no_database_knows_is_listed_and_not_counted(tmp_path: Path) -> None:
    report = audited([lock(tmp_path / "l", "sound==1.0")], data(tmp_path), natives=[Native("libquad", "1")])

    assert (report.code, report.counts.locked) == (Verdict.CLEAN, 1)
    assert report.subjects[-1].unwatched == ["libquad 1"]
    assert "watched by no database: libquad 1" in page(report)


def test_the_most_telling_verdict_wins() -> None:
    assert worst(set()) is Verdict.CLEAN
    assert worst({Verdict.STALE, Verdict.FINDINGS, Verdict.COVERED}) is Verdict.FINDINGS
    assert worst({Verdict.STALE, Verdict.INCOMPLETE}) is Verdict.INCOMPLETE
    assert worst({Verdict.STALE, Verdict.COVERED}) is Verdict.STALE
    assert sorted(PRECEDENCE) == sorted(Verdict)
