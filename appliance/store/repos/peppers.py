"""Sealed peppers in the store."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.ports.repositories import StoredPepper
from appliance.store.failures import translated
from appliance.store.tables.store import peppers


async def read_all(connection: AsyncConnection) -> Sequence[StoredPepper]:
    """By version, oldest first."""
    found = await connection.execute(select(peppers).order_by(peppers.c.version))
    return [StoredPepper(version=row.version, sealed=row.sealed, retired=row.retired) for row in found]


async def save(connection: AsyncConnection, pepper: StoredPepper) -> None:
    values = {"version": pepper.version, "sealed": pepper.sealed, "retired": pepper.retired}
    statement = insert(peppers).values(values)
    with translated("the store"):
        await connection.execute(statement.on_conflict_do_update(index_elements=[peppers.c.version], set_=values))


async def remove(connection: AsyncConnection, version: int) -> None:
    """Whether keys still need it is for the caller to know. One that is not there is no error."""
    with translated("the store"):
        await connection.execute(delete(peppers).where(peppers.c.version == version))
