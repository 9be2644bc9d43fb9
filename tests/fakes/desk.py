"""An administrator's desk over a store in memory, and both listeners around it."""

from collections.abc import Sequence
from typing import Any

from litestar import Litestar

from appliance.domain.identity import Role
from appliance.domain.ids import ProviderName
from appliance.domain.model import Deployment, Health
from appliance.domain.secret import Secret
from appliance.http.admin.app import Desk, build_admin
from appliance.http.api import Surface, build_api
from appliance.http.ops import Readiness
from appliance.pipeline.listing import Listing
from appliance.pipeline.manage.apply import Apply
from appliance.pipeline.manage.examine import Card
from appliance.pipeline.manage.keys import Keys
from appliance.pipeline.manage.models import Models
from appliance.ports.ledger import SpendLine
from appliance.ports.provider import Traits
from appliance.ports.repositories import StoredPepper
from tests.fakes.gateway import Gateway
from tests.fakes.site import PEPPER, a_key, token

ADMIN, MEMBER = 1, 2  # numbers of the keys at the desk


class FakeSealing:
    """Peppers that were never sealed."""

    def new_pepper(self, version: int) -> bytes:
        return PEPPER

    def pepper(self, version: int, sealed: bytes) -> bytes:
        return PEPPER


class FakeSpend:
    """Remembers what it was asked; has one line and no row."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def spend(self, *asked: Any) -> list[SpendLine]:
        self.asked.append(asked)
        return [
            SpendLine(
                requests=1, failed=0, prompt=2, completion=3, cached=0, reasoning=0, cost=0, unpriced=1, estimated=0
            )
        ]

    async def rows(self, *asked: Any) -> list[Any]:
        self.asked.append(asked)
        return []

    async def spent(self, *asked: Any) -> tuple[int, int]:
        return 0, 0


class FakeDesk:
    """A site with one admin key and one member key."""

    def __init__(self) -> None:
        self.gateway = Gateway()
        self.gateway.knows(a_key(ADMIN, role=Role.ADMIN))
        self.gateway.knows(a_key(MEMBER))
        self.store = self.gateway.store
        self.store.tables.peppers[1] = StoredPepper(version=1, sealed=PEPPER)
        self.spend = FakeSpend()
        self.problems: list[str] = []  # what is wrong with every deployment
        self.asked: list[Deployment] = []  # for a card
        self.keys = Keys(self.store, FakeSealing(), self.gateway.clock)
        self.models = Models(self.store, lambda _: self.problems, self.gateway.clock)
        self.desk = Desk(
            keys=self.keys,
            models=self.models,
            apply=Apply(self.store, self.keys, self.models),
            spend=self.spend,
            store=self.store,
            cards=self._cards,
            providers=(Traits(name="fake", title="Fake"),),
            metrics=lambda: b"redoubt_up 1\n",
        )
        self.surface = Surface(
            authenticate=self.gateway.inference.authenticate,
            readiness=lambda: Readiness(ready=True, checks={"store": "ok"}),
            edges=self.gateway.edges,
            live=self.gateway.live,
        )

    def admin(self) -> Litestar:
        return build_admin(self.surface, self.desk)

    def api(self) -> Litestar:
        return build_api(self.surface, self.gateway.inference, Listing(self.gateway.keeper))

    def secret(self, number: int = ADMIN) -> Secret:
        return Secret(token(number))

    async def _cards(self, deployments: Sequence[Deployment]) -> list[Card]:
        self.asked += deployments
        health = Health(state="live", version="1.0")
        return [
            Card(deployment=one.id, provider=ProviderName(one.provider), url=one.url, health=health)
            for one in deployments
        ]


async def a_desk() -> FakeDesk:
    """Up and fresh."""
    desk = FakeDesk()
    await desk.gateway.keeper.refresh()
    return desk
