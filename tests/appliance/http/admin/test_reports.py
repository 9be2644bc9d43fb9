from datetime import UTC, datetime

import httpx
import pytest

from tests.fakes.desk import FakeDesk


async def test_spend_is_asked_as_the_query_says(admin: httpx.AsyncClient, desk: FakeDesk) -> None:
    told = await admin.get(
        "/admin/spend", params={"by": "day,model,day", "since": "2026-01-31T00:00:00Z", "key": "key_1"}
    )

    assert told.status_code == 200
    assert told.json()["unpriced_by_declaration"] is True
    assert desk.spend.asked == [(("day", "model"), datetime(2026, 1, 31, tzinfo=UTC), None, "key_1")]


async def test_rows_and_events_have_a_limit(admin: httpx.AsyncClient, desk: FakeDesk) -> None:
    await admin.post("/admin/keys", json={"name": "a"})
    await admin.post("/admin/keys", json={"name": "b"})

    assert (await admin.get("/admin/spend/rows", params={"limit": "7"})).json() == []
    assert desk.spend.asked == [(7, None)]
    assert len((await admin.get("/admin/events", params={"limit": "1"})).json()) == 1
    assert (await admin.get("/admin/events", params={"action": "key.delete"})).json() == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("by=key;drop", "by"),
        ("by=", "by"),
        ("since=yesterday", "since"),
        ("since=1900000000", "since"),
        ("since=2026-01-31T00:00:00", "since"),
        ("until=2026-13-31T00:00:00Z", "until"),
        ("untill=2026-01-31T00:00:00Z", "untill"),
        ("key=a&key=b", "key"),
    ],
)
async def test_a_query_that_cannot_be_meant_is_refused_and_named(
    admin: httpx.AsyncClient, desk: FakeDesk, query: str, param: str
) -> None:
    refused = await admin.get(f"/admin/spend?{query}")

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert desk.spend.asked == []


@pytest.mark.parametrize("limit", ["0", "10001", "-1", "1.0", "1e3", "٣", "9" * 400, ""])
async def test_a_limit_is_a_number_within_bounds(admin: httpx.AsyncClient, limit: str) -> None:
    refused = await admin.get("/admin/events", params={"limit": limit})

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "limit")
