"""How questions about spending are answered: never by reading through the rows."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from appliance.domain.ids import KeyId
from appliance.store import visit
from appliance.store.spend import SqlSpend
from tests.appliance.store.sites import NOON

KEY = KeyId("key_0000000000000001")


async def plan(spend: SqlSpend, ask: Callable[[], Awaitable[object]]) -> tuple[str, list[str]]:
    """The one statement that a question becomes, and SQLite's plan for it."""
    asked: list[tuple[str, Any]] = []

    def note(connection: object, cursor: object, statement: str, values: Any, *rest: object) -> None:
        asked.append((statement, values))

    engine = spend._engine
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    await ask()
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    [(statement, values)] = [(statement, values) for statement, values in asked if statement.startswith("SELECT")]
    async with engine.connect() as connection:
        steps = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        found = [str(detail) for *_, detail in steps]
    return statement, found


@pytest.mark.parametrize("by", [(), ("key", "model"), ("day",), ("hour", "key")])
async def test_sums_never_touch_the_rows(data_dir: Path, by: tuple[str, ...]) -> None:
    async with await visit(data_dir) as visited:
        statement, _ = await plan(visited.spend, lambda: visited.spend.spend(by, NOON - timedelta(days=9), NOON))

        assert "FROM rows" not in statement


async def test_what_a_key_has_spent_is_found_by_its_own_index(data_dir: Path) -> None:
    async with await visit(data_dir) as visited:
        _, steps = await plan(visited.spend, lambda: visited.spend.spent(KEY, NOON - timedelta(days=9)))

        searches = [step for step in steps if "hours" in step or "days" in step]
        assert len(searches) == 2
        assert all("_key_id_" in step for step in searches)


@pytest.mark.parametrize(("key", "index"), [(None, "ix_rows_at"), (KEY, "ix_rows_key_id_at")])
async def test_the_latest_rows_come_off_an_index_without_sorting(data_dir: Path, key: KeyId | None, index: str) -> None:
    async with await visit(data_dir) as visited:
        _, steps = await plan(visited.spend, lambda: visited.spend.rows(50, key))

        assert [index in step for step in steps] == [True]
