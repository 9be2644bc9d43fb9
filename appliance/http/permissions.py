"""Every route says who may call it; a route that says nothing keeps the gateway from starting."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, cast

from litestar import HttpMethod, Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from appliance.domain.errors import ConfigError, InvalidKey, MethodNotAllowed, NotPermitted
from appliance.domain.identity import Principal, Role
from appliance.http.errors import Header
from appliance.http.v1.request import bearer

Connection = ASGIConnection[Any, Any, Any, Any]
WHO = "redoubt_principal"


class Permission(StrEnum):
    """`open` needs no key (health, metrics); `infer` is checked by the raw route itself, before it reads a body."""

    OPEN = "open"
    INFER = "infer"
    LIST = "models.list"
    ADMIN = "admin"


def opt(permission: Permission) -> dict[str, object]:
    """The declaration a route carries."""
    return {"permission": permission}


def permission_guard(authenticate: Callable[[str], Principal]) -> Guard:
    """A guard for all routes of a listener that are not raw ASGI applications.

    A closure, and not an object: Litestar copies a router's guards deeply, and would copy the key ring with them.
    Async, because Litestar runs a plain function in a thread.
    """

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        permission = handler.opt.get("permission")
        if permission in {Permission.OPEN, Permission.INFER}:
            return
        if permission is None:  # an OPTIONS route of the framework's own making
            raise MethodNotAllowed(f"`{connection.scope.get('method')}` is not served here", allow=_served(connection))
        who = authenticate(bearer(cast("list[Header]", connection.scope["headers"])))
        if permission is Permission.ADMIN and who.key.role is not Role.ADMIN:
            raise NotPermitted(f"key `{who.key.hint}` has no `admin` role")
        connection.scope["state"][WHO] = who

    return guard


def _served(connection: Connection) -> tuple[str, ...]:
    """The methods of the route that was found, without the framework's own OPTIONS. RFC 9110 §15.5.6."""
    path = connection.scope["path_template"]
    methods = {method for route in connection.app.routes if route.path_format == path for method in route.methods}
    return tuple(sorted(methods - {HttpMethod.OPTIONS}))


def principal(connection: Connection) -> Principal:
    """Who called. Raises InvalidKey when no guard has put anybody there: there is no default."""
    who = connection.scope["state"].get(WHO)
    if not isinstance(who, Principal):
        raise InvalidKey("no API key; send `Authorization: Bearer <key>`")
    return who


def require_permissions(app: Litestar) -> Litestar:
    """Raises ConfigError naming the first route that does not declare its permission."""
    for route in app.routes:
        handlers = getattr(route, "route_handlers", None) or (getattr(route, "route_handler", None),)
        for handler in handlers:
            if getattr(handler, "http_methods", None) == {HttpMethod.OPTIONS}:
                continue  # made by the framework; the guard refuses it
            if handler is None or not isinstance(handler.opt.get("permission"), Permission):
                raise ConfigError(f"route `{route.path}` declares no permission; the gateway does not start")
    return app
