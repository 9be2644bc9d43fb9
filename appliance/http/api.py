"""The API listener: inference, models, health. Every error, also of an unknown path, has OpenAI's shape."""

from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router
from litestar.exceptions import HTTPException
from litestar.handlers import ASGIRouteHandler
from litestar.types import ExceptionHandlersMap, Receive, Send

from appliance.domain.errors import BadRequest, GatewayError, MethodNotAllowed, NotFound
from appliance.domain.identity import Principal
from appliance.domain.upstream import Kind
from appliance.http.document.write import document_route
from appliance.http.errors import internal, render
from appliance.http.live import Live
from appliance.http.ops import Readiness, health_routes
from appliance.http.permissions import Permission, opt, permission_guard, require_permissions
from appliance.http.request_id import Identified, request_id
from appliance.http.v1.models import model_routes
from appliance.http.v1.openapi import api_document
from appliance.http.v1.route import Edges, InferenceRoute
from appliance.pipeline.inference import Inference
from appliance.pipeline.listing import Listing


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """What both listeners are made of."""

    authenticate: Callable[[str], Principal]
    readiness: Callable[[], Readiness]
    edges: Edges
    live: Live


def paths(kind: Kind) -> list[str]:
    """With and without `/v1`: many clients are given a base url that lacks it."""
    return [f"/v1/{kind.value}", f"/{kind.value}"]


def raw(kind: Kind, route: InferenceRoute) -> ASGIRouteHandler:
    """An inference route as Litestar knows it."""

    async def serve(scope: Any, receive: Receive, send: Send) -> None:
        await route(scope, receive, send)

    return ASGIRouteHandler(paths(kind), opt=opt(Permission.INFER), copy_scope=False, name=kind.name.lower())(serve)


def error_handlers(edges: Edges, hint: str = "the API begins at `/v1`") -> ExceptionHandlersMap:
    """App-level: Litestar raises 404 and 405 outside of every router. `hint`: what to try instead of a wrong path."""

    def ours(request: Request[Any, Any, Any], error: GatewayError) -> Response[bytes]:
        edges.on_refused(error, request.client.host if request.client else "")
        return respond(error)

    def framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        path = request.scope["path"]
        if error.status_code == 404:
            return ours(request, NotFound(f"there is nothing at `{path[:128]}`; {hint}"))
        if error.status_code == 405:
            served = (error.headers or {}).get("allow", "").split(", ")
            allow = tuple(method for method in served if method not in {"", "OPTIONS"})
            return ours(request, MethodNotAllowed(f"`{request.method}` is not served at `{path[:128]}`", allow=allow))
        if error.status_code < 500:
            return ours(request, invalid(error))
        return fault(request, error)

    def fault(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        name = request_id(request.scope)
        edges.on_fault(name, error)
        return respond(internal(name))

    return {GatewayError: ours, HTTPException: framework, Exception: fault}


def invalid(error: HTTPException) -> BadRequest:
    """What the framework found wrong with parameters or a body, with the field it names first."""
    found = error.extra[0] if isinstance(error.extra, list) and error.extra else None
    if not isinstance(found, dict):
        return BadRequest(str(error.detail)[:300])
    field = str(found.get("key") or "") or None
    text = str(found.get("message", error.detail))[:300]
    return BadRequest(f"`{field}`: {text}" if field else text, param=field)


def respond(error: GatewayError) -> Response[bytes]:
    """An error as a Litestar response."""
    told = render(error)
    headers = {name.decode(): value.decode() for name, value in told.headers if name != b"content-length"}
    return Response(told.body, status_code=told.status, headers=headers, media_type="application/json")


class Api(Identified):
    """Inference routes are Litestar's like all others, and are found before it is asked: that costs 10 us a request.

    They need nothing of it: the key, the body, every error and the answer are their own.
    """

    inferring: Mapping[str, InferenceRoute] = MappingProxyType({})

    def __call__(self, scope: Any, receive: Any, send: Any) -> Coroutine[Any, Any, None]:
        if scope["type"] != "lifespan" and (route := self.inferring.get(scope["path"])) is not None:
            return route(scope, receive, send)
        return super().__call__(scope, receive, send)


def build_api(surface: Surface, inference: Inference, listing: Listing) -> Litestar:
    """Raises ConfigError when a route declares no permission."""
    routes = {kind: InferenceRoute(kind, inference, surface.live, surface.edges) for kind in Kind}
    guarded = Router(
        "/",
        route_handlers=[
            *model_routes(listing),
            *health_routes(surface.readiness),
            document_route(api_document()),
        ],
        guards=[permission_guard(surface.authenticate)],
    )
    app = Api(
        # A guard on the raw routes would be a second look at the same key, for 100 us.
        [*(raw(kind, route) for kind, route in routes.items()), guarded],
        exception_handlers=error_handlers(surface.edges),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=surface.edges.body_bytes,
    )
    app.inferring = {path: route for kind, route in routes.items() for path in paths(kind)}
    return require_permissions(app)
