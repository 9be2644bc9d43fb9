"""What the pipeline tells whoever watches: metrics and logs. Never a body, never a secret."""

from typing import Protocol

from appliance.domain.ledger import LedgerRow
from appliance.domain.model import Deployment
from appliance.domain.redaction import Treatment
from appliance.domain.upstream import Failure


class Observer(Protocol):
    def attempt_failed(self, to: Deployment, failure: Failure, after: float) -> None:
        """`after` seconds from the attempt's start."""
        ...

    def request_ended(self, row: LedgerRow) -> None: ...

    def request_treated(self, told: Treatment) -> None:
        """How a privacy policy treated a request; comes after its `request_ended`."""
        ...

    def refused(self, reason: str) -> None:
        """A request was refused before it had a row (bad key, bad host, malformed, ...); counted by error kind."""
        ...
