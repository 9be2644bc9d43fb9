"""An observer that remembers."""

from appliance.domain.ledger import LedgerRow
from appliance.domain.model import Deployment
from appliance.domain.redaction import Treatment
from appliance.domain.upstream import Failure, FailureKind


class FakeObserver:
    def __init__(self) -> None:
        self.failures: list[tuple[str, FailureKind, float]] = []  # label, kind, seconds
        self.ended: list[LedgerRow] = []
        self.refusals: list[str] = []
        self.treated: list[Treatment] = []

    def attempt_failed(self, to: Deployment, failure: Failure, after: float) -> None:
        self.failures.append((to.label, failure.kind, after))

    def request_ended(self, row: LedgerRow) -> None:
        self.ended.append(row)

    def request_treated(self, told: Treatment) -> None:
        self.treated.append(told)

    def refused(self, reason: str) -> None:
        self.refusals.append(reason)
