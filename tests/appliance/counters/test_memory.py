"""Laws of the counters in memory, against a model that keeps everything and adds it up."""

from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, rule

from appliance.counters import MemoryCounters
from appliance.domain.identity import Window
from appliance.domain.ids import KeyId
from appliance.ports.counters import Hold, Refusal, Ticket
from tests.fakes.clock import FakeClock

KEYS = [KeyId("key_a"), KeyId("key_b")]
Answer = TypeVar("Answer")


def at_once(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine that may not wait for anything: a wait inside a reservation would let another one in."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # typed by the coroutine
    raise AssertionError("the counters waited")


class Request(msgspec.Struct):
    """What the model remembers of a reservation."""

    ticket: Ticket
    second: int
    names: dict[Window, str]
    tokens: int
    cost: int
    excess: int = 0
    excess_second: int = 0
    settled: bool = False


class Model:
    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.requests: list[Request] = []
        self.seeds: dict[tuple[KeyId, Window, str], tuple[int, int]] = {}

    def names(self) -> dict[Window, str]:
        now = self.clock.now()
        return {
            Window.HOUR: f"{now:%Y%m%d%H}",
            Window.DAY: f"{now:%Y%m%d}",
            Window.MONTH: f"{now:%Y%m}",
            Window.TOTAL: "",
        }

    def recent(self, second: int) -> bool:
        return int(self.clock.monotonic()) - second <= 60

    def used(self, hold: Hold) -> dict[str, int]:
        mine = [request for request in self.requests if request.ticket.hold.key == hold.key]
        name = self.names()[hold.window]
        paid = [request for request in mine if request.names[hold.window] == name]
        seed = self.seeds.get((hold.key, hold.window, name), (0, 0))
        return {
            "rpm": sum(self.recent(request.second) for request in mine),
            "tpm": sum(request.tokens * self.recent(request.second) for request in mine)
            + sum(request.excess * self.recent(request.excess_second) for request in mine),
            "parallel": sum(not request.settled for request in mine),
            "budget": seed[0] + sum(request.cost for request in paid),
            "budget_tokens": seed[1] + sum(request.tokens + request.excess for request in paid),
        }

    def refusal(self, hold: Hold) -> tuple[str, int, int] | None:
        takes = {"rpm": 1, "tpm": hold.tokens, "parallel": 1, "budget": hold.cost, "budget_tokens": hold.tokens}
        for limit, used in self.used(hold).items():
            allowed = getattr(hold, limit)
            if allowed is not None and takes[limit] and used + takes[limit] > allowed:
                return limit, allowed, used
        return None


limits = st.none() | st.integers(0, 40)
holds = st.builds(
    Hold,
    key=st.sampled_from(KEYS),
    tokens=st.integers(0, 12),
    cost=st.integers(0, 12),
    rpm=st.none() | st.integers(0, 5),
    tpm=limits,
    parallel=st.none() | st.integers(0, 4),
    budget=limits,
    budget_tokens=limits,
    window=st.sampled_from(Window),
)


class CountersAgainstModel(RuleBasedStateMachine):
    tickets: Bundle[Request] = Bundle("tickets")
    settled: Bundle[Ticket] = Bundle("settled")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock(datetime(2026, 12, 31, 22, 58, 30, tzinfo=UTC))
        self.counters = MemoryCounters(self.clock)
        self.model = Model(self.clock)

    @rule(target=tickets, hold=holds)
    def reserve(self, hold: Hold) -> Any:
        expected = self.model.refusal(hold)

        answer = at_once(self.counters.reserve(hold))

        if isinstance(answer, Refusal):
            assert (answer.limit, answer.allowed, answer.used) == expected
            assert answer.resets_in is None or answer.resets_in >= 0
            return _nothing()
        assert expected is None
        second = int(self.clock.monotonic())
        request = Request(answer, second, self.model.names(), hold.tokens, hold.cost)
        self.model.requests.append(request)
        return request

    @rule(target=settled, request=consumes(tickets), tokens=st.integers(0, 20), cost=st.integers(0, 20))
    def settle(self, request: Request | None, tokens: int, cost: int) -> Any:
        if request is None:
            return _nothing()
        at_once(self.counters.settle(request.ticket, tokens, cost))
        hold = request.ticket.hold
        request.settled, request.cost = True, cost
        request.tokens, request.excess = min(tokens, hold.tokens), max(0, tokens - hold.tokens)
        request.excess_second = int(self.clock.monotonic())
        return request.ticket

    @rule(ticket=settled, tokens=st.integers(0, 20))
    def settle_again(self, ticket: Ticket | None, tokens: int) -> None:
        if ticket is not None:
            at_once(self.counters.settle(ticket, tokens, tokens))

    @rule(key=st.sampled_from(KEYS), window=st.sampled_from(Window), cost=st.integers(0, 9), tokens=st.integers(0, 9))
    def seed(self, key: KeyId, window: Window, cost: int, tokens: int) -> None:
        at_once(self.counters.seed(key, window, cost, tokens))
        self.model.seeds[key, window, self.model.names()[window]] = (cost, tokens)

    @rule(seconds=st.floats(0, 70) | st.sampled_from([1.0, 59.5, 60.0, 60.5, 61.0, 62.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(hours=st.sampled_from([1, 2, 25, 24 * 32]))
    def wait_long(self, hours: int) -> None:
        self.clock.advance(3600.0 * hours)


def _nothing() -> None:
    return None


CountersAgainstModel.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestCountersAgainstModel = CountersAgainstModel.TestCase

arrivals = st.lists(st.tuples(st.floats(0, 20), st.integers(1, 30), st.integers(0, 30)), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(arrivals=arrivals, rpm=st.integers(1, 8), tpm=st.integers(10, 80))
def test_no_sixty_seconds_hold_more_than_the_rates(arrivals: list[tuple[float, int, int]], rpm: int, tpm: int) -> None:
    clock = FakeClock()
    counters = MemoryCounters(clock)
    passed: list[tuple[float, int]] = []  # (when, tokens)

    for gap, tokens, wanted in arrivals:
        clock.advance(gap)
        ticket = at_once(counters.reserve(Hold(key=KEYS[0], tokens=tokens, cost=0, rpm=rpm, tpm=tpm)))
        if isinstance(ticket, Ticket):
            used = min(wanted, tokens)
            at_once(counters.settle(ticket, used, 0))
            passed.append((clock.monotonic(), used))

    for end, _ in passed:
        within = [tokens for when, tokens in passed if end - 60 < when <= end]
        assert len(within) <= rpm
        assert sum(within) <= tpm


@settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30), st.booleans()), max_size=60),
    budget=st.integers(0, 200),
)
def test_a_budget_is_never_overspent_while_no_request_uses_more_than_it_held(
    steps: list[tuple[int, int, bool]], budget: int
) -> None:
    counters = MemoryCounters(FakeClock())
    open_: list[tuple[Ticket, int]] = []
    paid = 0

    for cost, used, finish in steps:
        hold = Hold(key=KEYS[0], tokens=cost, cost=cost, budget=budget, budget_tokens=budget)
        ticket = at_once(counters.reserve(hold))
        if isinstance(ticket, Ticket):
            open_.append((ticket, min(used, cost)))
        if finish and open_:
            done, amount = open_.pop(0)
            at_once(counters.settle(done, amount, amount))
            paid += amount
    for done, amount in open_:
        at_once(counters.settle(done, amount, amount))
        paid += amount

    assert paid <= budget


def test_keys_that_went_idle_leave_nothing_behind_once_they_spent_nothing() -> None:
    clock = FakeClock()
    counters = MemoryCounters(clock)
    for number in range(1_000):
        ticket = at_once(counters.reserve(Hold(key=KeyId(f"key_{number}"), tokens=5, cost=5)))
        assert isinstance(ticket, Ticket)
        at_once(counters.settle(ticket, 0, 0))
    assert counters.size == 2_000
    clock.advance(61)

    for _ in range(1_000):
        clock.advance(1)
        at_once(counters.reserve(Hold(key=KeyId("key_busy"), tokens=5, cost=5, parallel=1)))

    assert counters.size == 3  # the busy key's minute and spending, and its request in flight


def test_what_idle_keys_have_spent_is_kept_until_they_are_gone() -> None:
    clock = FakeClock()
    counters = MemoryCounters(clock)
    ticket = at_once(counters.reserve(Hold(key=KEYS[0], tokens=5, cost=5)))
    assert isinstance(ticket, Ticket)
    at_once(counters.settle(ticket, 5, 5))
    clock.advance(3600)
    at_once(counters.reserve(Hold(key=KEYS[1], tokens=5, cost=5)))

    counters.keep({*KEYS})
    refusal = at_once(counters.reserve(Hold(key=KEYS[0], tokens=5, cost=5, budget=9)))
    assert isinstance(refusal, Refusal)
    counters.keep({KEYS[1]})

    assert isinstance(at_once(counters.reserve(Hold(key=KEYS[0], tokens=5, cost=5, budget=9))), Ticket)


def test_a_key_with_a_request_in_flight_is_not_forgotten() -> None:
    clock = FakeClock()
    counters = MemoryCounters(clock)
    slow = Hold(key=KEYS[0], tokens=0, cost=0, parallel=1)
    at_once(counters.reserve(slow))

    for _ in range(200):
        clock.advance(61)
        at_once(counters.reserve(Hold(key=KEYS[1], tokens=0, cost=0)))

    assert isinstance(at_once(counters.reserve(slow)), Refusal)
