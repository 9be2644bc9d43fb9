"""`GET /v1/models`: what this key may use, and nothing else."""

from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from appliance.domain.ids import ModelName
from appliance.http.permissions import Permission, opt, principal
from appliance.pipeline.listing import Listing


def model_object(name: ModelName) -> dict[str, Any]:
    """OpenAI's model object. Whose server it runs on is nobody's business here."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "redoubt"}


def model_routes(listing: Listing) -> list[HTTPRouteHandler]:
    """The list, and one by its name, which may hold slashes."""

    @get(["/v1/models", "/models"], opt=opt(Permission.LIST), sync_to_thread=False)
    def models(request: Request[Any, Any, Any]) -> dict[str, Any]:
        return {"object": "list", "data": [model_object(name) for name in listing.names(principal(request))]}

    @get(["/v1/models/{name:path}", "/models/{name:path}"], opt=opt(Permission.LIST), sync_to_thread=False)
    def model(request: Request[Any, Any, Any], name: FromPath[str]) -> dict[str, Any]:
        return model_object(listing.name(principal(request), name.removeprefix("/")))

    return [models, model]
