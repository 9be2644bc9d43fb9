"""Whole sites, over the admin API: first the plan, then exactly what was planned, or nothing."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from litestar import post
from litestar.handlers import HTTPRouteHandler
from msgspec import UNSET, Meta, UnsetType

from appliance.config.desired import Desired, desired
from appliance.config.entities import KeyEntry, ModelEntry, PriceEntry
from appliance.config.problems import dotted
from appliance.config.rules import broken_entities
from appliance.config.schema import Site
from appliance.domain.errors import BadRequest, Conflict
from appliance.http.admin.body import Call, read_entity
from appliance.http.admin.contract import admin
from appliance.http.admin.keys import actor
from appliance.http.admin.shapes import ChangeShown, KeyMade, change_shown, key_made
from appliance.pipeline.manage.apply import Apply
from appliance.pipeline.manage.diff import Change

Plan = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", title="64 hex digits, from `POST /admin/plan`")]


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The entities of a configuration file."""

    models: Annotated[tuple[ModelEntry, ...], Meta(description="Models, whole.")] = ()
    keys: Annotated[tuple[KeyEntry, ...], Meta(description="Keys; never their values.")] = ()
    default_price: Annotated[
        Annotated[Literal[0], Meta(title="the whole number 0, or a price")] | PriceEntry | UnsetType | None,
        Meta(description="`0`: free, said aloud. `null`: none. Left out: as it is in the store."),
    ] = UNSET
    prune: Annotated[bool, Meta(description="Delete models and revoke keys that only the store has.")] = False


class Approved(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same, with the name of the plan that somebody has seen."""

    plan: Annotated[Plan, Meta(description="What `POST /admin/plan` called these changes.")]


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    plan: str  # names these changes to this store
    changes: list[ChangeShown]


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What was done. The values of new keys are shown here and never again."""

    changes: list[ChangeShown]
    keys: list[KeyMade]


def apply_routes(apply: Apply) -> list[HTTPRouteHandler]:
    """`/admin/plan` and `/admin/apply`: what is applied was shown before, and nobody changed the store meanwhile."""

    @post("/admin/plan", opt=admin(body=Wanted), status_code=200)
    async def plan_changes(request: Call) -> Planned:
        """Show what these entities would change in the store; nothing is changed."""
        wanted = await read_entity(request, Wanted)
        changes = await apply.plan(_desired(wanted), prune=wanted.prune)
        return Planned(plan=_named(changes), changes=[change_shown(one) for one in changes])

    @post("/admin/apply", opt=admin(Conflict, body=Approved), status_code=200)
    async def apply_changes(request: Call) -> Applied:
        """Make the planned changes, all or nothing."""
        wanted = await read_entity(request, Approved)
        entities = _desired(wanted)
        changes = await apply.plan(entities, prune=wanted.prune)
        if _named(changes) != wanted.plan:
            raise Conflict("this is not what was planned, or the store changed since; plan again", param="plan")
        made = await apply.run(entities, changes, actor(request), prune=wanted.prune)
        return Applied(changes=[change_shown(one) for one in changes], keys=[key_made(one) for one in made])

    return [plan_changes, apply_changes]


def _desired(wanted: Wanted) -> Desired:
    """By the rules of the file. Raises BadRequest for what stands twice."""
    site = Site(models=wanted.models, keys=wanted.keys, default_price=wanted.default_price)
    for problem in broken_entities(site):
        raise BadRequest(str(problem), param=dotted(problem.path))
    return desired(site)


def _named(changes: Sequence[Change]) -> str:
    """The same changes to the same store have the same name, and no others."""
    return hashlib.sha256(msgspec.json.encode([(type(one).__name__, one) for one in changes])).hexdigest()
