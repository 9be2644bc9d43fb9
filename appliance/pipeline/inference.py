"""The story of one request, from a principal and a body to an answer on its way."""

import math
from collections.abc import Callable, Mapping
from random import Random

import msgspec

from appliance.domain.errors import StoreUnavailable
from appliance.domain.identity import Principal
from appliance.domain.ids import KeyId, RequestId
from appliance.domain.secret import Secret
from appliance.domain.upstream import Body, Call, Kind, WholeAnswer
from appliance.domain.usage import Usage
from appliance.domain.view import View, view
from appliance.ledger.reserve import hold, refusal
from appliance.pipeline.attempt import Attempts
from appliance.pipeline.catalogue import CatalogueKeeper
from appliance.pipeline.merge import usage_object
from appliance.pipeline.privacy import Privacy
from appliance.pipeline.relay import CHARACTERS_PER_TOKEN, Relay, answer_id, drop_reasoning
from appliance.pipeline.settlement import Books, Settlement
from appliance.policy.grant import grant
from appliance.ports.counters import Refusal
from appliance.redaction.output import Outgoing
from appliance.redaction.policy.resolve import IDLE
from appliance.routing.plan import plan
from appliance.routing.strategies import Strategy
from appliance.routing.strategies.least_busy import LeastBusy
from appliance.routing.strategies.weighted import Weighted

_encode = msgspec.json.Encoder().encode


def strategies(random: Random) -> Mapping[str, Strategy]:
    """By the name a model gives."""
    return {"weighted": Weighted(random), "least-busy": LeastBusy(random)}


class Whole(msgspec.Struct, frozen=True):
    """A whole answer, encoded."""

    body: bytes


Answer = Whole | Relay


class Inference:
    """Chat, completions and embeddings: the same story, told with each one's own view."""

    def __init__(
        self,
        catalogue: CatalogueKeeper,
        books: Books,
        attempts: Attempts,
        random: Random,
        on_old_pepper: Callable[[KeyId, Secret], None],
        *,
        privacy: Privacy,
        unwanted: str | None = None,
    ) -> None:
        """`on_old_pepper` is told of a key that was hashed before the last rotation; it must return at once.

        `unwanted` is the one of `reasoning` and `reasoning_content` that this site leaves out of answers.
        """
        self._unwanted = unwanted
        self._privacy = privacy
        self._on_old_pepper = on_old_pepper
        self._catalogue = catalogue
        self._books = books
        self._attempts = attempts
        self._strategies = strategies(random)

    def authenticate(self, token: str) -> Principal:
        """Raises InvalidKey, ExpiredKey, StoreUnavailable."""
        ring = self._catalogue.current().ring
        who = ring.authenticate(token, self._books.clock.now())
        if who.key.pepper_version != ring.newest:
            self._on_old_pepper(who.key.id, Secret(token))
        return who

    def begin(self, who: Principal, kind: Kind, request_id: RequestId) -> Settlement:
        """From here on the request will have its row. Raises StoreUnavailable when no row could be kept."""
        if not self._books.ledger.healthy:
            raise StoreUnavailable("the ledger cannot be written; new work is refused until it can", retry_after=5)
        return Settlement(self._books, who, kind, request_id)

    async def run(self, case: Settlement, body: Body) -> Answer:
        """Raises any GatewayError; the caller closes `case` on every path."""
        seen = case.view = view(case.kind, body)
        site = self._catalogue.current()
        granted = grant(case.who, seen, body, site.models)
        model = site.models[granted.model]
        rules = self._privacy.in_force(case.who.key, model)
        answer: Outgoing | None = None
        if rules is not IDLE:
            body, answer = await self._privacy.cover(case, body, rules)
            seen = case.view = view(case.kind, body)  # what is sent is what is counted
        order = plan(model, seen, self._attempts.in_flight, self._strategies)
        held = await self._books.counters.reserve(hold(granted, seen, order, site.default_price))
        if isinstance(held, Refusal):
            raise refusal(held, case.who.key.hint)
        case.ticket = held
        call = Call(
            kind=case.kind,
            body=body,
            request_id=case.request_id,
            salt=case.who.salt,
            stream=seen.stream,
            choices=seen.choices,
        )
        started = await self._attempts.first_answer(call, order, case, site.default_price)
        if isinstance(started, WholeAnswer):
            if answer is not None:
                started = WholeAnswer(await answer.whole(started.body), started.usage)
            drop_reasoning(started.body, "message", self._unwanted)
            return _whole(started, seen, case)
        return Relay(started, seen, case, self._unwanted, answer)


def _whole(answer: WholeAnswer, seen: View, case: Settlement) -> Whole:
    """Our id and the public model name in; usage counted here when the server told none."""
    body = answer.body
    case.speaks()
    if answer.usage is None:
        text = sum(_length(choice) for choice in body.get("choices", ()))
        case.usage = Usage(prompt=seen.prompt, completion=math.ceil(text / CHARACTERS_PER_TOKEN), estimated=True)
        body["usage"] = usage_object(case.usage)
    else:
        case.usage = answer.usage
    body.pop("system_fingerprint", None)  # names the server's build
    body["model"] = seen.model
    if seen.kind is not Kind.EMBEDDINGS:
        body["id"] = answer_id(seen.kind, case.request_id)
        body["created"] = int(case.arrived.timestamp())
    return Whole(_encode(body))


def _length(choice: Body) -> int:
    message = choice.get("message") or {}
    texts = (choice.get("text"), message.get("content"), message.get("reasoning"))
    calls = message.get("tool_calls") or ()
    spoken = sum(len(text) for text in texts if isinstance(text, str))
    return spoken + sum(len(str((call.get("function") or {}).get("arguments") or "")) for call in calls)
