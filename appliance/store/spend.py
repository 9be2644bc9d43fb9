"""What was spent: sums from the roll-ups alone (never from the rows, of which there are millions) and latest rows."""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncEngine

from appliance.domain.errors import BadRequest
from appliance.domain.ids import KeyId
from appliance.domain.ledger import LedgerRow
from appliance.ports.ledger import SpendLine
from appliance.store.failures import translated
from appliance.store.moments import DAY, HOUR, micros, moment
from appliance.store.pace import each
from appliance.store.row import loaded
from appliance.store.tables.ledger import SUMS, days, hours, rows

GROUPS = ("key", "model", "day", "hour")


class SqlSpend:
    """Satisfies `ports.ledger.SpendReader`. Raises StoreUnavailable when the ledger cannot be read."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def spend(
        self, by: tuple[str, ...], since: datetime | None, until: datetime | None, key: KeyId | None = None
    ) -> list[SpendLine]:
        """Sums grouped by any of `key model day hour`, in that order of time, key and model.

        The roll-ups know hours: `since` is rounded down and `until` (not included) up to a whole hour, UTC.
        Raises BadRequest for another group or a moment without a time zone.
        """
        if unknown := [name for name in by if name not in GROUPS]:
            raise BadRequest(f"spend is not kept by `{unknown[0]}`; choose from {', '.join(GROUPS)}", param="by")
        parts = _parts(_hour(since), _hour_after(until), hourly="hour" in by)
        source = union_all(*(_part(table, first, end, key) for table, first, end in parts)).subquery()
        groups = _groups(source.c, by)
        query = select(*groups.values(), *(func.coalesce(func.sum(source.c[name]), 0).label(name) for name in SUMS))
        query = query.group_by(*groups.values()).order_by(*groups.values()) if groups else query
        with translated("the ledger"):
            async with self._engine.begin() as connection:
                found = await connection.execute(query)
                return await each(found, _reader([*groups], key))

    async def rows(self, limit: int, key: KeyId | None = None) -> list[LedgerRow]:
        """The latest rows by arrival, newest first."""
        query = select(rows).order_by(rows.c.at.desc(), rows.c.id.desc()).limit(limit)
        if key is not None:
            query = query.where(rows.c.key_id == key)
        with translated("the ledger"):
            async with self._engine.begin() as connection:
                return await each(await connection.execute(query), loaded)

    async def spent(self, key: KeyId, since: datetime | None) -> tuple[int, int]:
        """(micros, tokens) that a key has spent since the start of an hour; None: ever."""
        [line] = await self.spend((), since, None, key)
        return line.cost, line.prompt + line.completion


def _hour(since: datetime | None) -> int | None:
    return None if since is None else _micros(since) // HOUR


def _hour_after(until: datetime | None) -> int | None:
    return None if until is None else -(-_micros(until) // HOUR)


def _micros(at: datetime) -> int:
    try:
        return micros(at)
    except ValueError as error:
        raise BadRequest(str(error)) from error


Range = tuple[Table, int | None, int | None]
"""Roll-up, first period, period after the last. None: no bound."""


def _parts(first: int | None, end: int | None, *, hourly: bool) -> list[Range]:
    """Cover hours [first, end) with whole days where the answer allows, so that a year costs 365 lines and no more."""
    if hourly:
        return [(hours, first, end)]
    first_day = None if first is None else -(-first // 24)
    end_day = None if end is None else end // 24
    if first_day is not None and end_day is not None and first_day >= end_day:
        return [(hours, first, end)]
    parts: list[Range] = [(days, first_day, end_day)]
    if first is not None and first_day is not None and first % 24:
        parts.append((hours, first, first_day * 24))
    if end is not None and end_day is not None and end % 24:
        parts.append((hours, end_day * 24, end))
    return parts


def _part(table: Table, first: int | None, end: int | None, key: KeyId | None) -> Select[Any]:
    period: ColumnElement[int] = table.c.hour if table is hours else table.c.day
    day: ColumnElement[int] = period // 24 if table is hours else period
    hour: ColumnElement[int] = period if table is hours else literal(0)
    query = select(
        day.label("day"), hour.label("hour"), table.c.key_id, table.c.model, *(table.c[name] for name in SUMS)
    )
    if first is not None:
        query = query.where(period >= first)
    if end is not None:
        query = query.where(period < end)
    if key is not None:
        query = query.where(table.c.key_id == key)
    return query


def _groups(columns: Any, by: tuple[str, ...]) -> dict[str, ColumnElement[Any]]:
    """Columns to group by, time first; an hour brings its day along."""
    wanted = {*by, "day"} if "hour" in by else {*by}
    order = (("day", "day"), ("hour", "hour"), ("key", "key_id"), ("model", "model"))
    return {name: columns[column] for name, column in order if name in wanted}


def _reader(groups: list[str], key: KeyId | None) -> Callable[[Any], SpendLine]:
    """Reads rows of `groups` and sums. Days and hours come thousands of times: each is put into words once."""
    day_name = functools.cache(lambda day: f"{moment(day * DAY):%Y-%m-%d}")
    hour_name = functools.cache(lambda hour: f"{moment(hour * HOUR):%Y-%m-%dT%H}")

    def line(row: Any) -> SpendLine:
        group = dict(zip(groups, row, strict=False))
        return SpendLine(
            day=day_name(group["day"]) if "day" in group else None,
            hour=hour_name(group["hour"]) if "hour" in group else None,
            key_id=group.get("key", key),
            model=group.get("model"),
            **dict(zip(SUMS, row[len(groups) :], strict=True)),
        )

    return line
