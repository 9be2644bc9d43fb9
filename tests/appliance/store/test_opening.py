"""Who may open a data folder, and what its closing leaves behind."""

import asyncio
import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from appliance.domain.errors import Conflict, StoreUnavailable
from appliance.ports.ledger import LedgerWriter, SpendReader
from appliance.ports.repositories import EventSink, Store
from appliance.store import open_for_serving, visit
from appliance.store.folder import DataFolder
from appliance.store.lock import holder_of
from tests.appliance.store.sites import a_key, a_row, an_event
from tests.fakes.clock import FakeClock


async def test_two_gateways_never_serve_one_folder(data_dir: Path, clock: FakeClock) -> None:
    async with await open_for_serving(data_dir, clock):
        with pytest.raises(Conflict, match=r"another gateway serves .* \(process \d+\)"):
            await open_for_serving(data_dir, clock)

    async with await open_for_serving(data_dir, clock):
        pass  # once the first has gone


async def test_a_verb_writes_while_a_gateway_runs_and_the_gateway_sees_the_change(
    data_dir: Path, clock: FakeClock
) -> None:
    async with await open_for_serving(data_dir, clock) as gateway, await visit(data_dir) as verb:
        before = await gateway.store.change_number()

        async with verb.store.unit() as unit:
            await unit.save_key(a_key())

        assert await gateway.store.change_number() == before + 1
        assert (await gateway.store.snapshot()).keys == (a_key(),)


async def test_writers_of_two_processes_wait_for_each_other(data_dir: Path) -> None:
    async with await visit(data_dir) as one, await visit(data_dir) as other:

        async def save(number: int) -> None:
            async with (one if number % 2 else other).store.unit() as unit:
                await unit.save_key(a_key(number))

        await asyncio.gather(*(save(number) for number in range(30)))

        assert await one.store.change_number() == 30


async def test_closing_writes_rows_and_refusals_that_were_only_queued(data_dir: Path, clock: FakeClock) -> None:
    opened = await open_for_serving(data_dir, clock)
    opened.ledger.record(a_row())
    opened.events.note(an_event())

    await opened.close()

    async with await visit(data_dir) as visited:
        assert await visited.spend.rows(5) == [a_row()]
        assert await visited.store.events(5) == [an_event()]


async def test_closing_twice_does_nothing(data_dir: Path, clock: FakeClock) -> None:
    opened = await open_for_serving(data_dir, clock)

    await opened.close()
    await opened.close()


async def test_a_clean_stop_is_not_reported_and_another_end_is_reported_once(data_dir: Path, clock: FakeClock) -> None:
    async with await open_for_serving(data_dir, clock) as first:
        assert first.unclean is None
        first.ledger.record(a_row())
        await first.ledger.flush()
    with closing(sqlite3.connect(data_dir / "ledger.db")) as connection:
        connection.execute("UPDATE runs SET stopped_at = NULL")  # what a kill leaves
        connection.commit()

    async with await open_for_serving(data_dir, clock) as second:
        assert second.unclean == (
            "the last run ended without a clean stop at or after 2026-11-22T12:00:00.000+00:00, with 1 ledger rows "
            "written; at most the last 250 ms of rows may be missing, and more only if the disk was full or failing, "
            "or the machine lost its power"
        )
    async with await open_for_serving(data_dir, clock) as third:
        assert third.unclean is None


async def test_a_failed_opening_gives_the_lock_back(data_dir: Path, clock: FakeClock) -> None:
    (data_dir / "ledger.db").rename(data_dir / "elsewhere")
    (data_dir / "ledger.db").write_bytes(b"this is no database, but it is long enough to be read as one" * 100)
    with pytest.raises(StoreUnavailable, match="the ledger"):
        await open_for_serving(data_dir, clock)

    (data_dir / "elsewhere").replace(data_dir / "ledger.db")

    async with await open_for_serving(data_dir, clock):
        pass


async def test_what_is_opened_satisfies_the_ports(data_dir: Path, clock: FakeClock) -> None:
    async with await open_for_serving(data_dir, clock) as opened:
        ports: tuple[Store, LedgerWriter, SpendReader, EventSink] = (  # held by mypy
            opened.store,
            opened.ledger,
            opened.spend,
            opened.events,
        )

        assert ports[1].healthy


async def test_whoever_looks_learns_who_serves_a_folder_and_leaves_it_as_it_was(
    data_dir: Path, clock: FakeClock
) -> None:
    file = DataFolder(data_dir).gateway_lock
    assert holder_of(file) is None

    async with await open_for_serving(data_dir, clock):
        assert holder_of(file) == (os.getpid(),)

    assert holder_of(file) is None  # the number in the file is stale
    assert file.read_text() == f"{os.getpid()}\n"


async def test_a_gateway_that_starts_while_somebody_looks_starts(
    data_dir: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await open_for_serving(data_dir, clock):
        pass
    looking = DataFolder(data_dir).gateway_lock.open("rb")
    fcntl.flock(looking, fcntl.LOCK_SH)  # as `holder_of`, gone when the gateway tries again
    monkeypatch.setattr("appliance.store.lock.sleep", lambda _: looking.close())

    async with await open_for_serving(data_dir, clock):
        assert looking.closed
