"""Keys, over the admin API. A key's value is in one answer only: that of the call that made it."""

from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post, put
from litestar.handlers import HTTPRouteHandler

from appliance.config.desired import terms
from appliance.config.entities import KeyEntry
from appliance.domain.identity import Key
from appliance.http.permissions import Permission, opt, principal
from appliance.pipeline.manage.keys import Keys, Made
from appliance.pipeline.manage.records import key_record

Plain = dict[str, object]
Call = Request[Any, Any, Any]
ADMIN = opt(Permission.ADMIN)


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the old value goes on working."""

    overlap_seconds: Annotated[int, msgspec.Meta(ge=0, le=90 * 86400)] = 86400


def shown(key: Key) -> Plain:
    """A key as administrators see it."""
    return {"id": str(key.id), **key_record(key)}


def shown_once(made: Made) -> Plain:
    return {**shown(made.key), "key": made.secret.reveal()}


def actor(request: Call) -> str:
    """Who asks: the id of the admin key."""
    return str(principal(request).key.id)


def key_routes(keys: Keys) -> list[HTTPRouteHandler]:
    """`/admin/keys`. A key is named by its id or, while it is in use, by its name."""

    @get("/admin/keys", opt=ADMIN)
    async def list_keys() -> list[Plain]:
        return [shown(key) for key in await keys.all()]

    @post("/admin/keys", opt=ADMIN)
    async def create_key(request: Call, data: KeyEntry) -> Plain:
        return shown_once(await keys.create(terms(data), actor(request)))

    @get("/admin/keys/{which:str}", opt=ADMIN)
    async def show_key(which: str) -> Plain:
        return shown(await keys.find(which))

    @put("/admin/keys/{which:str}", opt=ADMIN)
    async def update_key(request: Call, which: str, data: KeyEntry) -> Plain:
        found = await keys.find(which)
        return shown(await keys.update(found.id, terms(data), actor(request)))

    @post("/admin/keys/{which:str}/rotate", opt=ADMIN)
    async def rotate_key(request: Call, which: str, data: Rotation) -> Plain:
        found = await keys.find(which)
        return shown_once(await keys.rotate(found.id, timedelta(seconds=data.overlap_seconds), actor(request)))

    @post("/admin/keys/{which:str}/block", opt=ADMIN, status_code=200)
    async def block_key(request: Call, which: str) -> Plain:
        return shown(await keys.block((await keys.find(which)).id, actor(request)))

    @post("/admin/keys/{which:str}/unblock", opt=ADMIN, status_code=200)
    async def unblock_key(request: Call, which: str) -> Plain:
        return shown(await keys.unblock((await keys.find(which)).id, actor(request)))

    @post("/admin/keys/{which:str}/revoke", opt=ADMIN, status_code=200)
    async def revoke_key(request: Call, which: str) -> Plain:
        return shown(await keys.revoke((await keys.find(which)).id, actor(request)))

    @post("/admin/peppers/rotate", opt=ADMIN, status_code=200)
    async def rotate_pepper(request: Call) -> Plain:
        return {"version": await keys.rotate_pepper(actor(request))}

    return [
        list_keys,
        create_key,
        show_key,
        update_key,
        rotate_key,
        block_key,
        unblock_key,
        revoke_key,
        rotate_pepper,
    ]
