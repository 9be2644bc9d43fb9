"""Spend and events, over the admin API."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from appliance.domain.errors import BadRequest
from appliance.domain.events import Event
from appliance.domain.ids import KeyId
from appliance.domain.ledger import LedgerRow
from appliance.http.admin.keys import ADMIN
from appliance.ports.ledger import SpendLine, SpendReader
from appliance.ports.repositories import Store

GROUPS = ("key", "model", "day", "hour")
Limit = Annotated[int, Parameter(ge=1, le=10_000)]


class SpendReport(msgspec.Struct, frozen=True):
    """Sums, and whether any of them is zero only because a price was declared to be."""

    lines: list[SpendLine]
    unpriced_by_declaration: bool


def report_routes(spend: SpendReader, store: Store) -> list[HTTPRouteHandler]:
    """`/admin/spend`, `/admin/spend/rows`, `/admin/events`. All times are UTC; money is in micros."""

    @get("/admin/spend", opt=ADMIN)
    async def sums(
        by: str = "key,model", since: datetime | None = None, until: datetime | None = None, key: str | None = None
    ) -> SpendReport:
        groups = tuple(part for part in by.split(",") if part)
        for part in groups:
            if part not in GROUPS:
                raise BadRequest(f"`by`: no column `{part[:32]}`; known: {', '.join(GROUPS)}", param="by")
        lines = await spend.spend(groups, since, until, KeyId(key) if key else None)
        return SpendReport(lines=list(lines), unpriced_by_declaration=any(line.unpriced for line in lines))

    @get("/admin/spend/rows", opt=ADMIN)
    async def rows(limit: Limit = 100, key: str | None = None) -> list[LedgerRow]:
        return list(await spend.rows(limit, KeyId(key) if key else None))

    @get("/admin/events", opt=ADMIN)
    async def events(limit: Limit = 100, action: str | None = None) -> list[Event]:
        return list(await store.events(limit, action))

    return [sums, rows, events]
