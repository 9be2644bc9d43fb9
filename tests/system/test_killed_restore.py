"""kill -9 in the middle of a restore: the old databases, the backup's, or nobody gets in until it is run again."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from appliance.domain.errors import ConfigError
from appliance.store import open_for_serving, visit
from appliance.store.backup import create
from appliance.store.migrate import migrate
from appliance.store.restore import restore
from appliance.store.standing import most, standing
from tests.appliance.store.sites import a_row
from tests.fakes.clock import FakeClock
from tests.system.releases import this_release

CHILD = Path(__file__).with_name("child_restoring.py")
SAVED, LATER = 5, 3  # rows in the backup, and written after it


async def write(folder: Path, numbers: range) -> None:
    async with await open_for_serving(folder, FakeClock()) as opened:
        for number in numbers:
            opened.ledger.record(a_row(number))


async def rows(folder: Path) -> int:
    async with await visit(folder) as visited:
        return len(await visited.spend.rows(99))


def everywhere(folder: Path) -> int:
    """The most rows that any ledger in the folder holds, moved aside or not."""
    found = []
    for file in folder.rglob("ledger.db"):
        with closing(sqlite3.connect(file)) as ledger:
            found += ledger.execute("SELECT count(*) FROM rows").fetchone()
    return int(max(found))


@pytest.mark.parametrize("clean", [True, False], ids=["stopped cleanly", "with a write-ahead log"])
def test_a_restore_killed_at_every_boundary_loses_nothing_and_is_run_again(tmp_path: Path, *, clean: bool) -> None:
    template, backup, work = tmp_path / "data", tmp_path / "backup", tmp_path / "work"
    work.mkdir()
    migrate(template)
    asyncio.run(write(template, range(SAVED)))
    create(template, backup, FakeClock(), version="0.1.0")
    asyncio.run(write(template, range(SAVED, SAVED + LATER)))
    if not clean:
        (template / "store.db-wal").write_bytes(b"")
        (template / "ledger.db-wal").write_bytes(b"")

    told = subprocess.run(
        [sys.executable, str(CHILD), str(template), str(backup), str(work)],
        env=this_release().environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    killed = int(told.stdout or -1)
    assert killed > 20, told.stderr[-2000:]

    seen = set()
    for number in range(killed):
        folder = work / f"{number:03}"
        action = most(standing(folder))
        seen.add(action)
        assert everywhere(folder) == SAVED + LATER
        if action == "none":
            assert asyncio.run(rows(folder)) in {SAVED, SAVED + LATER}
        else:
            for refused in (migrate, lambda folder: asyncio.run(rows(folder))):
                with pytest.raises(ConfigError, match="was cut short; run `redoubt backup restore` again"):
                    refused(folder)
        restore(backup, folder, FakeClock())
        assert asyncio.run(rows(folder)) == SAVED
        assert everywhere(folder) == SAVED + LATER
        assert not [file.name for file in folder.iterdir() if "restoring" in file.name]
    assert seen == {"none", "restore"}
