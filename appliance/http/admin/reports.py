"""Spend and events, over the admin API."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta

from appliance.domain.events import Event
from appliance.domain.ids import KeyId
from appliance.domain.ledger import LedgerRow
from appliance.http.admin.body import Call, read_query
from appliance.http.admin.contract import admin
from appliance.ports.ledger import SpendLine, SpendReader
from appliance.ports.repositories import Store

Limit = Annotated[int, Meta(ge=1, le=10_000, description="At most this many.", title="a whole number, 1 to 10000")]
Moment = Annotated[datetime, Meta(tz=True, title="a moment with its zone, such as 2027-01-31T00:00:00Z")]
Key = Annotated[str | None, Meta(description="Of this key only, by its id.")]


class SpendQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    by: Annotated[
        str,
        Meta(
            pattern="^(key|model|day|hour)(,(key|model|day|hour)){0,3}$",
            title="any of `key`, `model`, `day`, `hour`, with commas between",
            description="What is summed apart.",
        ),
    ] = "key,model"
    since: Annotated[Moment | None, Meta(description="From here on, rounded down to the hour.")] = None
    until: Annotated[Moment | None, Meta(description="Up to here, rounded up to the hour.")] = None
    key: Key = None


class RowQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: Limit = 100
    key: Key = None


class EventQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: Limit = 100
    action: Annotated[str | None, Meta(description="Only this action, such as `key.create`.")] = None


class SpendReport(msgspec.Struct, frozen=True):
    """Sums, and whether any of them is zero only because a price was declared to be."""

    lines: list[SpendLine]
    unpriced_by_declaration: bool


def report_routes(spend: SpendReader, store: Store) -> list[HTTPRouteHandler]:
    """`/admin/spend`, `/admin/spend/rows`, `/admin/events`. All times are UTC; money is in micros."""

    @get("/admin/spend", opt=admin(query=SpendQuery))
    async def show_spend(request: Call) -> SpendReport:
        """Sum what was spent. Times are UTC, money is in micros (1e-6 of the currency)."""
        wanted = read_query(request, SpendQuery)
        groups = tuple(dict.fromkeys(wanted.by.split(",")))
        lines = await spend.spend(groups, wanted.since, wanted.until, KeyId(wanted.key) if wanted.key else None)
        return SpendReport(lines=list(lines), unpriced_by_declaration=any(line.unpriced for line in lines))

    @get("/admin/spend/rows", opt=admin(query=RowQuery))
    async def list_rows(request: Call) -> list[LedgerRow]:
        """List the latest rows of the ledger, newest first."""
        wanted = read_query(request, RowQuery)
        return list(await spend.rows(wanted.limit, KeyId(wanted.key) if wanted.key else None))

    @get("/admin/events", opt=admin(query=EventQuery))
    async def list_events(request: Call) -> list[Event]:
        """List the latest events, newest first: who did what to what, before and after."""
        wanted = read_query(request, EventQuery)
        return list(await store.events(wanted.limit, wanted.action))

    return [show_spend, list_rows, list_events]
