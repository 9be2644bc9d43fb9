"""The privacy step of a request's story: which policy holds, what it does, and what happens when it cannot."""

from typing import Protocol

from appliance.domain.errors import RedactionUnavailable
from appliance.domain.events import Event
from appliance.domain.identity import Key
from appliance.domain.model import Model
from appliance.domain.privacy import Fail
from appliance.domain.redaction import Treatment
from appliance.domain.upstream import Body
from appliance.pipeline.settlement import Settlement
from appliance.ports.clock import Clock
from appliance.redaction.output import Outgoing
from appliance.redaction.policy.resolve import InForce, Policies
from appliance.redaction.redactor import Redactor


class EventLog(Protocol):
    """Where an event is durable before the call returns. Raises StoreUnavailable."""

    async def add_event(self, event: Event) -> None: ...


class Privacy:
    """Policies and the redactor that carries them out."""

    def __init__(self, policies: Policies, redactor: Redactor, events: EventLog, clock: Clock) -> None:
        self._policies = policies
        self._redactor = redactor
        self._events = events
        self._clock = clock

    def in_force(self, key: Key, model: Model) -> InForce:
        """`IDLE` where nothing is looked at. Raises RedactionUnavailable for a policy that is no longer there."""
        return self._policies.in_force(key=key.privacy, route=model.privacy)

    async def cover(self, case: Settlement, body: Body, rules: InForce) -> tuple[Body, Outgoing | None]:
        """The body as it may be sent, and what its answer goes through.

        Raises ContentBlocked; RedactionUnavailable unless the policy fails open, and StoreUnavailable when it does and
        the event that says so cannot be kept.
        """
        told = case.treatment = Treatment(rules.policy.id)
        try:
            covered = await self._redactor.request(case.kind, body, rules, told)
        except RedactionUnavailable as fault:
            told.failure = fault.why
            if rules.policy.fail is Fail.CLOSED:
                raise
            told.passed = True
            await self._events.add_event(self._passed(case, rules, fault))
            return body, None
        return covered.body, covered.answer

    def _passed(self, case: Settlement, rules: InForce, fault: RedactionUnavailable) -> Event:
        return Event(
            at=self._clock.now(),
            actor=str(case.who.key.id),
            action="privacy.passed",
            subject=str(case.request_id),
            detail=f"policy {rules.policy.id} let a request pass that was not analysed: {fault.message}",
        )
