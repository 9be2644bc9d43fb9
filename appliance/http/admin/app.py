"""The admin listener's application."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Litestar, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp

from appliance.http.admin.body import CheckedBodies
from appliance.http.admin.keys import key_routes
from appliance.http.admin.models import model_admin_routes
from appliance.http.admin.reports import report_routes
from appliance.http.api import Surface, error_handlers
from appliance.http.ops import health_routes, metrics_route
from appliance.http.permissions import Permission, opt, permission_guard, require_permissions
from appliance.pipeline.manage.keys import Keys
from appliance.pipeline.manage.models import Models
from appliance.ports.ledger import SpendReader
from appliance.ports.repositories import Store

BODY_BYTES = 1024 * 1024


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What an administrator works with."""

    keys: Keys
    models: Models
    spend: SpendReader
    store: Store
    metrics: Callable[[], bytes]


def build_admin(surface: Surface, desk: Desk) -> ASGIApp:
    """Raises ConfigError when a route declares no permission."""
    routes = [
        *key_routes(desk.keys),
        *model_admin_routes(desk.models),
        *report_routes(desk.spend, desk.store),
        *health_routes(surface.readiness),
        metrics_route(desk.metrics),
    ]
    document = described(routes)

    @get("/openapi.json", opt=opt(Permission.OPEN), sync_to_thread=False)
    def openapi() -> dict[str, Any]:
        return document

    app = Litestar(
        [Router("/", route_handlers=[*routes, openapi], guards=[permission_guard(surface.authenticate)])],
        exception_handlers=error_handlers(surface.edges),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=BODY_BYTES,
    )
    return CheckedBodies(require_permissions(app), BODY_BYTES)


def described(routes: list[HTTPRouteHandler]) -> dict[str, Any]:
    """The OpenAPI document of these routes, from an application that is thrown away.

    Serving the framework's own would add its pages: every renderer it has loads scripts from other people's hosts.
    """
    config = OpenAPIConfig(title="Redoubt admin API", version="1")
    return Litestar(routes, openapi_config=config, logging_config=None).openapi_schema.to_schema()
