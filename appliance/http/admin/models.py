"""Models, deployments and the default price, over the admin API."""

from litestar import delete, get, put
from litestar.handlers import HTTPRouteHandler

from appliance.config.desired import model
from appliance.config.entities import ModelEntry, PriceEntry
from appliance.domain.errors import BadRequest
from appliance.domain.ids import ModelName
from appliance.http.admin.keys import ADMIN, Call, Plain, actor
from appliance.pipeline.manage.models import Models
from appliance.pipeline.manage.records import model_record, price_record


def model_admin_routes(models: Models) -> list[HTTPRouteHandler]:
    """`/admin/models`. A model is replaced whole, with its deployments: a half-made change is never served."""

    @get("/admin/models", opt=ADMIN)
    async def list_models() -> list[Plain]:
        return [model_record(one) for one in await models.all()]

    @get("/admin/models/{name:path}", opt=ADMIN)
    async def show_model(name: str) -> Plain:
        return model_record(await models.find(name.removeprefix("/")))

    @put("/admin/models/{name:path}", opt=ADMIN)
    async def put_model(request: Call, name: str, data: ModelEntry) -> Plain:
        if data.name != name.removeprefix("/"):
            raise BadRequest("the name in the path and in the body differ", param="name")
        await models.save(model(data), actor(request))
        return model_record(await models.find(data.name))

    @delete("/admin/models/{name:path}", opt=ADMIN)
    async def delete_model(request: Call, name: str) -> None:
        await models.delete(ModelName(name.removeprefix("/")), actor(request))

    @get("/admin/default-price", opt=ADMIN)
    async def show_default_price() -> Plain:
        return price_record(await models.default_price())

    @put("/admin/default-price", opt=ADMIN)
    async def put_default_price(request: Call, data: PriceEntry) -> Plain:
        await models.save_default_price(data.price(), actor(request))
        return price_record(await models.default_price())

    return [list_models, show_model, put_model, delete_model, show_default_price, put_default_price]
