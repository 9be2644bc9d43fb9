"""What every adapter of the counters promises (`ports.counters`)."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from appliance.counters import MemoryCounters
from appliance.domain.identity import Window
from appliance.domain.ids import KeyId
from appliance.ports.counters import Counters, Hold, Refusal, Ticket
from tests.fakes.clock import FakeClock

MINE, YOURS = KeyId("key_0000000000000001"), KeyId("key_0000000000000002")
LATE = datetime(2026, 12, 31, 23, 59, 30, tzinfo=UTC)  # the last half minute of an hour, a day, a month and a year


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(LATE)


@pytest.fixture(params=["memory"])
def counters(request: pytest.FixtureRequest, clock: FakeClock) -> Counters:
    return MemoryCounters(clock)


def a_hold(**changes: Any) -> Hold:
    values: dict[str, Any] = {"key": MINE, "tokens": 10, "cost": 100}
    return Hold(**{**values, **changes})


async def taken(counters: Counters, hold: Hold) -> Ticket:
    ticket = await counters.reserve(hold)
    assert isinstance(ticket, Ticket), ticket
    return ticket


async def refused(counters: Counters, hold: Hold) -> Refusal:
    refusal = await counters.reserve(hold)
    assert isinstance(refusal, Refusal), refusal
    return refusal


async def test_without_limits_nothing_is_refused(counters: Counters) -> None:
    tickets = [await taken(counters, a_hold()) for _ in range(100)]

    assert len({ticket.id for ticket in tickets}) == 100


@pytest.mark.parametrize(
    ("limit", "allowed", "used"),
    [("rpm", 2, 2), ("tpm", 29, 20), ("parallel", 2, 2), ("budget", 299, 200), ("budget_tokens", 29, 20)],
)
async def test_a_limit_refuses_what_would_pass_it_and_says_what_is_used(
    counters: Counters, limit: str, allowed: int, used: int
) -> None:
    hold = a_hold(**{limit: allowed})
    await taken(counters, hold)
    await taken(counters, hold)

    refusal = await refused(counters, hold)

    assert (refusal.limit, refusal.allowed, refusal.used) == (limit, allowed, used)


@pytest.mark.parametrize("limit", ["rpm", "tpm", "parallel", "budget", "budget_tokens"])
async def test_keys_do_not_share_an_allowance(counters: Counters, limit: str) -> None:
    allowed = {"tpm": 10, "budget": 100, "budget_tokens": 10}.get(limit, 1)
    await taken(counters, a_hold(key=MINE, **{limit: allowed}))

    await taken(counters, a_hold(key=YOURS, **{limit: allowed}))

    await refused(counters, a_hold(key=MINE, **{limit: allowed}))


@pytest.mark.parametrize("limit", ["rpm", "tpm", "parallel", "budget", "budget_tokens"])
async def test_an_allowance_of_zero_refuses_and_never_resets_by_itself(counters: Counters, limit: str) -> None:
    refusal = await refused(counters, a_hold(**{limit: 0}))

    assert (refusal.used, refusal.resets_in) == (0, None)


@pytest.mark.parametrize("limit", ["tpm", "budget", "budget_tokens"])
async def test_a_hold_above_the_whole_allowance_never_resets_by_itself(counters: Counters, limit: str) -> None:
    allowed = {"tpm": 9, "budget": 99, "budget_tokens": 9}[limit]

    assert (await refused(counters, a_hold(**{limit: allowed}, window=Window.DAY))).resets_in is None


async def test_a_refusal_takes_nothing(counters: Counters) -> None:
    strict = a_hold(rpm=5, tpm=1000, parallel=5, budget=10_000, budget_tokens=9)
    for _ in range(10):
        assert (await refused(counters, strict)).limit == "budget_tokens"

    await taken(counters, a_hold(rpm=1, tpm=10, parallel=1, budget=100, budget_tokens=10))


async def test_a_hold_without_a_limit_still_counts(counters: Counters) -> None:
    await taken(counters, a_hold())

    for limit, allowed in (("rpm", 1), ("tpm", 19), ("parallel", 1), ("budget", 199), ("budget_tokens", 19)):
        assert (await refused(counters, a_hold(**{limit: allowed}))).limit == limit


async def test_settling_frees_the_slot_and_what_was_not_used(counters: Counters) -> None:
    hold = a_hold(tpm=19, parallel=1, budget=199, budget_tokens=19)
    ticket = await taken(counters, hold)

    await counters.settle(ticket, tokens=9, cost=99)

    await taken(counters, hold)


async def test_what_was_used_beyond_the_hold_counts(counters: Counters) -> None:
    ticket = await taken(counters, a_hold())

    await counters.settle(ticket, tokens=15, cost=150)

    assert (await refused(counters, a_hold(tpm=24))).used == 15
    assert (await refused(counters, a_hold(budget=249))).used == 150
    assert (await refused(counters, a_hold(budget_tokens=24))).used == 15


async def test_settling_twice_does_nothing(counters: Counters) -> None:
    hold = a_hold(parallel=2, budget_tokens=1000)
    first, _ = await taken(counters, hold), await taken(counters, hold)

    await counters.settle(first, tokens=5, cost=50)
    await counters.settle(first, tokens=5, cost=50)
    await counters.settle(first, tokens=0, cost=0)

    assert (await refused(counters, a_hold(parallel=1))).used == 1
    assert (await refused(counters, a_hold(budget_tokens=15))).used == 15


async def test_a_released_request_still_counts_as_one(counters: Counters) -> None:
    await counters.settle(await taken(counters, a_hold(rpm=1)), tokens=0, cost=0)

    assert (await refused(counters, a_hold(rpm=1))).limit == "rpm"


async def test_the_room_of_a_rate_comes_back_when_it_was_said_to(counters: Counters, clock: FakeClock) -> None:
    hold = a_hold(rpm=1)
    await taken(counters, hold)
    clock.advance(20.5)
    refusal = await refused(counters, hold)
    assert refusal.resets_in is not None
    assert 39.5 <= refusal.resets_in <= 40.5  # at most a second late, never early

    clock.advance(refusal.resets_in - 0.001)
    await refused(counters, hold)
    clock.advance(0.001)

    await taken(counters, hold)


async def test_a_token_rate_says_when_enough_has_passed(counters: Counters, clock: FakeClock) -> None:
    await taken(counters, a_hold(tokens=5))
    clock.advance(10)
    await taken(counters, a_hold(tokens=50))
    clock.advance(10)

    small = await refused(counters, a_hold(tokens=5, tpm=55))
    large = await refused(counters, a_hold(tokens=55, tpm=55))

    assert small.resets_in is not None
    assert large.resets_in is not None
    assert large.resets_in - small.resets_in == 10


@pytest.mark.parametrize(
    ("window", "resets_in"), [(Window.HOUR, 30), (Window.DAY, 30), (Window.MONTH, 30), (Window.TOTAL, None)]
)
async def test_a_budget_renews_at_the_end_of_its_calendar_window(
    counters: Counters, clock: FakeClock, window: Window, resets_in: float | None
) -> None:
    hold = a_hold(budget=100, budget_tokens=10, window=window)
    await counters.settle(await taken(counters, hold), tokens=10, cost=100)
    assert (await refused(counters, hold)).resets_in == resets_in

    clock.advance(30)

    if window is Window.TOTAL:
        await refused(counters, hold)
    else:
        await taken(counters, hold)


@pytest.mark.parametrize(("window", "renewed"), [(Window.HOUR, True), (Window.DAY, False), (Window.MONTH, False)])
async def test_a_longer_window_outlives_the_hour(
    counters: Counters, clock: FakeClock, window: Window, *, renewed: bool
) -> None:
    clock.advance(30)  # the first second of a year
    hold = a_hold(budget=100, window=window)
    await taken(counters, hold)
    clock.advance(3600)

    assert isinstance(await counters.reserve(hold), Ticket) is renewed


async def test_a_request_counts_in_the_window_it_was_reserved_in(counters: Counters, clock: FakeClock) -> None:
    old = await taken(counters, a_hold())
    clock.advance(60)  # a new year
    await taken(counters, a_hold())

    await counters.settle(old, tokens=1_000, cost=10_000)

    assert (await refused(counters, a_hold(budget=199, window=Window.MONTH))).used == 100
    assert (await refused(counters, a_hold(budget=199, window=Window.TOTAL))).used == 10_100


async def test_a_clock_set_back_gives_no_allowance_twice(counters: Counters, clock: FakeClock) -> None:
    clock.advance(60)
    hold = a_hold(budget=100, window=Window.HOUR)
    await taken(counters, hold)

    clock._now = LATE  # NTP steps the wall clock; the monotonic one goes on

    await refused(counters, hold)


@pytest.mark.parametrize("window", list(Window))
async def test_a_seed_counts_in_its_own_window_only_and_is_set_not_added(counters: Counters, window: Window) -> None:
    await taken(counters, a_hold())
    await counters.seed(MINE, window, cost=500, tokens=5)
    await counters.seed(MINE, window, cost=1_000, tokens=70)

    for other in Window:
        used_cost, used_tokens = (1_100, 80) if other is window else (100, 10)
        assert (await refused(counters, a_hold(budget=199, window=other))).used == used_cost
        assert (await refused(counters, a_hold(budget_tokens=19, window=other))).used == used_tokens


async def test_a_seed_is_gone_with_its_window(counters: Counters, clock: FakeClock) -> None:
    await counters.seed(MINE, Window.MONTH, cost=1_000, tokens=0)
    clock.advance(30)

    await taken(counters, a_hold(budget=100, window=Window.MONTH))


async def test_a_hold_that_costs_nothing_passes_a_spent_budget(counters: Counters) -> None:
    await taken(counters, a_hold(budget=100))

    await taken(counters, a_hold(cost=0, budget=100))


@pytest.mark.parametrize("limit", ["rpm", "tpm", "parallel", "budget", "budget_tokens"])
async def test_a_thousand_at_once_pass_a_limit_exactly(counters: Counters, limit: str) -> None:
    allowed = {"tpm": 377, "budget": 3_777, "budget_tokens": 377}.get(limit, 37)
    hold = a_hold(**{limit: allowed})

    async def ask() -> bool:
        await asyncio.sleep(0)
        ticket = await counters.reserve(hold)
        await asyncio.sleep(0)
        return isinstance(ticket, Ticket)

    passed = await asyncio.gather(*(ask() for _ in range(1_000)))

    assert sum(passed) == 37
