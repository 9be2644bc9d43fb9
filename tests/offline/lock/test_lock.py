"""Locks made anew: from pip's own report, past a gate."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from offline import relock as relocking
from offline.cache import WheelCache
from offline.lock import LockError, Resolved, read_report, resolve
from offline.relock import Wanted, relock, save, stopped
from offline.rules.lock import Pin, read_lock
from sbom.leftout import LeftOut
from sbom.model import Target
from tests.fakes.bundle import wheel
from tests.fakes.source import Checkout, pins

HERE = Target("serve", "3.11", "x86_64")


def report(*items: tuple[str, str, str | None]) -> bytes:
    """As pip writes it: (name, url, sha256)."""
    return json.dumps(
        {
            "version": "1",
            "install": [
                {
                    "metadata": {"name": name, "version": "1.0"},
                    "download_info": {"url": url, "archive_info": {"hashes": {"sha256": sha256} if sha256 else {}}},
                }
                for name, url, sha256 in items
            ],
        }
    ).encode()


def test_pins_are_read_from_pips_report_without_ourselves() -> None:
    content = report(("Redoubt_Gateway", "file:///here", None), ("Alpha.One", "https://index.example/a.whl", "a" * 64))

    assert read_report(content, HERE) == Resolved(pins=(Pin("alpha-one", "1.0", "a" * 64),), unknown_age=())


def test_a_wheel_out_of_a_folder_is_said_to_be_of_unknown_age() -> None:
    content = report(("alpha", "file:///wheels/alpha.whl", "a" * 64), ("beta", "https://index.example/b", "b" * 64))

    assert read_report(content, HERE).unknown_age == ("alpha",)


def test_an_index_without_hashes_makes_no_lock() -> None:
    with pytest.raises(LockError, match="names no sha256 for `alpha`"):
        read_report(report(("alpha", "https://index.example/a", None)), HERE)


def asking(**needs: list[str]) -> bytes:
    """A report of packages that need others; `own` is ourselves, asked for with the extra `more`."""
    named = {"redoubt-gateway" if name == "own" else name: asked for name, asked in needs.items()}
    return json.dumps(
        {
            "install": [
                {
                    "metadata": {"name": name, "version": "1.0", "requires_dist": asked},
                    "download_info": {
                        "url": "https://index.example/x",
                        "archive_info": {"hashes": {"sha256": "a" * 64}},
                    },
                    **({"requested_extras": ["more"]} if name == "redoubt-gateway" else {}),
                }
                for name, asked in named.items()
            ]
        }
    ).encode()


def leaving(*names: str, environment: str = "serve") -> list[LeftOut]:
    return [LeftOut(name=one, environments=(environment,), asked_by=("own",), reason="never used") for one in names]


CHAIN = asking(
    own=["alpha", "beta; extra == 'more'", "gone"],
    alpha=[],
    beta=["shared"],
    gone=["below", "shared"],
    below=[],
    shared=[],
)


def test_what_an_environment_does_without_goes_with_all_that_only_it_asked_for() -> None:
    found = read_report(CHAIN, HERE, leaving("gone"))

    assert [pin.name for pin in found.pins] == ["alpha", "beta", "shared"]
    assert found.left_out == (("below", "only what is left out asks for it"), ("gone", "never used"))


def test_what_one_environment_does_without_stays_in_another() -> None:
    found = read_report(CHAIN, HERE, leaving("gone", environment="tools"))

    assert len(found.pins) == 5
    assert found.left_out == ()


def test_an_entry_that_would_leave_nothing_out_is_stale() -> None:
    with pytest.raises(LockError, match="leaves `old` out of serve-cp311-x86_64, where it would not be"):
        read_report(CHAIN, HERE, leaving("old"))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def index(checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """An index that offers alpha 1.1, with a `.pth`, in place of 1.0; what it was asked."""
    new = wheel(tmp_path / "new", "alpha", "1.1", {"alpha.pth": b"import alpha\n", "alpha/__init__.py": b"VALUE = 2\n"})
    WheelCache(checkout.wheels).put(new)
    asked: list[dict[str, object]] = []

    def answer(source: Path, kind: str, where: tuple[str, str], **more: object) -> Resolved:
        asked.append({"kind": kind, "where": where, **more})
        lock = source / f"offline/locks/{kind}-cp311-x86_64.txt"
        kept = [pin for pin in read_lock(lock.read_text()) if pin.name != "alpha"]
        return Resolved(pins=tuple(sorted([*kept, *pins([new])])), unknown_age=("alpha",))

    monkeypatch.setattr(relocking, "resolve", answer)
    return asked


def wanted(checkout: Checkout, fail_on: str = "", *, known: bool = False) -> Wanted:
    return Wanted(
        source=checkout.folder,
        kinds=("tools", "serve"),
        pythons=("3.11",),
        architectures=("x86_64",),
        wheels=checkout.wheels,
        before=datetime(2026, 11, 8, tzinfo=UTC),
        fail_on=frozenset(fail_on.split(",")),
        allow_unknown_age=known,
    )


def test_tools_takes_the_versions_that_serve_came_to(checkout: Checkout, index: list[dict[str, object]]) -> None:
    made = relock(wanted(checkout))

    assert [one["kind"] for one in index] == ["serve", "tools"]
    assert index[0]["constraints"] == ()
    assert index[1]["constraints"] == tuple(read_lock(made[0].text))
    assert {one["before"] for one in index} == {datetime(2026, 11, 8, tzinfo=UTC)}


def test_a_finding_on_the_gates_list_stops_it(checkout: Checkout, index: list[dict[str, object]]) -> None:
    asked = wanted(checkout, "pth", known=True)

    made = relock(asked)

    assert [(one.package, one.kind) for one in made[0].findings] == [("alpha", "upgraded"), ("alpha", "pth")]
    assert "alpha: pth: alpha.pth runs at every start" in stopped(asked, made)[0]
    assert stopped(wanted(checkout, "native", known=True), made) == []


def test_wheels_of_unknown_age_stop_it_until_somebody_answers_for_them(
    checkout: Checkout, index: list[dict[str, object]]
) -> None:
    made = relock(wanted(checkout))

    assert "nobody tells how old 1 wheels are (alpha" in stopped(wanted(checkout), made)[0]
    assert stopped(wanted(checkout, known=True), made) == []


def test_what_was_saved_is_read_as_it_was_meant(checkout: Checkout, index: list[dict[str, object]]) -> None:
    made = relock(wanted(checkout))

    save(checkout.folder, made)

    pinned = read_lock((checkout.folder / "offline/locks/tools-cp311-x86_64.txt").read_text())
    assert [(pin.name, pin.version) for pin in pinned] == [("alpha", "1.1"), ("beta", "2.0"), ("gamma", "3.1")]
    assert relock(wanted(checkout))[0].findings == ()


@pytest.mark.index
def test_pip_comes_to_one_wheel_of_setuptools(tmp_path: Path) -> None:
    found = resolve(tmp_path, "build", ("3.11", "x86_64"))

    assert [pin.name for pin in found.pins] == ["setuptools"]
