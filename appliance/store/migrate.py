"""Bringing both databases to the schema of this release. Run by `redoubt init` and `redoubt db migrate` alone."""

from pathlib import Path

import msgspec
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from appliance.domain.errors import ConfigError
from appliance.store.engine import sync_engine
from appliance.store.failures import translated
from appliance.store.folder import DataFolder
from appliance.store.lock import hold_alone, hold_shared
from appliance.store.schema import NEEDED, Database


class Migrated(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to one database. Equal numbers: nothing was to be done."""

    database: Database
    before: str | None  # None: it was empty
    after: str


def migrate(data_dir: Path) -> tuple[Migrated, ...]:
    """Make the data folder and both databases where missing, and upgrade them, each in one transaction.

    Raises Conflict while a gateway serves the folder, ConfigError for a folder that must not hold a store or a
    database of a newer release, StoreUnavailable when it cannot be read or written. A failed upgrade changes nothing.
    """
    folder = DataFolder(data_dir)
    folder.prepare()
    files = {"store": folder.store, "ledger": folder.ledger}
    with (
        hold_alone(folder.gateway_lock, f"a gateway serves `{data_dir}`; stop it before migrating"),
        hold_shared(folder.use_lock, f"`{data_dir}` is being restored; try again when that is done"),
    ):
        return tuple(_upgrade(files[database], database) for database, _ in NEEDED)


def scripts(database: Database) -> ScriptDirectory:
    folder = Path(__file__).parent / "migrations" / database
    return ScriptDirectory(str(folder), version_locations=[str(folder)])


def _upgrade(file: Path, database: Database) -> Migrated:
    engine = sync_engine(file, "FULL")
    script = scripts(database)
    try:
        with translated(f"the {database}"), engine.connect() as connection:
            # Batch mode makes a table anew and renames it, which foreign keys must not see; it only takes effect
            # outside a transaction. What it leaves behind is checked before the commit.
            connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")
            with connection.begin():
                before, after = _run(connection, script, database)
                if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise ConfigError(f"the {database} contradicts itself after the upgrade; nothing was changed")
    finally:
        engine.dispose()
    return Migrated(database=database, before=before, after=after)


def _run(connection: Connection, script: ScriptDirectory, database: Database) -> tuple[str | None, str]:
    newest = script.get_current_head() or ""
    before = MigrationContext.configure(connection).get_current_revision()
    if before is not None and before not in {step.revision for step in script.walk_revisions()}:
        raise ConfigError(
            f"the {database} has schema {before}, which this release does not know ({newest} is its newest); "
            "install the release that wrote it"
        )

    def steps(current: object, context: MigrationContext) -> list[RevisionStep]:
        del current, context
        order = script.iterate_revisions("head", before or "base", implicit_base=True)
        return [MigrationStep.upgrade_from_script(script.revision_map, each) for each in reversed(list(order))]

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, render_as_batch=True)
        environment.run_migrations()
    return before, newest
