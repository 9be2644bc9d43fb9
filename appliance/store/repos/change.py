"""The change number: one more for every committed unit, so that a running gateway knows when to read again."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store.tables.store import change


async def read(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(change.c.number))).scalar_one())


async def advance(connection: AsyncConnection) -> None:
    await connection.execute(update(change).values(number=change.c.number + 1))
