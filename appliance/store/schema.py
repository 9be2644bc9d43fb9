"""Which schema this release works with. Checked at every opening, changed by `migrate` alone."""

from typing import Literal

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from appliance.domain.errors import ConfigError
from appliance.store.failures import translated

Database = Literal["store", "ledger"]

# Numbers of the newest migration of each. Written here so that a serving process needs no alembic; a test compares.
NEEDED: tuple[tuple[Database, str], ...] = (("store", "0001"), ("ledger", "0001"))


def needed(database: Database) -> str:
    return dict(NEEDED)[database]


async def check(engine: AsyncEngine, database: Database) -> None:
    """Raises ConfigError unless the database has exactly the schema of this release."""
    with translated(f"the {database}"):
        found = await _found(engine)
    wanted = needed(database)
    if found == wanted:
        return
    if found is None or found < wanted:
        raise ConfigError(
            f"the {database} has schema {found or 'none'}, this release needs {wanted}; "
            "stop the gateway, take a backup and run `redoubt db migrate`"
        )
    raise ConfigError(
        f"the {database} has schema {found}, written by a newer release than this one ({wanted}); "
        "install that release, or restore the backup taken before the upgrade"
    )


async def _found(engine: AsyncEngine) -> str | None:
    try:
        async with engine.connect() as connection:
            found = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    except OperationalError as error:
        if "no such table" in str(error.orig):
            return None
        raise
    return None if found is None else str(found)
