"""Models and the default price, over the admin API."""

from litestar import delete, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from appliance.config.desired import model
from appliance.config.entities import ModelEntry, PriceEntry
from appliance.domain.errors import BadRequest, Conflict, ModelUnknown
from appliance.domain.ids import ModelName
from appliance.http.admin.body import Call, read_entity
from appliance.http.admin.contract import admin
from appliance.http.admin.keys import actor
from appliance.http.admin.shapes import DefaultPrice, ModelShown, model_shown, price_shown
from appliance.http.document.operation import MODEL_NAMED
from appliance.pipeline.manage.models import Models

NAME = {"name": MODEL_NAMED}


def model_admin_routes(models: Models) -> list[HTTPRouteHandler]:
    """`/admin/models`. A model is replaced whole, with its deployments: a half-made change is never served."""

    @get("/admin/models", opt=admin())
    async def list_models() -> list[ModelShown]:
        """List models with their deployments."""
        return [model_shown(one) for one in await models.all()]

    @get("/admin/models/{name:path}", opt=admin(ModelUnknown, names=NAME))
    async def show_model(name: FromPath[str]) -> ModelShown:
        """Show one model with its deployments."""
        return model_shown(await models.find(name.removeprefix("/")))

    @put("/admin/models/{name:path}", opt=admin(Conflict, body=ModelEntry, names=NAME))
    async def put_model(request: Call, name: FromPath[str]) -> ModelShown:
        """Make a model, or replace it with all its deployments.

        409 when another request made, changed or deleted it while this one was under way.
        """
        seen = await models.look(name.removeprefix("/"))
        wanted = model(await read_entity(request, ModelEntry))
        if wanted.name != name.removeprefix("/"):
            raise BadRequest("the name in the path and in the body differ", param="name")
        await models.save(wanted, actor(request), seen=seen)
        return model_shown(wanted)

    @delete("/admin/models/{name:path}", opt=admin(ModelUnknown, names=NAME))
    async def delete_model(request: Call, name: FromPath[str]) -> None:
        """Delete a model with its deployments; its ledger rows stay."""
        await models.delete(ModelName(name.removeprefix("/")), actor(request))

    return [list_models, show_model, put_model, delete_model]


def price_routes(models: Models) -> list[HTTPRouteHandler]:
    """`/admin/default-price`: what a deployment costs that declares no price of its own."""

    @get("/admin/default-price", opt=admin())
    async def show_default_price() -> DefaultPrice:
        """Show the default price."""
        return DefaultPrice(default_price=price_shown(await models.default_price()))

    @put("/admin/default-price", opt=admin(body=PriceEntry))
    async def put_default_price(request: Call) -> DefaultPrice:
        """Set the default price; all zero is free, said aloud."""
        price = (await read_entity(request, PriceEntry)).price()
        await models.save_default_price(price, actor(request))
        return DefaultPrice(default_price=price_shown(price))

    @delete("/admin/default-price", opt=admin())
    async def delete_default_price(request: Call) -> None:
        """Have no default price: deployments without a price of their own are refused."""
        await models.save_default_price(None, actor(request))

    return [show_default_price, put_default_price, delete_default_price]
