"""Counters in the memory of one process: exact there, gone with it. Spent budgets are seeded from the ledger.

No call awaits anything between reading and writing, so that requests at the same time cannot pass the same check.

What counts when: a request and the tokens held for it count in the minute they were reserved in; tokens used beyond
those held count from the settlement on. Money and tokens of a budget count in the calendar window of the reservation.
"""

from collections import OrderedDict
from collections.abc import Set as AbstractSet
from itertools import count

from appliance.counters.minute import SPAN, Bucket, Minute
from appliance.counters.periods import ORDER, Calendar, Periods
from appliance.counters.spent import Spent
from appliance.domain.identity import Window
from appliance.domain.ids import KeyId
from appliance.ports.clock import Clock
from appliance.ports.counters import Hold, Refusal, Ticket

SLOT_EXPECTED = 1.0  # seconds: nobody knows when a request ends; this is when to ask again
SWEPT = 2  # idle keys forgotten at each reservation, so that they go faster than new ones come

Held = tuple[Hold, Minute, Bucket, Spent, Periods]


class MemoryCounters:
    """Satisfies `ports.counters.Counters`.

    An idle key keeps a few numbers while it has spent anything, and nothing otherwise.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calendar = Calendar(clock.now())
        self._minutes: OrderedDict[KeyId, Minute] = OrderedDict()  # the longest idle first
        self._spent: dict[KeyId, Spent] = {}
        self._held: dict[int, Held] = {}
        self._ids = count(1)
        self._windows: dict[Window, int] = {window: place for place, window in enumerate(ORDER)}

    async def reserve(self, hold: Hold) -> Ticket | Refusal:
        second = int(self._clock.monotonic())
        minute = self._minute(hold.key, second)
        periods = self._calendar.periods(self._clock.now())
        spent = self._spent_by(hold.key, periods)
        refusal = self._rate_refusal(hold, minute) or self._budget_refusal(hold, spent, periods)
        if refusal is not None:
            return refusal
        bucket = minute.bucket(second)
        minute.take(bucket, hold.tokens)
        minute.parallel += 1
        spent.take(hold.cost, hold.tokens)
        ticket = Ticket(id=next(self._ids), hold=hold)
        self._held[ticket.id] = (hold, minute, bucket, spent, periods)
        return ticket

    async def settle(self, ticket: Ticket, tokens: int, cost: int) -> None:
        held = self._held.pop(ticket.id, None)
        if held is None:
            return
        hold, minute, bucket, spent, periods = held
        minute.parallel -= 1
        if tokens == hold.tokens and cost == hold.cost:
            return
        second = int(self._clock.monotonic())
        minute.look(second)
        minute.correct(bucket, tokens - hold.tokens, second)
        spent.correct(cost - hold.cost, tokens - hold.tokens, periods)

    async def seed(self, key: KeyId, window: Window, cost: int, tokens: int) -> None:
        if not (cost or tokens or key in self._spent):
            return
        spent = self._spent_by(key, self._calendar.periods(self._clock.now()))
        spent.seed(self._windows[window], cost, tokens)

    def keep(self, keys: AbstractSet[KeyId]) -> None:
        """Forget what keys not among `keys` have spent: they are gone for good, and their requests are refused."""
        for key in self._spent.keys() - keys:
            del self._spent[key]

    @property
    def size(self) -> int:
        """Entries in memory: keys that were busy within a minute, keys that have spent, requests in flight."""
        return len(self._minutes) + len(self._spent) + len(self._held)

    def _minute(self, key: KeyId, second: int) -> Minute:
        minutes = self._minutes
        minute = minutes.get(key)
        if minute is None:
            minute = minutes[key] = Minute(second)
            self._sweep(second)
        elif minute.second != second:
            minute.look(second)
            minutes.move_to_end(key)
            self._sweep(second)
        return minute

    def _sweep(self, second: int) -> None:
        """Forget the longest idle keys. One with a request in flight goes to the end of the row instead."""
        minutes = self._minutes
        for _ in range(SWEPT):
            key = next(iter(minutes))
            minute = minutes[key]
            if minute.second > second - SPAN:
                return
            if minute.parallel:
                minute.look(second)
                minutes.move_to_end(key)
                continue
            del minutes[key]
            if (spent := self._spent.get(key)) is not None and spent.empty:
                del self._spent[key]

    def _spent_by(self, key: KeyId, periods: Periods) -> Spent:
        spent = self._spent.get(key)
        if spent is None:
            spent = self._spent[key] = Spent(periods)
        else:
            spent.enter(periods)
        return spent

    def _rate_refusal(self, hold: Hold, minute: Minute) -> Refusal | None:
        if hold.rpm is not None and minute.requests >= hold.rpm:
            room = minute.room_at(requests=hold.rpm - 1)
            return Refusal(limit="rpm", allowed=hold.rpm, used=minute.requests, resets_in=self._until(room))
        if hold.tpm is not None and hold.tokens and minute.tokens + hold.tokens > hold.tpm:
            room = minute.room_at(tokens=hold.tpm - hold.tokens)
            return Refusal(limit="tpm", allowed=hold.tpm, used=minute.tokens, resets_in=self._until(room))
        if hold.parallel is not None and minute.parallel >= hold.parallel:
            wait = SLOT_EXPECTED if hold.parallel else None
            return Refusal(limit="parallel", allowed=hold.parallel, used=minute.parallel, resets_in=wait)
        return None

    def _budget_refusal(self, hold: Hold, spent: Spent, periods: Periods) -> Refusal | None:
        """A hold that takes nothing of a budget is not refused for it: a free model costs no money."""
        if hold.budget is None and hold.budget_tokens is None:
            return None
        window = self._windows[hold.window]
        if hold.budget is not None and hold.cost and (used := spent.cost(window)) + hold.cost > hold.budget:
            wait = self._renewal(window, periods) if hold.cost <= hold.budget else None
            return Refusal(limit="budget", allowed=hold.budget, used=used, resets_in=wait)
        if hold.budget_tokens is not None and hold.tokens:
            used = spent.tokens(window)
            if used + hold.tokens > hold.budget_tokens:
                wait = self._renewal(window, periods) if hold.tokens <= hold.budget_tokens else None
                return Refusal(limit="budget_tokens", allowed=hold.budget_tokens, used=used, resets_in=wait)
        return None

    def _until(self, second: int | None) -> float | None:
        return None if second is None else max(0.0, second - self._clock.monotonic())

    def _renewal(self, window: int, periods: Periods) -> float | None:
        end = periods.end(window)
        return None if end is None else max(0.0, end - self._clock.now().timestamp())
