"""Deployments one by one, and what their endpoints say of themselves, over the admin API."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import msgspec
from litestar import delete, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from appliance.config.desired import deployment as desired_deployment
from appliance.config.entities import DeploymentEntry
from appliance.domain.errors import BadRequest, Conflict, ModelUnknown, NotFound
from appliance.domain.ids import ModelName
from appliance.domain.model import Deployment
from appliance.http.admin.body import Call, read_entity, read_query
from appliance.http.admin.contract import admin
from appliance.http.admin.keys import actor
from appliance.http.admin.shapes import DeploymentShown, deployment_shown
from appliance.http.document.operation import Named
from appliance.pipeline.manage.deployments import asked, every, find, parts
from appliance.pipeline.manage.examine import Card
from appliance.pipeline.manage.models import Models
from appliance.ports.provider import Traits

Cards = Callable[[Sequence[Deployment]], Awaitable[list[Card]]]
WHICH = {
    "deployment": Named(
        "MODEL/LABEL. A model's name may hold slashes, as they are or as `%2F`; a label never does.", "."
    )
}


class DeploymentQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: Annotated[str | None, msgspec.Meta(description="Only deployments of this model.")] = None


class CardQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    deployment: Annotated[
        str | None, msgspec.Meta(description="MODEL/LABEL; without it, every enabled deployment is asked.")
    ] = None


def deployment_routes(models: Models) -> list[HTTPRouteHandler]:
    """`/admin/deployments`."""

    @get("/admin/deployments", opt=admin(query=DeploymentQuery))
    async def list_deployments(request: Call) -> list[DeploymentShown]:
        """List deployments."""
        wanted = read_query(request, DeploymentQuery)
        return [deployment_shown(one) for one in every(await models.all()) if wanted.model in {None, one.model}]

    @get("/admin/deployments/{deployment:path}", opt=admin(ModelUnknown, NotFound, names=WHICH))
    async def show_deployment(deployment: FromPath[str]) -> DeploymentShown:
        """Show one deployment."""
        name, label = _parts(deployment)
        return deployment_shown(find(await models.find(name), label))

    @put("/admin/deployments/{deployment:path}", opt=admin(Conflict, NotFound, body=DeploymentEntry, names=WHICH))
    async def put_deployment(request: Call, deployment: FromPath[str]) -> DeploymentShown:
        """Make or replace a deployment; a model that is not there is made with it.

        409 when another request made, changed or deleted it while this one was under way.
        """
        name, label = _parts(deployment)
        seen = await models.look_at(name, label)
        entry = await read_entity(request, DeploymentEntry)
        if entry.label != label:
            raise BadRequest("the label in the path and in the body differ", param="label")
        new = desired_deployment(name, entry)
        await models.save_deployment(new, actor(request), seen=seen)
        return deployment_shown(new)

    @delete("/admin/deployments/{deployment:path}", opt=admin(ModelUnknown, NotFound, names=WHICH))
    async def delete_deployment(request: Call, deployment: FromPath[str]) -> None:
        """Delete a deployment; the model stays, even without any."""
        name, label = _parts(deployment)
        await models.delete_deployment(name, label, actor(request))

    return [list_deployments, show_deployment, put_deployment, delete_deployment]


def endpoint_routes(models: Models, cards: Cards, providers: Sequence[Traits]) -> list[HTTPRouteHandler]:
    """`/admin/cards` and `/admin/providers`."""
    known = list(providers)

    @get("/admin/cards", opt=admin(NotFound, query=CardQuery))
    async def list_cards(request: Call) -> list[Card]:
        """Ask endpoints for version, models, load and open doors; nothing is generated, loaded or pulled."""
        only = read_query(request, CardQuery).deployment
        return await cards(asked(await models.all(), only))

    @get("/admin/providers", opt=admin())
    async def list_providers() -> list[Traits]:
        """List the built-in kinds of server and the options their deployments take."""
        return known

    return [list_cards, list_providers]


def _parts(path: str) -> tuple[ModelName, str]:
    """Model and label of a path parameter, which begins with a slash. Raises NotFound."""
    return parts(path.removeprefix("/"))
