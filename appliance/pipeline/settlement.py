"""The end of a request: what was held is paid, one row is written, exactly once on every way out."""

import logging
from datetime import datetime

import msgspec

from appliance.domain.errors import StoreUnavailable
from appliance.domain.identity import Principal
from appliance.domain.ids import Micros, RequestId, Seconds
from appliance.domain.ledger import LedgerRow, Status
from appliance.domain.model import Deployment
from appliance.domain.money import Price, cost
from appliance.domain.redaction import Treatment
from appliance.domain.upstream import Kind
from appliance.domain.usage import Usage
from appliance.domain.view import View
from appliance.ports.clock import Clock
from appliance.ports.counters import Counters, Ticket
from appliance.ports.ledger import LedgerWriter
from appliance.ports.observer import Observer

log = logging.getLogger(__name__)

_FREE = Price()
_NOTHING = Usage()


class Books(msgspec.Struct, frozen=True):
    """Where a settlement writes."""

    counters: Counters
    ledger: LedgerWriter
    observer: Observer
    clock: Clock


class Settlement:
    """Everything that will be known of one request. The pipeline fills it in; `close` turns it into a row."""

    __slots__ = (
        "_books",
        "arrived",
        "attempts",
        "began",
        "busy_since",
        "closed",
        "first_token",
        "kind",
        "overhead_ms",
        "price",
        "request_id",
        "ticket",
        "to",
        "treatment",
        "unpriced",
        "usage",
        "view",
        "waited",
        "who",
    )

    def __init__(self, books: Books, who: Principal, kind: Kind, request_id: RequestId) -> None:
        self._books = books
        self.who = who
        self.kind = kind
        self.request_id = request_id
        self.arrived: datetime = books.clock.now()
        self.began = books.clock.monotonic()
        self.view: View | None = None
        self.ticket: Ticket | None = None
        self.to: Deployment | None = None  # the last deployment tried
        self.price = _FREE
        self.unpriced = False
        self.attempts = 0
        self.waited = 0.0  # seconds spent waiting for upstreams
        self.busy_since: float | None = None  # when the attempt that is being paid for began
        self.first_token: float | None = None
        self.overhead_ms: float | None = None
        self.usage = _NOTHING
        self.treatment: Treatment | None = None  # None: no privacy policy looked at it
        self.closed = False

    def speaks(self) -> None:
        """The first non-empty delta is here."""
        if self.first_token is None:
            self.first_token = self._books.clock.monotonic()

    def asked(self) -> None:
        """The client left a deployment at work: what it asked is owed, or asking and leaving would be free."""
        if self.busy_since is not None and not self.usage.total and self.view is not None:
            self.usage = Usage(prompt=self.view.prompt, estimated=True)

    def seconds_left(self) -> float:
        """Until the deadline of the deployment that answers, over all attempts."""
        total = self.to.timeouts.total if self.to else 0.0
        return max(0.0, self.began + total - self._books.clock.monotonic())

    def answered(self) -> float:
        """Milliseconds that the gateway itself took until it had an answer to give; fixed by the first call."""
        if self.overhead_ms is None:
            spent = self._books.clock.monotonic() - self.began - self.waited
            self.overhead_ms = round(max(0.0, spent) * 1000, 3)
        return self.overhead_ms

    async def close(self, status: Status, http_status: int, error: str | None = None) -> None:
        """Settle and write the row. A second call does nothing.

        The row comes first, then the counters, which promise not to be interrupted by cancellation: a client that
        leaves cannot leave a debt.
        """
        if self.closed:
            return
        self.closed = True
        now = self._books.clock.monotonic()
        busy = Seconds(now - self.busy_since) if self.busy_since is not None else Seconds(0.0)
        paid = cost(self.price, self.usage, busy) if self.busy_since is not None else Micros(0)
        row = self._row(status, http_status, error, paid, now)
        self._books.ledger.record(row)
        self._books.observer.request_ended(row)
        if self.treatment is not None:
            self._books.observer.request_treated(self.treatment)
        if self.ticket is not None:
            try:
                await self._books.counters.settle(self.ticket, self.usage.total, paid)
            except StoreUnavailable as fault:  # the answer was given and its row is kept: the client is not told no
                log.error("request `%s` stays reserved: %s", self.request_id, fault.message)  # noqa: TRY400 -- enough

    def _row(self, status: Status, http_status: int, error: str | None, paid: Micros, now: float) -> LedgerRow:
        key, to, view, told = self.who.key, self.to, self.view, self.treatment
        return LedgerRow(
            at=self.arrived,
            request_id=self.request_id,
            key_id=key.id,
            workspace=key.workspace,
            team=key.team,
            kind=self.kind.value,
            model=view.model if view else "",
            deployment=to.label if to else None,
            provider=to.provider if to else None,
            attempts=self.attempts,
            streamed=bool(view and view.stream),
            status=status,
            http_status=http_status,
            error=error,
            usage=self.usage,
            cost=paid,
            unpriced=self.unpriced and self.usage.total > 0,
            first_token_ms=None if self.first_token is None else round((self.first_token - self.began) * 1000),
            total_ms=round((now - self.began) * 1000),
            overhead_ms=self.answered(),
            policy=None if told is None else told.policy,
            analyser=None if told is None else told.analyser,
            treated=() if told is None else told.treated(),
        )
