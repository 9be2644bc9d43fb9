"""The admin listener's application."""

from collections.abc import Callable, Sequence

import msgspec
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler

from appliance.http.admin.apply import apply_routes
from appliance.http.admin.body import BODY_BYTES
from appliance.http.admin.contract import operations
from appliance.http.admin.deployments import Cards, deployment_routes, endpoint_routes
from appliance.http.admin.keys import key_routes
from appliance.http.admin.models import model_admin_routes, price_routes
from appliance.http.admin.reports import report_routes
from appliance.http.api import Surface, error_handlers
from appliance.http.document.components import Schema
from appliance.http.document.operation import ANYWHERE, Answer, Operation, health_operations
from appliance.http.document.write import document, document_route
from appliance.http.ops import health_routes, metrics_route
from appliance.http.permissions import Permission, permission_guard, require_permissions
from appliance.http.request_id import Identified
from appliance.pipeline.manage.apply import Apply
from appliance.pipeline.manage.keys import Keys
from appliance.pipeline.manage.models import Models
from appliance.ports.ledger import SpendReader
from appliance.ports.provider import Traits
from appliance.ports.repositories import Store

TITLE = "Redoubt admin API"
ABOUT = """Everything an administrator changes while the gateway serves. It answers on the admin listener only, to keys
with the role `admin`; a running gateway takes a change within a second and drops no stream. No text may hold control
characters but tabs and line breaks.

On the host alone, with `redoubt`: making a site, a new admin key when the last one is lost, backups and their
restoration, bringing the databases to a new release, and the egress manifest. None of them is an HTTP request, so that
no stolen key reaches them.
"""


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What an administrator works with."""

    keys: Keys
    models: Models
    apply: Apply
    spend: SpendReader
    store: Store
    cards: Cards  # asks endpoints what they are
    providers: Sequence[Traits]
    metrics: Callable[[], bytes]


def build_admin(surface: Surface, desk: Desk) -> Litestar:
    """Raises ConfigError when a route declares no permission."""
    routes = admin_routes(desk)
    opened = [
        *health_routes(surface.readiness),
        metrics_route(desk.metrics),
        document_route(admin_document(routes)),
    ]
    app = Identified(
        [Router("/", route_handlers=[*routes, *opened], guards=[permission_guard(surface.authenticate)])],
        exception_handlers=error_handlers(surface.edges, "`/openapi.json` says what is served here"),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=BODY_BYTES,
    )
    return require_permissions(app)


def admin_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """Every route that asks for the role `admin`."""
    return [
        *key_routes(desk.keys),
        *model_admin_routes(desk.models),
        *price_routes(desk.models),
        *deployment_routes(desk.models),
        *endpoint_routes(desk.models, desk.cards, desk.providers),
        *apply_routes(desk.apply),
        *report_routes(desk.spend, desk.store),
    ]


def admin_document(routes: Sequence[HTTPRouteHandler]) -> Schema:
    """Made from the routes themselves."""
    text = Answer(says="Prometheus text format.", shape=str, media="text/plain")
    metrics = Operation(
        path="/metrics",
        method="get",
        name="metrics",
        says="Figures for Prometheus",
        permission=Permission.OPEN,
        answers={200: text},
        refuses=ANYWHERE,
    )
    return document(TITLE, ABOUT, [*operations(routes), *health_operations(), metrics])
