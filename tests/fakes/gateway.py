"""A whole gateway around fakes, from the ASGI route to the ledger row."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any, cast

from litestar.types import HTTPScope, Receive, Send

from appliance.domain.errors import GatewayError
from appliance.domain.identity import Key
from appliance.domain.ids import KeyId, ProviderName
from appliance.domain.model import Model
from appliance.domain.money import Price
from appliance.domain.secret import Secret
from appliance.domain.upstream import Body, Kind
from appliance.http.live import Live
from appliance.http.v1.route import Edges, InferenceRoute
from appliance.identity.ring import KeyRing
from appliance.pipeline.attempt import Attempts
from appliance.pipeline.catalogue import Catalogue, CatalogueKeeper
from appliance.pipeline.inference import Inference
from appliance.pipeline.privacy import Privacy
from appliance.pipeline.settlement import Books
from appliance.ports.repositories import Snapshot
from appliance.redaction.placeholders import Keys
from appliance.redaction.policy.resolve import Policies
from appliance.redaction.redactor import Redactor
from appliance.routing.state import RoutingState
from tests.fakes.analyser import FakeAnalyser
from tests.fakes.client import FakeClient
from tests.fakes.clock import FakeClock
from tests.fakes.counters import FakeCounters
from tests.fakes.gate import PATIENCE, Gate
from tests.fakes.ledger import FakeLedgerWriter
from tests.fakes.observer import FakeObserver
from tests.fakes.provider import FakeProvider
from tests.fakes.site import PEPPER, SALT, a_body, a_deployment, a_key, a_model, token
from tests.fakes.store import FakeStore
from tests.fakes.upstream import FakeUpstream, Says

AsgiApp = Callable[[HTTPScope, Receive, Send], Awaitable[None]]
JSON = (b"content-type", b"application/json")


def compiled(snapshot: Snapshot) -> Catalogue:
    """As the app does it, with one pepper that was never sealed."""
    return Catalogue(
        number=snapshot.number,
        ring=KeyRing(snapshot.keys, {1: PEPPER}, SALT),
        models={model.name: model for model in snapshot.models},
        default_price=snapshot.default_price,
    )


class Gateway:
    """One key, one model, and one deployment that must be told what to say."""

    def __init__(self, policies: Policies | None = None) -> None:
        self.clock = FakeClock()
        self.store = FakeStore()
        self.counters = FakeCounters()
        self.ledger = FakeLedgerWriter()
        self.observer = FakeObserver()
        self.upstream = FakeUpstream()
        self.provider = FakeProvider()
        self.state = RoutingState()
        self.live = Live()
        self.faults: list[tuple[str, Exception]] = []
        self.refusals: list[tuple[GatewayError, str]] = []
        self.old_peppers: list[tuple[KeyId, str]] = []
        self.keeper = CatalogueKeeper(self.store, compiled, self.clock)
        books = Books(self.counters, self.ledger, self.observer, self.clock)
        providers = {ProviderName("fake"): self.provider}
        attempts = Attempts(providers, self.upstream, self.state, self.observer, self.clock)
        self.analyser = FakeAnalyser()
        redactor = Redactor(self.analyser, Keys(pseudonym=b"p" * 32, hash_key=b"h" * 32))
        privacy = Privacy(policies or Policies({}), redactor, self.store, self.clock)
        self.inference = Inference(self.keeper, books, attempts, Random(7), self._old_pepper, privacy=privacy)
        self.edges = Edges(
            on_fault=lambda request, fault: self.faults.append((request, fault)),
            on_refused=lambda error, peer: self.refusals.append((error, peer)),
        )

    def _old_pepper(self, key: KeyId, token: Secret) -> None:
        self.old_peppers.append((key, token.reveal()))

    def route(self, kind: Kind = Kind.CHAT) -> InferenceRoute:
        return InferenceRoute(kind, self.inference, self.live, self.edges)

    def serves(self, model: Model, default: Price | None = None) -> None:
        """Put a model into the store; the next refresh sees it."""
        self.store.tables.models[model.name] = model
        self.store.tables.default_price = default
        self.store.number += 1

    def knows(self, key: Key) -> None:
        self.store.tables.keys[key.id] = key
        self.store.number += 1

    def client(self, body: Body | bytes | Sequence[bytes | Gate] | None = None, **more: Any) -> FakeClient:
        """A client with key 1. `more` are fields of the ordinary body."""
        raw = a_body(**more) if body is None else body
        pieces = [json.dumps(raw).encode()] if isinstance(raw, dict) else [raw] if isinstance(raw, bytes) else raw
        return FakeClient(pieces, headers=[(b"authorization", b"Bearer " + token().encode()), JSON])

    async def serve(self, client: FakeClient, kind: Kind = Kind.CHAT) -> FakeClient:
        """The whole request, to its end."""
        async with asyncio.timeout(PATIENCE):
            await self.start(client, kind)
        return client

    def start(self, client: FakeClient, kind: Kind = Kind.CHAT) -> asyncio.Task[None]:
        """The request in its own task, as a server runs it."""
        app = cast("AsgiApp", self.route(kind))

        async def run() -> None:
            await app(client.scope, client.receive, client.send)

        return asyncio.get_running_loop().create_task(run())

    def at_rest(self) -> bool:
        """Nothing is held, counted, open or running any more."""
        return (
            not self.counters.open
            and not self.state.in_flight
            and not len(self.live)
            and all(exchange.closed for exchange in self.upstream.exchanges)
        )


async def a_gateway(
    *answers: Says, model: Model | None = None, key: Key | None = None, policies: Policies | None = None
) -> Gateway:
    """Up and fresh. `answers` are those of deployment `one`, in their order."""
    gateway = Gateway(policies)
    gateway.knows(key or a_key())
    gateway.serves(model or a_model(a_deployment()))
    if answers:
        gateway.upstream.script("one", *answers)
    await gateway.keeper.refresh()
    return gateway
