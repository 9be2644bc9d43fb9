"""Sums of a batch of rows by hour and by day, made in Python so that SQLite gets one upsert for each line of a sum."""

from collections.abc import Sequence

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

from appliance.domain.ledger import LedgerRow, Status
from appliance.store.moments import HOUR, micros
from appliance.store.tables.ledger import SUMS, rows

Line = tuple[int, str, str, int, int, int, int, int, int, int, int, int]
"""(period, key, model, *SUMS)"""


def by_hour(batch: Sequence[LedgerRow]) -> list[Line]:
    """By hour since 1970 UTC, key and model."""
    lines: dict[tuple[int, str, str], list[int]] = {}
    for row in batch:
        usage = row.usage
        name = (micros(row.at) // HOUR, row.key_id, row.model)
        if (line := lines.get(name)) is None:
            line = lines[name] = [0] * len(SUMS)
        line[0] += 1
        line[1] += row.status is Status.FAILED
        line[2] += usage.prompt
        line[3] += usage.completion
        line[4] += usage.cached
        line[5] += usage.reasoning
        line[6] += row.cost
        line[7] += row.unpriced
        line[8] += usage.estimated
    return [(*name, *line) for name, line in lines.items()]  # type: ignore[misc]  # nine sums, by construction


def by_day(hours: Sequence[Line]) -> list[Line]:
    lines: dict[tuple[int, str, str], list[int]] = {}
    for hour, key, model, *sums in hours:
        name = (hour // 24, key, model)
        line = lines.get(name)
        lines[name] = sums if line is None else [a + b for a, b in zip(line, sums, strict=True)]
    return [(*name, *line) for name, line in lines.items()]  # type: ignore[misc]  # nine sums, by construction


def insert_rows() -> str:
    """SQL with a `?` for each value of `row.stored`, for the driver's own executemany."""
    columns = [column.name for column in rows.columns if column.name != "id"]
    return _sql(sqlite.insert(rows).values(dict.fromkeys(columns)))


def add_to(table: Table) -> str:
    """SQL that adds one `Line` to a roll-up."""
    statement = sqlite.insert(table)
    added = {name: table.c[name] + statement.excluded[name] for name in SUMS}
    return _sql(statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=added))


def _sql(statement: sqlite.Insert) -> str:
    return str(statement.compile(dialect=sqlite.dialect(paramstyle="qmark")))
