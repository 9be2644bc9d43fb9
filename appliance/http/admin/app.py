"""The admin listener's application."""

from collections.abc import Callable, Sequence

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from appliance.http.api import Surface, error_handlers
from appliance.http.ops import health_routes, metrics_route
from appliance.http.permissions import permission_guard, require_permissions


def build_admin(surface: Surface, metrics: Callable[[], bytes], routes: Sequence[HTTPRouteHandler] = ()) -> Litestar:
    """Raises ConfigError when a route declares no permission."""
    app = Litestar(
        [*routes, *health_routes(surface.readiness), metrics_route(metrics)],
        guards=[permission_guard(surface.authenticate)],
        exception_handlers=error_handlers(surface.edges),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=1024 * 1024,
    )
    return require_permissions(app)
