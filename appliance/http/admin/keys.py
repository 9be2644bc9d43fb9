"""Keys, over the admin API. A key's value is in one answer only: that of the call that made it."""

from datetime import timedelta
from typing import Annotated

import msgspec
from litestar import get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from appliance.config.desired import terms
from appliance.config.entities import KeyEntry
from appliance.domain.errors import Conflict, NotFound
from appliance.http.admin.body import Call, read_entity, read_query
from appliance.http.admin.contract import admin
from appliance.http.admin.shapes import KeyMade, KeyShown, PepperShown, key_made, key_shown
from appliance.http.document.operation import Named
from appliance.http.permissions import principal
from appliance.pipeline.manage.keys import Keys

WHICH = {
    "which": Named(
        "The key's id; or, while it is in use, its name, when that holds no slash.",
        r"^[A-Za-z0-9][A-Za-z0-9 ._:@+-]{0,127}$",
    )
}
NAMED = admin(NotFound, names=WHICH)
CHANGED = admin(NotFound, Conflict, names=WHICH)


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the old value goes on working."""

    overlap_seconds: Annotated[
        int, msgspec.Meta(ge=0, le=90 * 86400, title="a whole number of seconds, at most 7776000")
    ] = 86400


class KeyQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str | None, msgspec.Meta(description="Only keys of this name, in use or not.")] = None


def actor(request: Call) -> str:
    """Who asks: the id of the admin key."""
    return str(principal(request).key.id)


def key_routes(keys: Keys) -> list[HTTPRouteHandler]:
    """`/admin/keys`, as a whole and one by one."""

    @get("/admin/keys", opt=admin(query=KeyQuery))
    async def list_keys(request: Call) -> list[KeyShown]:
        """List keys, also revoked ones; their values are not known to anybody."""
        wanted = read_query(request, KeyQuery)
        return [key_shown(key) for key in await keys.all() if wanted.name in {None, key.name}]

    @post("/admin/keys", opt=admin(Conflict, body=KeyEntry))
    async def create_key(request: Call) -> KeyMade:
        """Make a key and show its value, once."""
        return key_made(await keys.create(terms(await read_entity(request, KeyEntry)), actor(request)))

    @get("/admin/keys/{which:str}", opt=NAMED)
    async def show_key(which: FromPath[str]) -> KeyShown:
        """Show one key."""
        return key_shown(await keys.find(which))

    @put("/admin/keys/{which:str}", opt=admin(NotFound, Conflict, body=KeyEntry, names=WHICH))
    async def update_key(request: Call, which: FromPath[str]) -> KeyShown:
        """Replace all that was decided about a key; what is left out goes back to its default.

        409 also when another request changed it while this one was under way.
        """
        seen = await keys.find(which)
        wanted = terms(await read_entity(request, KeyEntry))
        return key_shown(await keys.update(seen, wanted, actor(request)))

    return [list_keys, create_key, show_key, update_key, *_change_routes(keys)]


def _change_routes(keys: Keys) -> list[HTTPRouteHandler]:
    @post("/admin/keys/{which:str}/rotate", opt=admin(NotFound, Conflict, body=Rotation, names=WHICH))
    async def rotate_key(request: Call, which: FromPath[str]) -> KeyMade:
        """Give a key a new value, shown once; name and limits stay, the old value works for the overlap."""
        overlap = timedelta(seconds=(await read_entity(request, Rotation)).overlap_seconds)
        return key_made(await keys.rotate((await keys.find(which)).id, overlap, actor(request)))

    @post("/admin/keys/{which:str}/block", opt=CHANGED, status_code=200)
    async def block_key(request: Call, which: FromPath[str]) -> KeyShown:
        """Refuse a key until it is unblocked."""
        return key_shown(await keys.block((await keys.find(which)).id, actor(request)))

    @post("/admin/keys/{which:str}/unblock", opt=CHANGED, status_code=200)
    async def unblock_key(request: Call, which: FromPath[str]) -> KeyShown:
        """Let a blocked key in again."""
        return key_shown(await keys.unblock((await keys.find(which)).id, actor(request)))

    @post("/admin/keys/{which:str}/revoke", opt=CHANGED, status_code=200)
    async def revoke_key(request: Call, which: FromPath[str]) -> KeyShown:
        """End a key for good; it is refused within a second."""
        return key_shown(await keys.revoke((await keys.find(which)).id, actor(request)))

    @post("/admin/peppers/rotate", opt=admin(), status_code=200)
    async def rotate_pepper(request: Call) -> PepperShown:
        """Hash keys with a new pepper: new ones at once, the others when they are next used."""
        return PepperShown(version=await keys.rotate_pepper(actor(request)))

    return [rotate_key, block_key, unblock_key, revoke_key, rotate_pepper]
