"""Failed attempts in the log: why an answer took long or came from elsewhere. Coalesced, without upstream's words."""

import logging
from collections.abc import Callable

from appliance.domain.ledger import LedgerRow
from appliance.domain.model import Deployment
from appliance.domain.redaction import Treatment
from appliance.domain.upstream import Failure
from appliance.ports.observer import Observer

log = logging.getLogger(__name__)

_MOST = 2000


class Journal:
    """An Observer that writes, and passes everything on to `then`.

    An upstream's message may quote the prompt, so only the kind and the status are written. The same failure of the
    same deployment is written at most once in `every` seconds, with how often it came in between.
    """

    def __init__(self, then: Observer, monotonic: Callable[[], float], every: float = 10.0) -> None:
        self._then = then
        self._monotonic = monotonic
        self._every = every
        self._last: dict[tuple[str, str], float] = {}
        self._unsaid: dict[tuple[str, str], int] = {}

    def attempt_failed(self, to: Deployment, failure: Failure, after: float) -> None:
        self._then.attempt_failed(to, failure, after)
        what, now = (to.id, failure.kind.value), self._monotonic()
        if now - self._last.get(what, -self._every) < self._every:
            self._unsaid[what] = self._unsaid.get(what, 0) + 1
            return
        if len(self._last) >= _MOST:
            self._last.clear()
        self._last[what] = now
        log.warning(
            "an attempt at `%s` failed: %s",
            to.id,
            failure.kind.value,
            extra={"status": failure.status, "after_s": round(after, 3), "unsaid": self._unsaid.pop(what, 0)},
        )

    def request_ended(self, row: LedgerRow) -> None:
        self._then.request_ended(row)

    def request_treated(self, told: Treatment) -> None:
        self._then.request_treated(told)

    def refused(self, reason: str) -> None:
        self._then.refused(reason)
