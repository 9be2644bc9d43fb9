"""Settings of the site that may change while it runs."""

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.domain.money import Price
from appliance.store.failures import translated
from appliance.store.tables.store import settings

DEFAULT_PRICE = "default_price"


async def read_default_price(connection: AsyncConnection) -> Price | None:
    found = await connection.execute(select(settings.c.value).where(settings.c.name == DEFAULT_PRICE))
    value = found.scalar_one_or_none()
    return None if value is None else msgspec.json.decode(value, type=Price)


async def save_default_price(connection: AsyncConnection, price: Price | None) -> None:
    with translated("the store"):
        if price is None:
            await connection.execute(delete(settings).where(settings.c.name == DEFAULT_PRICE))
            return
        values = {"name": DEFAULT_PRICE, "value": msgspec.json.encode(price).decode()}
        statement = insert(settings).values(values)
        await connection.execute(statement.on_conflict_do_update(index_elements=[settings.c.name], set_=values))
