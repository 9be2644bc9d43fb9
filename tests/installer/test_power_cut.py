"""kill -9 at every boundary of install, upgrade and rollback: what is there is the old release or the new, whole."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from installer import receipts
from installer.installed import read_installed
from installer.journal import Journal
from installer.standing import findings
from tests.fakes.bundle import check
from tests.installer.fakes import House, dying_at, killed
from tests.installer.house import FINGERPRINT, small

SPENT = 1_234_567


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder that need not wait for a disk: a killed process loses nothing that it wrote."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


def boundaries(house: House, *words: str) -> list[str]:
    """Every boundary that a verb passes."""
    passed: list[str] = []
    house.run(*words, boundary=passed.append)
    return passed


def restore(template: Path, house: House) -> None:
    shutil.rmtree(house.layout.prefix, ignore_errors=True)
    if template.exists():
        shutil.copytree(template, house.layout.prefix, symlinks=True)


def release_of(house: House) -> str:
    serving = house.layout.serving()
    return serving.id if serving else ""


def problems(house: House, allowed: Sequence[str]) -> list[str]:
    """What is not as it must be after a recovery; an empty list when all is well."""
    layout, found = house.layout, []
    now = release_of(house)
    if now not in allowed:
        found.append(f"`{now}` serves")
    if Journal(layout.journal).unfinished() is not None:
        found.append("the journal is open")
    if house.service.serves() != now:
        found.append(f"runs `{house.service.serves()}`, current is `{now}`")
    if read_installed(layout).release != now:
        found.append(f"installed.json says `{read_installed(layout).release}`")
    if now:
        found += findings(layout, layout.release(now), check)
        if house.spent() != SPENT:
            found.append(f"spend is {house.spent()}")
    elif any(one.exists() for one in (layout.data, layout.config, layout.site, layout.trust)) or any(layout.kept()):
        found.append("something is left of a site that never was")
    found += receipts.broken(layout)
    if receipts.last(layout) != read_installed(layout).receipt:
        found.append("there is a receipt of something that was not done")
    if layout.staging.exists() and any(layout.staging.iterdir()):
        found.append("staging is not empty")
    return found


def trial(house: House, template: Path, words: Sequence[str], boundary: str) -> list[str]:
    restore(template, house)
    if not killed(lambda: house.run(*words, boundary=dying_at(boundary))):
        return ["it was not killed there"]
    house.resume()
    return []


@pytest.mark.parametrize("verb", ["install", "upgrade", "rollback"])
def test_a_power_cut_anywhere_leaves_the_old_release_or_the_new(memory: Path, verb: str) -> None:
    house = House.at(memory / "site")
    template = memory / "template"
    first = small("0.1.0", 7).write(memory / "first")
    second = small("0.2.0", 8).write(memory / "second")
    installing = ("install", str(first), "--fingerprint", FINGERPRINT, "--trial")
    words: tuple[str, ...] = installing
    old, lasting = "", SPENT
    if verb != "install":
        house.run(*installing)
        house.spend(SPENT)
        old = release_of(house)
        words = ("upgrade", str(second))
    if verb == "rollback":
        house.run(*words)
        old, words = release_of(house), ("rollback",)
    if house.layout.prefix.exists():
        shutil.copytree(house.layout.prefix, template, symlinks=True)
    passed = boundaries(house, *words)
    new = release_of(house)
    committed = passed.index("after commit")

    wrong: dict[str, list[str]] = {}
    for at, boundary in enumerate(passed):
        found = trial(house, template, words, boundary)
        if verb == "install" and release_of(house):
            house.spend(lasting)
        wrong[boundary] = found + problems(house, [new] if at >= committed else [old])

    assert len(passed) > 25
    assert {boundary: found for boundary, found in wrong.items() if found} == {}


def test_a_second_power_cut_while_the_first_is_being_taken_back_changes_nothing(memory: Path) -> None:
    house = House.at(memory / "site")
    template = memory / "template"
    house.run("install", str(small().write(memory / "first")), "--fingerprint", FINGERPRINT, "--trial")
    house.spend(SPENT)
    old = release_of(house)
    words = ("upgrade", str(small("0.2.0", 8).write(memory / "second")))
    assert killed(lambda: house.run(*words, boundary=dying_at("before commit")))
    shutil.copytree(house.layout.prefix, template, symlinks=True)
    passed: list[str] = []
    house.resume(passed.append)

    wrong: dict[str, list[str]] = {}
    for boundary in passed:
        restore(template, house)
        assert killed(partial(house.resume, dying_at(boundary)))
        house.resume()
        wrong[boundary] = problems(house, [old])

    assert len(passed) > 10
    assert {boundary: found for boundary, found in wrong.items() if found} == {}
