"""Models in the store, with their deployments."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.domain.errors import BadRequest
from appliance.domain.ids import ModelName
from appliance.domain.model import Deployment, Model, Option, Timeouts
from appliance.domain.money import Price
from appliance.store.failures import translated
from appliance.store.tables.store import deployments, models

_json = msgspec.json.Encoder()
_timeouts = msgspec.json.Decoder(Timeouts)
_price = msgspec.json.Decoder(Price)
_options = msgspec.json.Decoder(dict[str, Option])


async def read_all(connection: AsyncConnection) -> Sequence[Model]:
    """By name; deployments in the order they were saved in."""
    behind: dict[str, list[Deployment]] = {}
    found = await connection.execute(select(deployments).order_by(deployments.c.model, deployments.c.position))
    for row in found:
        behind.setdefault(row.model, []).append(_deployment(row))
    named = await connection.execute(select(models).order_by(models.c.name))
    return [_model(row, behind.get(row.name, [])) for row in named]


async def read(connection: AsyncConnection, name: ModelName) -> Model | None:
    row = (await connection.execute(select(models).where(models.c.name == name))).one_or_none()
    if row is None:
        return None
    of_it = select(deployments).where(deployments.c.model == name).order_by(deployments.c.position)
    return _model(row, [_deployment(found) for found in await connection.execute(of_it)])


async def save(connection: AsyncConnection, model: Model) -> None:
    """Insert, or replace by name, with all its deployments. `Deployment.secret` is left behind on purpose.

    Raises Conflict for a label used twice, BadRequest for a deployment of another model.
    """
    for deployment in model.deployments:
        if deployment.model != model.name:
            raise BadRequest(f"deployment `{deployment.id}` does not belong to model `{model.name}`")
    values = {"name": model.name, "strategy": model.strategy, "attempts": model.attempts, "privacy": model.privacy}
    statement = sqlite.insert(models).values(values)
    with translated("the store", {"deployments.model": f"model `{model.name}` has two deployments of one label"}):
        await connection.execute(statement.on_conflict_do_update(index_elements=[models.c.name], set_=values))
        await connection.execute(delete(deployments).where(deployments.c.model == model.name))
        if model.deployments:
            rows = [_values(position, deployment) for position, deployment in enumerate(model.deployments)]
            await connection.execute(insert(deployments), rows)


async def remove(connection: AsyncConnection, name: ModelName) -> None:
    """With its deployments. A model that is not there is no error."""
    with translated("the store"):
        await connection.execute(delete(models).where(models.c.name == name))


def _values(position: int, deployment: Deployment) -> dict[str, object]:
    return {
        "model": deployment.model,
        "label": deployment.label,
        "position": position,
        "provider": deployment.provider,
        "url": deployment.url,
        "upstream_model": deployment.upstream_model,
        "weight": deployment.weight,
        "max_parallel": deployment.max_parallel,
        "timeouts": _json.encode(deployment.timeouts).decode(),
        "price": None if deployment.price is None else _json.encode(deployment.price).decode(),
        "options": _json.encode(deployment.options).decode(),
        "credential": deployment.credential,
        "ca_file": deployment.ca_file,
        "media_urls": deployment.media_urls,
        "enabled": deployment.enabled,
    }


def _model(row: Any, behind: list[Deployment]) -> Model:
    return Model(
        name=row.name, deployments=tuple(behind), strategy=row.strategy, attempts=row.attempts, privacy=row.privacy
    )


def _deployment(row: Any) -> Deployment:
    return Deployment(
        model=row.model,
        label=row.label,
        provider=row.provider,
        url=row.url,
        upstream_model=row.upstream_model,
        weight=row.weight,
        max_parallel=row.max_parallel,
        timeouts=_timeouts.decode(row.timeouts),
        price=None if row.price is None else _price.decode(row.price),
        options=_options.decode(row.options),
        credential=row.credential,
        ca_file=row.ca_file,
        media_urls=row.media_urls,
        enabled=row.enabled,
    )
