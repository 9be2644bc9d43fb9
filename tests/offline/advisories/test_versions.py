"""Which versions a record is about: the OSV evaluation, by a table."""

from offline.advisories.record import Affected, Event, Package, Range, Record
from offline.advisories.versions import affects, fixes

HERE = Package("PyPI", "leaky")


def record(*events: Event, versions: list[str] | None = None) -> Record:
    ranges = [Range("ECOSYSTEM", list(events))] if events else []
    return Record("PYSEC-2026-1", "2026-01-01T00:00:00Z", [Affected(HERE, ranges, versions or [])])


def held(told: Record, *versions: str) -> list[str]:
    return [one for one in versions if affects(told, "PyPI", "leaky", one)]


def test_a_range_opens_and_closes_by_its_events_in_any_order() -> None:
    told = record(Event(fixed="2.3"), Event(introduced="0"), Event(introduced="2.0"), Event(fixed="1.5"))

    assert held(told, "0.9", "1.4.9", "1.5", "1.9", "2.0rc1", "2.0", "2.2.9", "2.3") == ["0.9", "1.4.9", "2.0", "2.2.9"]


def test_the_last_affected_version_is_affected_and_the_next_is_not() -> None:
    told = record(Event(introduced="1.0"), Event(last_affected="1.5"))

    assert held(told, "0.9", "1.0", "1.5", "1.5.1") == ["1.0", "1.5"]


def test_a_listed_version_is_affected_in_every_spelling() -> None:
    assert held(record(versions=["1.0"]), "1.0", "1.0.0", "1.0.1") == ["1.0", "1.0.0"]


def test_a_record_that_names_no_version_is_about_all_of_them() -> None:
    assert held(record(), "7") == ["7"]


def test_a_version_that_pep_440_does_not_know_comes_before_all_others() -> None:
    told = record(Event(introduced="0"), Event(fixed="0.2.0-n653"), Event(introduced="1.0"))

    assert held(told, "0.1", "1.1") == ["1.1"]


def test_a_record_of_another_package_or_ecosystem_says_nothing() -> None:
    told = record(Event(introduced="0"))

    assert not affects(told, "PyPI", "other", "1")
    assert not affects(told, "crates.io", "leaky", "1")


def test_commits_place_no_version() -> None:
    told = Record("PYSEC-2026-1", "x", [Affected(HERE, [Range("GIT", [Event(introduced="0")])], ["1.0"])])

    assert held(told, "1.0", "2.0") == ["1.0"]


def test_repairs_are_told_in_order_and_only_above_the_version() -> None:
    told = record(Event(introduced="0"), Event(fixed="3.1"), Event(fixed="2.10"), Event(fixed="1.0"))

    assert [str(one) for one in fixes(told, "PyPI", "leaky", "2.0")] == ["2.10", "3.1"]


def test_what_an_advisory_says_cannot_steer_a_terminal() -> None:
    told = Record("PYSEC-2026-1", "x", summary="bad\x1b[2Jnews\n\rhere")

    assert told.said() == "bad?[2Jnews here"
