"""Bringing a file's entities into the store: a plan that is shown, then all of it in one transaction, or nothing."""

from collections.abc import Sequence

from appliance.config.desired import Desired
from appliance.domain.errors import BadRequest, Conflict
from appliance.pipeline.manage.diff import (
    Change,
    CreateKey,
    DeleteModel,
    RevokeKey,
    SaveModel,
    SetPrice,
    UpdateKey,
    diff,
)
from appliance.pipeline.manage.keys import Keys, Made
from appliance.pipeline.manage.models import Models
from appliance.ports.repositories import Snapshot, Store, Unit


class Apply:
    """The use case behind `redoubt apply` and the last step of `redoubt init`."""

    def __init__(self, store: Store, keys: Keys, models: Models) -> None:
        self._store = store
        self._keys = keys
        self._models = models

    async def plan(self, desired: Desired, *, prune: bool) -> list[Change]:
        """What `run` would do. Raises BadRequest, naming every problem, when the file wants what may not be."""
        problems = [text for model in desired.models for text in self._models.problems(model)]
        if problems:
            raise BadRequest("\n".join(problems))
        for terms in desired.keys:
            self._keys.check(terms)
        return diff(desired, await self._store.snapshot(), prune=prune)

    async def run(self, desired: Desired, planned: Sequence[Change], actor: str, *, prune: bool) -> list[Made]:
        """Do what was planned; the new keys come back with their values, to be shown once.

        Raises Conflict, having changed nothing, when the store is not as it was when the plan was made.
        """
        async with self._store.unit() as unit:
            if diff(desired, await _read(unit), prune=prune) != list(planned):
                raise Conflict("the store changed since the diff was shown; run it again")
            done = [await self._do(unit, change, actor) for change in planned]
        return [made for made in done if made is not None]

    async def _do(self, unit: Unit, change: Change, actor: str) -> Made | None:
        match change:
            case SetPrice(_, after):
                await self._models.save_default_price_in(unit, after, actor)
            case SaveModel(_, model):
                await self._models.save_in(unit, model, actor)
            case DeleteModel(model):
                await self._models.delete_in(unit, model.name, actor)
            case CreateKey(terms):
                return await self._keys.create_in(unit, terms, actor)
            case UpdateKey(key, _, terms):
                await self._keys.update_in(unit, key, terms, actor)
            case RevokeKey(key, _):
                await self._keys.revoke_in(unit, key, actor)
        return None


async def _read(unit: Unit) -> Snapshot:
    return Snapshot(
        number=0,
        keys=tuple(await unit.keys()),
        models=tuple(await unit.models()),
        peppers=(),
        default_price=await unit.default_price(),
    )
