"""kill -9 in the middle of a migration: the old schema or the new one, whole, and not a row lost."""

import asyncio
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from appliance.store import open_for_serving, visit
from appliance.store.migrate import migrate
from appliance.store.standing import most, standing
from tests.appliance.store.later import being
from tests.appliance.store.sites import a_key, a_row
from tests.fakes.clock import FakeClock
from tests.system.needs import missing, need
from tests.system.releases import Release, later_release

CHILD = Path(__file__).with_name("child_migrating.py")
ROWS = 20
SAMPLE = 3  # writes to a disk at which a short run kills; a long one kills at every
CALLS = "pwrite64,fdatasync,ftruncate"  # how SQLite writes


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return later_release(tmp_path_factory.mktemp("releases") / "later", "0.2.0")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of this release with rows in it."""
    folder = tmp_path_factory.mktemp("template") / "data"
    migrate(folder)
    asyncio.run(write(folder, range(ROWS)))
    return folder


async def write(folder: Path, numbers: range) -> None:
    async with await open_for_serving(folder, FakeClock()) as opened:
        async with opened.store.unit() as unit:
            await unit.save_key(a_key())
        for number in numbers:
            opened.ledger.record(a_row(number))


async def rows(folder: Path) -> tuple[int, int]:
    """As rows and as their sum."""
    async with await visit(folder) as visited:
        assert (await visited.store.snapshot()).keys == (a_key(),)
        [total] = await visited.spend.spend((), None, None)
        return len(await visited.spend.rows(999)), total.requests


def look(folder: Path) -> tuple[str | None, ...]:
    """What was left is whole, one schema or the other, and holds every row; the schemas."""
    found = standing(folder)
    assert {one.found for one in found} <= {"0002", "0003"}
    assert {one.compatible_from for one in found} == {"0001"}
    assert most(found) == "none"
    for one in found:
        with closing(sqlite3.connect(folder / f"{one.database}.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            widened = database.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('notices', 'exports')")
            assert widened.fetchone() == (int(one.found == "0003"),)
            if one.database == "ledger":
                query = "SELECT (SELECT count(*) FROM rows), (SELECT sum(requests) FROM days)"
                assert database.execute(query).fetchone() == (ROWS, ROWS)
    return tuple(one.found for one in found)


def use(folder: Path, later: Release) -> None:
    """This release goes on with what was left, and the later one brings it on."""
    assert asyncio.run(rows(folder)) == (ROWS, ROWS)
    asyncio.run(write(folder, range(ROWS, ROWS + 1)))
    with being(later):
        migrate(folder)
        assert asyncio.run(rows(folder)) == (ROWS + 1, ROWS + 1)


@pytest.mark.parametrize("way", ["stopped", "online"])
def test_a_migration_killed_at_every_boundary_leaves_the_old_or_the_new_schema(
    later: Release, template: Path, tmp_path: Path, way: str, request: pytest.FixtureRequest
) -> None:
    told = subprocess.run(
        [sys.executable, str(CHILD), str(template), str(tmp_path), way],
        env=later.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    killed = int(told.stdout or -1)
    assert killed > 40, told.stderr[-2000:]  # both databases, some twenty statements each

    left = [look(tmp_path / f"{number:03}") for number in range(killed)]
    turns = [number for number in range(1, killed) if left[number] != left[number - 1]]
    for number in range(killed) if request.config.getoption("--long") else [0, *turns, killed // 2]:
        use(tmp_path / f"{number:03}", later)

    assert left[0] == ("0002", "0002")
    assert left[-1] == ("0003", "0003")
    assert left == sorted(left)  # store first, then ledger; never back


def traced(folder: Path, later: Release, *options: str) -> subprocess.CompletedProcess[str]:
    strace = need("strace", "strace")
    code = "import sys, pathlib; from appliance.store.migrate import migrate; migrate(pathlib.Path(sys.argv[1]))"
    command = [strace, "-f", "-qq", *options, str(later.python), "-c", code, str(folder)]
    return subprocess.run(
        command, env=later.environment, cwd=later.tree, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.mark.timeout(900)  # a long run traces some eighty processes
def test_a_migration_killed_at_a_write_to_the_disk_leaves_the_old_or_the_new_schema(
    later: Release, template: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    log = tmp_path / "log"
    whole = Path(shutil.copytree(template, tmp_path / "whole"))
    ran = traced(whole, later, "-e", f"trace={CALLS}", "-o", str(log))
    if ran.returncode != 0:
        missing(f"strace may not trace here: {ran.stderr[-300:]}")
    made = Counter(re.findall(r"(?m)^\d+ +(\w+)\(", log.read_text()))
    every = [(call, number) for call in sorted(made) for number in range(1, made[call] + 1)]
    assert len(every) > 20

    for call, number in every if request.config.getoption("--long") else random.Random(3).sample(every, SAMPLE):
        folder = Path(shutil.copytree(template, tmp_path / f"{call}-{number}"))
        inject = f"inject={call}:signal=KILL:when={number}"
        ran = traced(folder, later, "-e", f"trace={call}", "-e", inject, "-o", "/dev/null")
        assert ran.returncode != 0, f"it was not killed at {call} {number}"
        look(folder)
        use(folder, later)
