"""Migrations: from nothing to the schema of this release, once, forward only."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import MetaData, create_engine

from appliance.domain.errors import ConfigError, Conflict
from appliance.store import open_for_serving, visit
from appliance.store.expansion import OWN
from appliance.store.migrate import Migrated, migrate, scripts
from appliance.store.schema import NEEDED, Database, needed
from appliance.store.tables import ledger, store
from tests.fakes.clock import FakeClock

TABLES: dict[Database, MetaData] = {"store": store.metadata, "ledger": ledger.metadata}
DATABASES = [database for database, _ in NEEDED]


def schema(file: Path) -> dict[str, str]:
    """Every table, index and trigger, as SQLite keeps it, without the freedom of white space."""
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: re.sub(r"[\s\"]+", "", sql) for name, sql in found if name not in OWN}


def execute(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()


def columns(sql: str) -> set[str]:
    """A table's columns and constraints in any order: migrations may add at the end what the tables list earlier."""
    head, _, rest = sql.partition("(")
    body, _, tail = rest.rpartition(")")
    return {head, *re.split(r",(?![^(]*\))", body), tail}


@pytest.mark.parametrize("database", DATABASES)
def test_upgrading_from_nothing_gives_what_the_tables_say(database: Database, data_dir: Path, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    TABLES[database].create_all(engine)
    engine.dispose()

    made, upgraded = schema(tmp_path / "made.db"), schema(data_dir / f"{database}.db")

    assert made.keys() == upgraded.keys()
    for name in made:
        assert columns(upgraded[name]) == columns(made[name]), name


def test_the_store_begins_at_change_number_zero_either_way(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "store.db")) as connection:
        assert connection.execute("SELECT id, number FROM change").fetchall() == [(1, 0)]


@pytest.mark.parametrize("database", DATABASES)
def test_the_schema_a_serving_process_asks_for_is_the_newest_migration(database: Database) -> None:
    script = scripts(database)

    assert script.get_heads() == [needed(database)]
    assert [step.revision for step in script.walk_revisions()] == sorted(
        (step.revision for step in script.walk_revisions()), reverse=True
    )


def test_migrating_twice_changes_nothing(data_dir: Path) -> None:
    before = schema(data_dir / "store.db")

    assert migrate(data_dir) == tuple(
        Migrated(database=database, before=number, after=number) for database, number in NEEDED
    )
    assert schema(data_dir / "store.db") == before


async def test_serving_an_old_schema_is_refused_and_names_the_verb(data_dir: Path, clock: FakeClock) -> None:
    execute(data_dir / "ledger.db", "UPDATE alembic_version SET version_num = '0000'")

    with pytest.raises(ConfigError, match=r"the ledger has schema 0000, this release needs .*redoubt db migrate"):
        await open_for_serving(data_dir, clock)


async def test_an_empty_database_is_refused_as_having_no_schema(data_dir: Path) -> None:
    (data_dir / "store.db").write_bytes(b"")

    with pytest.raises(ConfigError, match=r"schema none.*redoubt db migrate"):
        await visit(data_dir)


async def test_migrating_under_a_running_gateway_is_refused(data_dir: Path, clock: FakeClock) -> None:
    async with await open_for_serving(data_dir, clock):
        with pytest.raises(Conflict, match="stop it before migrating"):
            migrate(data_dir)


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    execute(folder / "store.db", "CREATE TABLE settings (in_the_way TEXT)")  # the first migration makes keys before it

    with pytest.raises(Exception, match="settings"):
        migrate(folder)

    assert set(schema(folder / "store.db")) == {"settings"}


@pytest.mark.parametrize("statement", ["UPDATE events SET actor = 'nobody'", "DELETE FROM events"])
def test_events_cannot_be_rewritten_by_hand(data_dir: Path, statement: str) -> None:
    file = data_dir / "store.db"
    execute(file, "INSERT INTO events (at, actor, action, subject, detail) VALUES (0, 'a', 'b', 'c', '')")

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        execute(file, statement)
