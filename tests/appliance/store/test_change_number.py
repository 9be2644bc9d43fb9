import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.domain.errors import StoreUnavailable
from appliance.store.change_number import ChangeNumber
from appliance.store.folder import DataFolder
from appliance.store.opening import visit


def meanwhile(data_dir: Path, statement: str) -> None:
    with closing(sqlite3.connect(DataFolder(data_dir).store, isolation_level=None)) as other:
        other.execute(statement)


@pytest.fixture
async def number(data_dir: Path) -> AsyncIterator[ChangeNumber]:
    read = ChangeNumber(DataFolder(data_dir).store)
    yield read
    await read.close()


async def test_it_follows_what_units_write(data_dir: Path, number: ChangeNumber) -> None:
    async with await visit(data_dir) as visited:
        for wanted in range(3):
            assert await number.read() == wanted
            async with visited.store.unit():
                pass


async def test_a_store_that_is_missing_is_read_once_it_is_back(data_dir: Path, number: ChangeNumber) -> None:
    file = DataFolder(data_dir).store
    away = file.with_suffix(".away")
    file.rename(away)
    with pytest.raises(StoreUnavailable):
        await number.read()

    away.rename(file)

    assert await number.read() == 0


async def test_a_store_that_breaks_under_it_is_said_so_and_read_again(data_dir: Path, number: ChangeNumber) -> None:
    assert await number.read() == 0
    meanwhile(data_dir, 'ALTER TABLE "change" RENAME TO gone')
    with pytest.raises(StoreUnavailable, match="no such table"):
        await number.read()

    meanwhile(data_dir, 'ALTER TABLE gone RENAME TO "change"')

    assert await number.read() == 0


async def test_a_store_without_a_number_is_not_taken_for_a_new_one(data_dir: Path, number: ChangeNumber) -> None:
    meanwhile(data_dir, 'DELETE FROM "change"')

    with pytest.raises(StoreUnavailable, match="no change number"):
        await number.read()


async def test_closing_before_the_first_read_is_harmless(data_dir: Path) -> None:
    await ChangeNumber(DataFolder(data_dir).store).close()
