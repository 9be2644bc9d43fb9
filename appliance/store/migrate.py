"""Bringing both databases to the schema of this release. Run by `redoubt init` and `redoubt db migrate` alone.

Every migration is a module with `revision`, `down_revision` and `compatible_from`: the lowest number a program must
know to use the schema it makes. It may only expand (`expansion`), unless it raises that number; this is looked at in
the very database before the change is kept. Nothing ever goes down.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationInfo, MigrationStep, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from appliance.domain.errors import ConfigError, Conflict
from appliance.store.engine import sync_engine
from appliance.store.expansion import Shape, narrowings, shape
from appliance.store.failures import translated
from appliance.store.folder import DataFolder
from appliance.store.lock import hold_alone, hold_shared
from appliance.store.schema import MARK, NEEDED, Database, Found, action, find_over, needed, why_unfit
from appliance.store.standing import standing

ONLINE_SECONDS = 3.0  # the ledger's writer waits `engine.BUSY` (5 s) for its turn before new work is refused
LOOK = 1000  # steps of SQLite's machine between two looks at the clock: microseconds

MAKE_MARK = f"CREATE TABLE IF NOT EXISTS {MARK} (id INTEGER PRIMARY KEY CHECK (id = 1), compatible_from TEXT NOT NULL)"
WRITE_MARK = (
    f"INSERT INTO {MARK} VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET compatible_from = excluded.compatible_from"  # noqa: S608 -- a constant
)


class Migrated(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to one database. Equal numbers: nothing was to be done."""

    database: Database
    before: str | None  # None: it was empty
    after: str
    newer: bool = False  # a later release has widened it; this one uses it as it is, and takes nothing back


def migrate(data_dir: Path) -> tuple[Migrated, ...]:
    """Make the data folder and both databases where missing, and upgrade them, each in one transaction.

    Raises Conflict while a gateway serves the folder, ConfigError for a folder that must not hold a store, a database
    of a newer release that asks for more than this one knows, or a migration that narrows and does not say so;
    StoreUnavailable when it cannot be read or written. A failed upgrade changes nothing.
    """
    folder = DataFolder(data_dir)
    folder.prepare()
    with (
        hold_alone(folder.gateway_lock, f"a gateway serves `{data_dir}`; stop it before migrating"),
        hold_shared(folder.use_lock, f"`{data_dir}` is being restored; try again when that is done"),
    ):
        return _migrate(folder, None)


def migrate_online(data_dir: Path, seconds: float = ONLINE_SECONDS) -> tuple[Migrated, ...]:
    """The same beside a gateway that serves: only what every program of today can live with, and only if it is quick.

    Raises Conflict, with nothing changed in that database, for a migration that asks for newer programs or takes
    longer than `seconds`; the gateway has to be stopped for those. Else raises as `migrate`.
    """
    folder = DataFolder(data_dir)
    folder.check()
    with hold_shared(folder.use_lock, f"`{data_dir}` is being restored; try again when that is done"):
        return _migrate(folder, seconds)


def scripts(database: Database) -> ScriptDirectory:
    folder = Path(__file__).parent / "migrations" / database
    return ScriptDirectory(str(folder), version_locations=[str(folder)])


def compatible_from(script: ScriptDirectory, revision: str) -> str:
    """The lowest number a program must know to use the schema of `revision`. It never falls."""
    steps = script.iterate_revisions(revision, "base")
    return max(str(getattr(step.module, "compatible_from", step.revision)) for step in steps)


def _migrate(folder: DataFolder, seconds: float | None) -> tuple[Migrated, ...]:
    files = {"store": folder.store, "ledger": folder.ledger}
    # Both are looked at before either is touched.
    for one in standing(folder.path):
        if one.action == "restore":
            raise ConfigError(one.why)
    return tuple(_upgrade(files[database], database, seconds) for database, _ in NEEDED)


def _upgrade(file: Path, database: Database, seconds: float | None) -> Migrated:
    engine = sync_engine(file, "FULL")
    try:
        with translated(f"the {database}"):
            return _in_one_transaction(engine, database, seconds)
    finally:
        engine.dispose()


def _in_one_transaction(engine: Engine, database: Database, seconds: float | None) -> Migrated:
    with engine.connect() as connection:
        # Batch mode makes a table anew and renames it, which foreign keys must not see; it only takes effect
        # outside a transaction. What it leaves behind is checked before the commit.
        connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")
        with connection.begin():
            found = find_over(connection)
            if action(found, needed(database)) != "migrate":
                return _as_it_is(found, database)
            with _limited(connection, database, seconds):
                after = _run(connection, database, found, online=seconds is not None)
                if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise ConfigError(f"the {database} contradicts itself after the upgrade; nothing was changed")
    return Migrated(database=database, before=found.number, after=after)


def _as_it_is(found: Found, database: Database) -> Migrated:
    """Raises ConfigError when this release cannot use it."""
    if refusal := why_unfit(database, found):
        raise ConfigError(refusal)
    number = found.number or ""
    return Migrated(database=database, before=number, after=number, newer=number > needed(database))


@contextmanager
def _limited(connection: Connection, database: Database, seconds: float | None) -> Iterator[None]:
    """End the statement that runs when the time is up, or refuse the next one. Raises Conflict."""
    if seconds is None:
        yield
        return
    until = time.monotonic() + seconds
    late = Conflict(
        f"the {database} needs more than {seconds:g} s to migrate, too long beside a gateway that serves; it is as it "
        "was: stop the gateway and run `redoubt db migrate`"
    )

    def look(*statement: object) -> None:
        del statement
        if time.monotonic() > until:
            raise late

    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: time.monotonic() > until, LOOK)
    event.listen(connection, "before_cursor_execute", look)
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
            raise late from error
        raise
    finally:
        event.remove(connection, "before_cursor_execute", look)
        driver.set_progress_handler(None, LOOK)


def _run(connection: Connection, database: Database, found: Found, *, online: bool) -> str:
    script = scripts(database)
    newest = script.get_current_head() or ""
    before = found.number
    if before is not None and before not in {step.revision for step in script.walk_revisions()}:
        raise ConfigError(f"the {database} has schema {before}, which no release wrote; restore it from a backup")
    mark = compatible_from(script, newest)
    if online and before is not None and mark > (found.compatible_from or before):
        raise Conflict(
            f"the {database} goes to schema {newest}, which only programs that know {mark} can use; "
            "stop the gateway, take a backup and run `redoubt db migrate`"
        )

    def steps(current: object, context: MigrationContext) -> list[RevisionStep]:
        del current, context
        order = script.iterate_revisions("head", before or "base", implicit_base=True)
        return [MigrationStep.upgrade_from_script(script.revision_map, each) for each in reversed(list(order))]

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        watch = _watch(connection, script, database)
        environment.configure(connection=connection, render_as_batch=True, on_version_apply=watch)
        environment.run_migrations()
    connection.exec_driver_sql(MAKE_MARK)
    connection.exec_driver_sql(WRITE_MARK, (mark,))
    return newest


def _watch(connection: Connection, script: ScriptDirectory, database: Database) -> Callable[..., None]:
    """After each step: refuse one that narrows, yet says that programs which knew the schema before can go on."""
    seen: list[Shape] = [shape(connection)]

    def applied(*, step: MigrationInfo, **more: object) -> None:
        del more
        now = shape(connection)
        before, revision = (step.source_revision_ids or ("",))[0], str(step.up_revision_id)
        narrowed = narrowings(seen[-1], now)
        seen.append(now)
        if before and narrowed and compatible_from(script, revision) <= compatible_from(script, before):
            raise ConfigError(
                f"migration {revision} of the {database} does not only expand ({'; '.join(narrowed)}) and does not "
                "raise `compatible_from`; nothing was changed: this release is at fault, stay with the one before"
            )

    return applied
