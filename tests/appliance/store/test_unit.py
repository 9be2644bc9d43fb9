"""What the SQL store does beyond the port's promise: failing in the gateway's own words, and leaving the loop free."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from appliance.domain.errors import GatewayError, StoreUnavailable
from appliance.store import unit as units
from appliance.store import visit
from tests.appliance.store.sites import a_key


def remove_store(folder: Path) -> None:
    for file in folder.glob("store.db*"):
        file.unlink()


async def test_a_database_that_went_away_is_store_unavailable(data_dir: Path) -> None:
    async with await visit(data_dir) as visited:
        with closing(sqlite3.connect(data_dir / "store.db")) as connection:
            connection.executescript("DROP TABLE keys; DROP TABLE change;")

        with pytest.raises(StoreUnavailable, match="the store cannot be used now"):
            await visited.store.snapshot()
        with pytest.raises(StoreUnavailable):
            await visited.store.change_number()
        with pytest.raises(StoreUnavailable):
            async with visited.store.unit() as unit:
                await unit.save_key(a_key())


async def test_a_missing_database_is_never_made_anew(data_dir: Path) -> None:
    async with await visit(data_dir) as visited:
        remove_store(data_dir)
        first = await asyncio.gather(*(visited.store.change_number() for _ in range(8)), return_exceptions=True)

        # Connections opened before still read the unlinked file; those that had to open it say so.
        assert all(isinstance(answer, int | StoreUnavailable) for answer in first)
        assert not (data_dir / "store.db").exists()


async def test_an_entry_that_makes_no_sense_is_store_unavailable(data_dir: Path) -> None:
    async with await visit(data_dir) as visited:
        async with visited.store.unit() as unit:
            await unit.save_key(a_key())
        with closing(sqlite3.connect(data_dir / "store.db")) as connection:
            connection.execute('UPDATE keys SET limits = \'{"rpm":"many"}\'')
            connection.commit()

        with pytest.raises(StoreUnavailable, match="cannot read"):
            await visited.store.snapshot()


async def test_a_word_that_no_release_wrote_is_store_unavailable(data_dir: Path) -> None:
    async with await visit(data_dir) as visited:
        async with visited.store.unit() as unit:
            await unit.save_key(a_key())
        with closing(sqlite3.connect(data_dir / "store.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute("UPDATE keys SET role = 'king'")

        with pytest.raises(StoreUnavailable, match="cannot read"):
            await visited.store.snapshot()


async def test_a_store_that_another_process_holds_is_store_unavailable_after_a_while(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.store.engine.BUSY", 0.05)
    with closing(sqlite3.connect(data_dir / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with await visit(data_dir) as visited:
            with pytest.raises(StoreUnavailable, match="another process"):
                async with visited.store.unit():
                    pass
            other.execute("ROLLBACK")

            async with visited.store.unit():
                pass


async def test_a_unit_within_a_unit_is_refused_and_not_waited_for_for_ever(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "BUSY", 0.05)
    async with await visit(data_dir) as visited:
        async with visited.store.unit():
            with pytest.raises(StoreUnavailable, match="busy"):
                async with visited.store.unit():
                    pass

        assert await visited.store.change_number() == 1


async def test_a_cancelled_unit_changes_nothing_and_frees_the_store(data_dir: Path) -> None:
    inside = asyncio.Event()

    async with await visit(data_dir) as visited:

        async def hang() -> None:
            async with visited.store.unit() as unit:
                await unit.save_key(a_key())
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(hang())
        await inside.wait()
        task.cancel()
        await asyncio.wait([task])

        async with visited.store.unit() as unit:
            assert await unit.keys() == []


async def test_thousands_of_keys_are_read_without_holding_up_the_event_loop(data_dir: Path) -> None:
    turns = 0
    done = asyncio.Event()

    async def count() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            await asyncio.sleep(0)

    async with await visit(data_dir) as visited:
        async with visited.store.unit() as unit:
            for number in range(2_000):
                await unit.save_key(a_key(number))
        counting = asyncio.create_task(count())

        snapshot = await visited.store.snapshot()

        done.set()
        await counting
        assert len(snapshot.keys) == 2_000
        assert turns >= 4  # one for every 500 keys


async def test_no_digest_or_name_stands_in_an_error(data_dir: Path) -> None:
    async with await visit(data_dir) as visited:
        with closing(sqlite3.connect(data_dir / "store.db")) as connection:
            connection.execute("ALTER TABLE keys RENAME COLUMN hint TO other")
        with pytest.raises(GatewayError) as raised:
            async with visited.store.unit() as unit:
                await unit.save_key(a_key(name="canary-name", digest=b"canary-digest"))

    chain: BaseException | None = raised.value
    while chain is not None:
        assert "canary" not in str(chain)
        chain = chain.__cause__


async def test_a_full_disk_refuses_the_change_in_clear_words_and_keeps_what_was(data_dir: Path) -> None:
    async with await visit(data_dir) as visited:
        async with visited.store.unit() as unit:
            await unit.save_key(a_key())

        async def fill() -> None:
            async with visited.store.unit() as unit:
                assert isinstance(unit, units.SqlUnit)
                await unit._connection.exec_driver_sql("PRAGMA max_page_count = 1")  # no page more than there are now
                for number in range(2, 500):
                    await unit.save_key(a_key(number, metadata={"filler": "x" * 1_000}))

        with pytest.raises(StoreUnavailable, match="the disk is full; make room"):
            await fill()

        assert (await visited.store.snapshot()).keys == (a_key(),)
