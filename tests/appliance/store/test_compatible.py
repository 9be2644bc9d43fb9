"""A database that a newer release has widened, in the hands of an older one; and the marks that decide about it."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from appliance.domain.errors import ConfigError, Conflict
from appliance.store import open_for_serving, visit
from appliance.store.backup import create, verify
from appliance.store.migrate import Migrated, compatible_from, migrate, migrate_online, scripts
from appliance.store.restore import restore
from appliance.store.schema import MARK, NEEDED, Database, Found, action
from appliance.store.standing import most, standing
from tests.appliance.store.later import being
from tests.appliance.store.sites import a_deployment, a_key, a_model, a_row, an_event
from tests.fakes.clock import FakeClock
from tests.system.releases import NARROWER, Release, Step, later_release

DATABASES = [database for database, _ in NEEDED]


@pytest.fixture(scope="session")
def wider(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return later_release(tmp_path_factory.mktemp("releases") / "wider", "0.2.0")


@pytest.fixture(scope="session")
def narrower(wider: Release, tmp_path_factory: pytest.TempPathFactory) -> Release:
    return later_release(tmp_path_factory.mktemp("releases") / "narrower", "0.3.0", step=NARROWER, base=wider)


@pytest.fixture
def widened(wider: Release, data_dir: Path) -> Path:
    with being(wider):
        migrate(data_dir)
    return data_dir


def execute(file: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection, connection:
        return connection.execute(statement).fetchall()


def marks(folder: Path) -> list[object]:
    return [execute(folder / f"{name}.db", f"SELECT * FROM {MARK}") for name in DATABASES]


@pytest.mark.parametrize("database", DATABASES)
def test_every_migration_says_from_where_it_is_compatible_and_never_less_than_the_one_before(
    database: Database,
) -> None:
    steps = list(reversed(list(scripts(database).walk_revisions())))

    said = [step.module.compatible_from for step in steps]

    assert said == sorted(said)
    assert all(mark <= step.revision for mark, step in zip(said, steps, strict=True))


def test_a_new_store_and_a_migrated_one_carry_the_mark(wider: Release, narrower: Release, data_dir: Path) -> None:
    assert marks(data_dir) == [[(1, "0001")]] * 2

    with being(wider):
        migrate(data_dir)
    assert marks(data_dir) == [[(1, "0001")]] * 2
    with being(narrower):
        migrate(data_dir)
    assert marks(data_dir) == [[(1, "0004")]] * 2


async def test_a_store_made_before_there_were_marks_opens_and_is_upgraded(
    wider: Release, data_dir: Path, clock: FakeClock
) -> None:
    for name in DATABASES:
        execute(data_dir / f"{name}.db", f"DROP TABLE {MARK}")

    async with await open_for_serving(data_dir, clock) as opened:
        opened.ledger.record(a_row())
    assert [(one.compatible_from, one.action) for one in standing(data_dir)] == [("0002", "none")] * 2
    with being(wider):
        migrate(data_dir)
    async with await visit(data_dir) as visited:
        assert await visited.spend.rows(5) == [a_row()]


async def test_a_widened_store_is_read_and_written_by_the_release_before(widened: Path, clock: FakeClock) -> None:
    async with await open_for_serving(widened, clock) as opened:
        async with opened.store.unit() as unit:
            await unit.save_key(a_key())
            await unit.save_key(a_key(name="renamed"))
            await unit.save_model(a_model(a_deployment(), a_deployment("two")))
            await unit.save_model(a_model(a_deployment()))
            await unit.save_default_price(None)
            await unit.add_event(an_event())
        for number in range(3):
            opened.ledger.record(a_row(number))
        await opened.ledger.flush()
        opened.ledger.record(a_row(3))  # a second batch: sums are added to

    async with await visit(widened) as visited:
        assert [key.name for key in (await visited.store.snapshot()).keys] == ["renamed"]
        assert await visited.store.events(9) == [an_event()]
        assert len(await visited.spend.rows(9)) == 4
        assert (await visited.spend.spend((), None, None))[0].requests == 4
    assert execute(widened / "ledger.db", "SELECT DISTINCT note, region FROM rows") == [("", None)]
    assert execute(widened / "ledger.db", "SELECT sum(bytes), sum(requests) FROM days") == [(0, 4)]
    assert execute(widened / "store.db", "SELECT owner, tier FROM keys, deployments") == [("nobody", 1)]


def test_a_widened_store_is_left_as_it_is_by_the_release_before_and_it_says_so(widened: Path) -> None:
    assert migrate(widened) == tuple(
        Migrated(database=database, before="0003", after="0003", newer=True) for database in DATABASES
    )
    assert migrate_online(widened) == migrate(widened)
    assert [(one.found, one.newer, one.action) for one in standing(widened)] == [("0003", True, "none")] * 2


async def test_a_store_that_asks_for_more_is_neither_opened_nor_migrated_and_the_sentence_says_what_to_do(
    narrower: Release, data_dir: Path, clock: FakeClock
) -> None:
    with being(narrower):
        migrate(data_dir)
    sentence = (
        r"the store has schema 0004, written by a newer release than this one: it asks for 0004, this one knows 0002; "
        r"start the newer release again, or put the backup taken before the upgrade back with `redoubt backup restore`"
    )

    with pytest.raises(ConfigError, match=sentence):
        await open_for_serving(data_dir, clock)
    with pytest.raises(ConfigError, match=sentence):
        await visit(data_dir)
    with pytest.raises(ConfigError, match=sentence):
        migrate(data_dir)
    assert most(standing(data_dir)) == "restore"


@pytest.mark.parametrize("mark", ["", "0001; ", "1", "-001", "abcd", "0001\n"])
def test_a_mark_that_is_no_number_opens_nothing(mark: str) -> None:
    assert action(Found(number="0003", compatible_from=mark), "0002") == "restore"


def test_a_newer_ledger_keeps_the_store_from_being_touched(
    wider: Release, narrower: Release, data_dir: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(data_dir, tmp_path / "other"))
    with being(narrower):
        migrate(other)
    (data_dir / "ledger.db").unlink()
    shutil.copy(other / "ledger.db", data_dir / "ledger.db")

    with being(wider), pytest.raises(ConfigError, match="the ledger has schema 0004"):
        migrate(data_dir)

    assert [one.found for one in standing(data_dir)] == ["0002", "0004"]


def test_a_narrowing_migration_that_claims_to_be_compatible_is_refused_and_leaves_the_database_as_it_was(
    wider: Release, tmp_path: Path, data_dir: Path
) -> None:
    liar = later_release(tmp_path / "liar", "0.3.0", step=NARROWER, base=wider)
    for database in DATABASES:
        file = liar.newest(database)
        file.write_text(file.read_text().replace('compatible_from = "0004"', 'compatible_from = "0001"'))

    with being(liar), pytest.raises(ConfigError, match="migration 0004 of the store does not only expand") as refused:
        migrate(data_dir)

    assert "index `ix_events_action` is gone" in refused.value.message
    assert [one.found for one in standing(data_dir)] == ["0002", "0002"]


def test_a_migration_that_says_nothing_is_compatible_with_itself_alone(wider: Release, tmp_path: Path) -> None:
    silent = later_release(tmp_path / "silent", "0.2.0")
    file = silent.newest("store")
    file.write_text(file.read_text().replace("compatible_from = ", "unsaid = "))

    folder = str(silent.migrations("store"))
    assert compatible_from(ScriptDirectory(folder, version_locations=[folder]), "0003") == "0003"


async def test_online_a_gateway_goes_on_while_the_store_is_widened(
    wider: Release, data_dir: Path, clock: FakeClock
) -> None:
    async with await open_for_serving(data_dir, clock) as opened:
        opened.ledger.record(a_row(1))
        await opened.ledger.flush()
        with being(wider):
            assert [one.after for one in migrate_online(data_dir)] == ["0003", "0003"]

        opened.ledger.record(a_row(2))
        await opened.ledger.flush()
        async with opened.store.unit() as unit:
            await unit.save_key(a_key())

        assert opened.ledger.healthy
        assert len(await opened.spend.rows(9)) == 2
        assert (await opened.store.snapshot()).keys == (a_key(),)


def test_online_what_asks_for_newer_programs_is_refused(narrower: Release, data_dir: Path) -> None:
    with being(narrower), pytest.raises(Conflict, match="only programs that know 0004 can use; stop the gateway"):
        migrate_online(data_dir)

    assert [one.found for one in standing(data_dir)] == ["0002", "0002"]


def test_online_a_program_of_before_the_last_rollback_is_thought_of(
    wider: Release, data_dir: Path, tmp_path: Path
) -> None:
    """The one that serves a widened store may know no more than the mark says."""
    step: Step = dict.fromkeys(DATABASES, "    pass\n")
    third = later_release(tmp_path / "third", "0.3.0", step=step, base=wider)
    for database in DATABASES:
        file = third.newest(database)
        file.write_text(file.read_text().replace('compatible_from = "0004"', 'compatible_from = "0003"'))
    with being(wider):
        migrate(data_dir)

    with being(third), pytest.raises(Conflict, match="only programs that know 0003 can use"):
        migrate_online(data_dir)


COUNTING = "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n LIMIT 100000000) SELECT max(i) FROM n"


@pytest.mark.parametrize(
    "body",
    [f"    op.execute({COUNTING!r})\n", "    while True:\n        op.execute('SELECT 1')\n"],
    ids=["one long statement", "many short ones"],
)
def test_online_what_takes_too_long_is_ended_and_leaves_the_database_as_it_was(
    data_dir: Path, tmp_path: Path, body: str
) -> None:
    slow = later_release(tmp_path / "slow", "0.2.0")
    file = slow.newest("ledger")
    file.write_text(f"{file.read_text()}{body}")

    with being(slow), pytest.raises(Conflict, match=r"the ledger needs more than 0.2 s .*; it is as it was: stop"):
        migrate_online(data_dir, seconds=0.2)

    assert [(one.database, one.found) for one in standing(data_dir)] == [("store", "0003"), ("ledger", "0002")]
    assert most(standing(data_dir)) == "none"  # for the release that serves


def test_a_folder_without_a_store_is_to_be_made(tmp_path: Path) -> None:
    found = standing(tmp_path / "nowhere")

    assert most(found) == "migrate"
    assert "redoubt init" in found[0].why
    assert not (tmp_path / "nowhere").exists()


def test_looking_changes_nothing(data_dir: Path, tmp_path: Path) -> None:
    for name in DATABASES:
        (data_dir / f"{name}.db").write_bytes(b"")

    assert [one.found for one in standing(data_dir)] == [None, None]

    assert [(data_dir / f"{name}.db").read_bytes() for name in DATABASES] == [b"", b""]


async def test_a_backup_of_a_widened_store_is_restored_by_the_release_before(
    widened: Path, clock: FakeClock, tmp_path: Path
) -> None:
    async with await open_for_serving(widened, clock) as opened:
        opened.ledger.record(a_row())
    manifest = create(widened, tmp_path / "backup", clock, version="0.2.0")
    assert manifest.schema == {"store": "0003", "ledger": "0003"}
    assert manifest.compatible_from == {"store": "0001", "ledger": "0001"}

    restore(tmp_path / "backup", tmp_path / "new", clock)

    async with await visit(tmp_path / "new") as visited:
        assert await visited.spend.rows(9) == [a_row()]


def test_a_backup_that_asks_for_more_is_refused_by_the_release_before(
    narrower: Release, data_dir: Path, clock: FakeClock, tmp_path: Path
) -> None:
    with being(narrower):
        migrate(data_dir)
        create(data_dir, tmp_path / "backup", clock, version="0.3.0")
        verify(tmp_path / "backup")

    with pytest.raises(ConfigError, match=r"made by a newer release \(0.3.0\)"):
        verify(tmp_path / "backup")
