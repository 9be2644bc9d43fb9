"""What every adapter of the ledger promises (`ports.ledger`)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.domain.errors import BadRequest
from appliance.domain.ids import KeyId, Micros, TeamId, WorkspaceId
from appliance.domain.ledger import LedgerRow, Status, Treated
from appliance.domain.usage import Usage
from appliance.ports.ledger import SpendLine
from appliance.store import Opened, open_for_serving
from appliance.store.migrate import migrate
from tests.appliance.store.sites import NOON, a_row
from tests.fakes.clock import FakeClock

MINE, YOURS = KeyId("key_0000000000000001"), KeyId("key_0000000000000002")
FULL_ROW = a_row(
    policy="standard@0a1b2c3d",
    analyser="pii_ner_en-1.0.0@0a1b2c3d4e5f",
    treated=(Treated("PERSON", "mask", 2), Treated("CREDIT_CARD", "block", 1, "out")),
    workspace=WorkspaceId("w"),
    team=TeamId("t"),
    streamed=True,
    status=Status.FAILED,
    http_status=502,
    error="upstream_failed",
    usage=Usage(1, 2, 3, 4, estimated=True),
    unpriced=True,
    first_token_ms=9,
)


@pytest.fixture(params=["sqlite"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    await asyncio.to_thread(migrate, tmp_path / "data")
    async with await open_for_serving(tmp_path / "data", FakeClock()) as opened:
        yield opened


async def written(ledger: Opened, *rows: LedgerRow) -> Opened:
    for row in rows:
        ledger.ledger.record(row)
    await ledger.ledger.flush()
    return ledger


@pytest.mark.parametrize("row", [a_row(), FULL_ROW], ids=["plain", "full"])
async def test_a_row_comes_back_as_it_was_recorded(ledger: Opened, row: LedgerRow) -> None:
    await written(ledger, row)

    assert await ledger.spend.rows(5) == [row]


async def test_a_ledger_that_takes_rows_is_healthy(ledger: Opened) -> None:
    assert ledger.ledger.healthy


async def test_the_latest_rows_come_first_up_to_the_limit_and_by_key(ledger: Opened) -> None:
    rows = [a_row(n, at=NOON + timedelta(seconds=n), key_id=YOURS if n % 2 else MINE) for n in range(6)]
    await written(ledger, *rows)

    assert await ledger.spend.rows(3) == [rows[5], rows[4], rows[3]]
    assert await ledger.spend.rows(2, MINE) == [rows[4], rows[2]]


async def test_sums_count_requests_and_failures_tokens_and_money(ledger: Opened) -> None:
    refused = a_row(status=Status.REFUSED, usage=Usage(), cost=Micros(0))
    await written(ledger, a_row(), FULL_ROW, refused)

    assert await ledger.spend.spend((), None, None) == [
        SpendLine(
            requests=3, failed=1, prompt=11, completion=7, cached=7, reasoning=7, cost=14, unpriced=1, estimated=1
        )
    ]


async def test_an_empty_ledger_sums_to_one_line_of_zeros_or_to_no_group(ledger: Opened) -> None:
    [line] = await ledger.spend.spend((), None, None)

    assert (line.requests, line.cost) == (0, 0)
    assert await ledger.spend.spend(("key",), None, None) == []
    assert await ledger.spend.spent(MINE, None) == (0, 0)


async def test_groups_are_named_in_words_and_in_order_of_time(ledger: Opened) -> None:
    late = datetime(2026, 11, 22, 23, 59, 59, 999_999, tzinfo=UTC)
    early = datetime(2026, 11, 23, tzinfo=UTC)
    await written(ledger, a_row(at=early), a_row(at=late, key_id=YOURS, model="b"), a_row(at=late))

    by_hour = await ledger.spend.spend(("hour", "key", "model"), None, None)
    by_day = await ledger.spend.spend(("day",), None, None)

    assert [(line.day, line.hour, line.key_id, line.model) for line in by_hour] == [
        ("2026-11-22", "2026-11-22T23", MINE, "llama"),
        ("2026-11-22", "2026-11-22T23", YOURS, "b"),
        ("2026-11-23", "2026-11-23T00", MINE, "llama"),
    ]
    assert [(line.day, line.hour, line.key_id, line.requests) for line in by_day] == [
        ("2026-11-22", None, None, 2),
        ("2026-11-23", None, None, 1),
    ]


async def test_spent_counts_from_the_start_of_an_hour(ledger: Opened) -> None:
    hours = [datetime(2026, 11, day, hour, 30, tzinfo=UTC) for day in (20, 21, 22) for hour in (0, 5, 23)]
    await written(ledger, *(a_row(at=at) for at in hours), a_row(key_id=YOURS))

    assert await ledger.spend.spent(MINE, None) == (9 * 7, 9 * 15)
    assert await ledger.spend.spent(MINE, datetime(2026, 11, 21, 5, tzinfo=UTC)) == (5 * 7, 5 * 15)
    assert await ledger.spend.spent(MINE, datetime(2026, 11, 21, tzinfo=UTC)) == (6 * 7, 6 * 15)
    assert await ledger.spend.spent(MINE, datetime(2026, 11, 23, tzinfo=UTC)) == (0, 0)


async def test_an_unknown_group_or_a_moment_without_a_zone_is_refused(ledger: Opened) -> None:
    with pytest.raises(BadRequest, match="`team`"):
        await ledger.spend.spend(("team",), None, None)
    with pytest.raises(BadRequest, match="time zone"):
        await ledger.spend.spend((), NOON.replace(tzinfo=None), None)


HOUR = timedelta(hours=1)
START = datetime(2026, 11, 20, tzinfo=UTC)
moments = st.integers(0, 80).map(lambda hour: START + HOUR * hour)
recorded = st.lists(st.tuples(moments, st.sampled_from([MINE, YOURS]), st.sampled_from("ab")), max_size=30)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=recorded,
    since=st.none() | moments,
    until=st.none() | moments,
    by=st.sets(st.sampled_from(["key", "model", "day", "hour"])),
    key=st.sampled_from([None, MINE]),
)
def test_sums_equal_a_count_by_hand_over_any_range(
    rows: list[tuple[datetime, KeyId, str]],
    since: datetime | None,
    until: datetime | None,
    by: set[str],
    key: KeyId | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("sums") / "data"
    migrate(folder)

    async def ask() -> list[SpendLine]:
        async with await open_for_serving(folder, FakeClock()) as opened:
            await written(opened, *(a_row(at=at, key_id=who, model=model) for at, who, model in rows))
            return await opened.spend.spend(tuple(by), since, until, key)

    expected: dict[tuple[object, ...], int] = {}
    for at, who, model in rows:
        if (since is None or at >= since) and (until is None or at < until) and key in {None, who}:
            group = (
                f"{at:%Y-%m-%d}" if by & {"day", "hour"} else None,
                f"{at:%Y-%m-%dT%H}" if "hour" in by else None,
                who if "key" in by else key,
                model if "model" in by else None,
            )
            expected[group] = expected.get(group, 0) + 1
    if not by:
        expected = expected or {(None, None, key, None): 0}

    lines = {(line.day, line.hour, line.key_id, line.model): line.requests for line in asyncio.run(ask())}

    assert lines == expected
