"""Events in the store: appended, read, never changed."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.domain.events import Event
from appliance.store.failures import translated
from appliance.store.moments import micros, moment
from appliance.store.tables.store import events

_json = msgspec.json.Encoder()
_object = msgspec.json.Decoder(dict[str, object])


async def read_latest(connection: AsyncConnection, limit: int, action: str | None) -> Sequence[Event]:
    """Newest first, in the order they were written."""
    query = select(events).order_by(events.c.id.desc()).limit(limit)
    if action is not None:
        query = query.where(events.c.action == action)
    return [
        Event(
            at=moment(row.at),
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            before=None if row.before is None else _object.decode(row.before),
            after=None if row.after is None else _object.decode(row.after),
            detail=row.detail,
        )
        for row in await connection.execute(query)
    ]


async def append(connection: AsyncConnection, new: Sequence[Event]) -> None:
    if not new:
        return
    with translated("the store"):
        await connection.execute(insert(events), [_values(event) for event in new])


def _values(event: Event) -> dict[str, object]:
    return {
        "at": micros(event.at),
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
        "before": None if event.before is None else _json.encode(event.before).decode(),
        "after": None if event.after is None else _json.encode(event.after).decode(),
        "detail": event.detail,
    }
