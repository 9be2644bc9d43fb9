"""Which schema this release works with. Checked at every opening, changed by `migrate` alone.

A database says two numbers of itself: that of its newest migration (`alembic_version`), and the lowest number a program
must know to use it (`compatibility`). A release uses every schema that names its own number or a lower one there, so
that one may go back to the release before without restoring anything. Without the second number it is the first.
"""

import re
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from appliance.domain.errors import ConfigError
from appliance.store.failures import translated

Database = Literal["store", "ledger"]
Action = Literal["none", "migrate", "restore"]

# Numbers of the newest migration of each. Written here so that a serving process needs no alembic; a test compares.
NEEDED: tuple[tuple[Database, str], ...] = (("store", "0002"), ("ledger", "0002"))

MARK = "compatibility"
NUMBER = re.compile(r"\d{4}")

HAS_TABLE = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '{}'"
READ_NUMBER = "SELECT max(version_num) FROM alembic_version"
READ_MARK = f"SELECT max(compatible_from) FROM {MARK}"  # noqa: S608 -- a constant


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a database says of itself."""

    number: str | None  # None: it is empty
    compatible_from: str | None


def needed(database: Database) -> str:
    return dict(NEEDED)[database]


def find(ask: Callable[[str], Any]) -> Found:
    """`ask` answers a query with its one value."""
    if not ask(HAS_TABLE.format("alembic_version")):
        return Found(number=None, compatible_from=None)
    number = ask(READ_NUMBER)
    mark = ask(READ_MARK) if ask(HAS_TABLE.format(MARK)) else number
    return Found(number=number, compatible_from=number if mark is None else str(mark))


def find_over(connection: Connection) -> Found:
    return find(lambda query: connection.exec_driver_sql(query).scalar())


def action(found: Found, wanted: str) -> Action:
    """What a release that knows `wanted` has to do before it can use a database."""
    if found.number is None:
        return "migrate"
    told = (found.number, found.compatible_from or "")
    if not all(NUMBER.fullmatch(number) for number in told) or told[1] > wanted:
        return "restore"  # also what no release wrote: nobody knows what it means
    return "migrate" if found.number < wanted else "none"


def why_unfit(database: Database, found: Found) -> str:
    """Empty when this release can use it."""
    wanted = needed(database)
    match action(found, wanted):
        case "none":
            return ""
        case "migrate":
            return (
                f"the {database} has schema {found.number or 'none'}, this release needs {wanted}; "
                "stop the gateway, take a backup and run `redoubt db migrate`"
            )
        case "restore":
            return (
                f"the {database} has schema {found.number}, written by a newer release than this one: it asks for "
                f"{found.compatible_from}, this one knows {wanted}; start the newer release again, or put the backup "
                "taken before the upgrade back with `redoubt backup restore`"
            )


async def check(engine: AsyncEngine, database: Database) -> None:
    """Raises ConfigError unless this release can use the database as it is."""
    with translated(f"the {database}"):
        async with engine.connect() as connection:
            found = await connection.run_sync(find_over)
    if refusal := why_unfit(database, found):
        raise ConfigError(refusal)
