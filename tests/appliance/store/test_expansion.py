"""What only expands, and what an older program could stumble over, as SQLite itself keeps the schema."""

from collections.abc import Iterator

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, create_engine

from appliance.store.expansion import narrowings, shape

BEFORE = """
CREATE TABLE parents (id INTEGER NOT NULL, name TEXT, CONSTRAINT pk PRIMARY KEY (id));
CREATE TABLE "rows" (id INTEGER NOT NULL, at BIGINT NOT NULL, kind TEXT DEFAULT 'a, (b', PRIMARY KEY (id));
CREATE INDEX ix_rows_at ON rows (at);
CREATE UNIQUE INDEX uq_name ON parents (name);
CREATE TRIGGER keep BEFORE DELETE ON rows BEGIN SELECT RAISE(ABORT, 'kept'); END;
CREATE VIEW recent AS SELECT * FROM rows
"""

EXPANDS = [
    "ALTER TABLE rows ADD COLUMN note TEXT",
    "ALTER TABLE rows ADD COLUMN note TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE rows ADD COLUMN price DECIMAL(10, 2) NOT NULL DEFAULT (1 + (2))",
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE CHECK (text <> ''))",
    "CREATE TABLE notes (row INTEGER REFERENCES rows (id) ON DELETE CASCADE)",
    "CREATE TABLE notes (row INTEGER REFERENCES others (id))",
    "CREATE INDEX ix_rows_kind ON rows (kind)",
    "CREATE VIEW latest AS SELECT max(at) FROM rows",
    "INSERT INTO parents (name) VALUES ('x')",
]
NARROWS = [
    ("DROP TABLE parents", "table `parents` is gone"),
    ("DROP INDEX ix_rows_at", "index `ix_rows_at` is gone"),
    ("DROP TRIGGER keep", "trigger `keep` is gone"),
    ("DROP VIEW recent", "view `recent` is gone"),
    ("ALTER TABLE parents RENAME TO elders", "table `parents` is gone"),
    ("ALTER TABLE parents RENAME COLUMN name TO title", "table `parents` has no longer `name TEXT`"),
    ("ALTER TABLE rows DROP COLUMN kind", "table `rows` has no longer `kind TEXT DEFAULT 'a, (b'`"),
    ("ALTER TABLE parents ADD COLUMN rank INTEGER CHECK (rank > 0)", "refuses by `rank INTEGER CHECK (rank > 0)`"),
    ("ALTER TABLE parents ADD COLUMN elder INTEGER REFERENCES parents (id)", "refuses by `elder INTEGER REFERENCES"),
    ("CREATE UNIQUE INDEX uq_rows_at ON rows (at)", "index `uq_rows_at` refuses what older programs may write"),
    (
        "CREATE TRIGGER look AFTER INSERT ON rows BEGIN SELECT 1; END",
        "trigger `look` acts on what older programs write",
    ),
    ("CREATE TABLE notes (row INTEGER REFERENCES rows (id))", "table `notes` holds on to rows of `rows`"),
    (
        'CREATE TABLE notes (row INTEGER, FOREIGN KEY(row) REFERENCES "rows" (id) ON DELETE RESTRICT)',
        "table `notes` holds on to rows of `rows`",
    ),
]


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        for statement in BEFORE.split(";\n"):
            connection.exec_driver_sql(statement)
        yield connection
    engine.dispose()


@pytest.mark.parametrize("statement", EXPANDS)
def test_this_only_expands(connection: Connection, statement: str) -> None:
    before = shape(connection)

    connection.exec_driver_sql(statement)

    assert narrowings(before, shape(connection)) == []


@pytest.mark.parametrize(("statement", "told"), NARROWS)
def test_this_narrows_and_is_told(connection: Connection, statement: str, told: str) -> None:
    before = shape(connection)
    if "DROP COLUMN" in statement or "RENAME" in statement:
        connection.exec_driver_sql("DROP VIEW recent")
        before.pop("recent")

    connection.exec_driver_sql(statement)

    assert any(told in text for text in narrowings(before, shape(connection)))


def test_a_table_made_anew_by_batch_mode_is_compared_by_what_is_in_it(connection: Connection) -> None:
    connection.exec_driver_sql("DROP VIEW recent")
    before = shape(connection)
    operations = Operations(MigrationContext.configure(connection))

    with operations.batch_alter_table("parents", recreate="always"):
        pass
    assert narrowings(before, shape(connection)) == []
    with operations.batch_alter_table("parents", recreate="always") as batch:
        batch.alter_column("name", nullable=False)

    assert any("demands `name TEXT NOT NULL`" in text for text in narrowings(before, shape(connection)))


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ('"default" TEXT NOT NULL', "demands"),
        ("note TEXT DEFAULT NULL NOT NULL", "demands"),
        ("note TEXT NOT NULL DEFAULT NULL", "demands"),
        ("note TEXT NOT NULL UNIQUE DEFAULT ''", "refuses"),
    ],
)
def test_a_column_that_older_programs_leave_out_is_told_whatever_it_is_called(
    connection: Connection, column: str, told: str
) -> None:
    connection.exec_driver_sql("CREATE TABLE plain (id INTEGER PRIMARY KEY)")
    before = shape(connection)

    connection.exec_driver_sql("DROP TABLE plain")
    connection.exec_driver_sql(f"CREATE TABLE plain (id INTEGER PRIMARY KEY, {column})")

    [text] = narrowings(before, shape(connection))
    assert f"table `plain` {told}" in text


@pytest.mark.parametrize("tail", [" STRICT", " WITHOUT ROWID"])
def test_a_table_kept_in_another_way_is_told(connection: Connection, tail: str) -> None:
    connection.exec_driver_sql("CREATE TABLE plain (id INTEGER PRIMARY KEY, text TEXT)")
    before = shape(connection)

    connection.exec_driver_sql("DROP TABLE plain")
    connection.exec_driver_sql(f"CREATE TABLE plain (id INTEGER PRIMARY KEY, text TEXT){tail}")

    assert narrowings(before, shape(connection)) == ["table `plain` is kept in another way"]
