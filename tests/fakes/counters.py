"""Counters that hold what they are told, and say what was settled."""

from appliance.domain.errors import StoreUnavailable
from appliance.domain.identity import Window
from appliance.domain.ids import KeyId
from appliance.ports.counters import Hold, Refusal, Ticket
from tests.fakes.gate import Gate


class FakeCounters:
    def __init__(self) -> None:
        self.holds: list[Hold] = []
        self.open: dict[int, Ticket] = {}  # reserved and not yet settled
        self.settled: list[tuple[int, int]] = []  # (tokens, cost), in the order they came
        self.seeded: list[tuple[KeyId, Window, int, int]] = []
        self.refusal: Refusal | None = None
        self.broken = False  # raise StoreUnavailable instead of reserving
        self.settle_broken = False  # the same, instead of settling
        self.at_reserve: Gate | None = None
        self.at_settle: Gate | None = None

    async def reserve(self, hold: Hold) -> Ticket | Refusal:
        if self.at_reserve is not None:
            await self.at_reserve.wait()
        if self.broken:
            raise StoreUnavailable("the counters do not answer", retry_after=5)
        if self.refusal is not None:
            return self.refusal
        self.holds.append(hold)
        ticket = Ticket(id=len(self.holds), hold=hold)
        self.open[ticket.id] = ticket
        return ticket

    async def settle(self, ticket: Ticket, tokens: int, cost: int) -> None:
        if self.at_settle is not None:
            await self.at_settle.wait()
        if self.settle_broken:
            raise StoreUnavailable("the counters do not answer", retry_after=5)
        if self.open.pop(ticket.id, None) is not None:
            self.settled.append((tokens, cost))

    async def seed(self, key: KeyId, window: Window, cost: int, tokens: int) -> None:
        self.seeded.append((key, window, cost, tokens))
