"""Keys in the store."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.domain.identity import Key, Limits, Role
from appliance.domain.ids import KeyId, ModelName
from appliance.store.failures import translated
from appliance.store.moments import maybe_micros, maybe_moment, micros, moment
from appliance.store.pace import each
from appliance.store.tables.store import keys

_json = msgspec.json.Encoder()
_models = msgspec.json.Decoder(tuple[ModelName, ...])
_limits = msgspec.json.Decoder(Limits)
_fields = msgspec.json.Decoder(tuple[str, ...])
_metadata = msgspec.json.Decoder(dict[str, str])


async def read_all(connection: AsyncConnection) -> Sequence[Key]:
    """Every key, oldest first, revoked ones too. Lets other tasks run in between."""
    found = await connection.execute(select(keys).order_by(keys.c.created_at, keys.c.id))
    return await each(found, _key)


async def read(connection: AsyncConnection, key: KeyId) -> Key | None:
    row = (await connection.execute(select(keys).where(keys.c.id == key))).one_or_none()
    return None if row is None else _key(row)


async def save(connection: AsyncConnection, key: Key) -> None:
    """Insert, or replace by id. Raises Conflict when another key has this digest, or a live one this name.

    A key with a `successor` gives its name up: a rotation saves the old key first, then the new one.
    """
    values = _values(key)
    statement = insert(keys).values(values)
    statement = statement.on_conflict_do_update(index_elements=[keys.c.id], set_={**values})
    known = {
        "keys.digest": f"key `{key.id}` is in the store already under another id",
        "keys.name": f"another live key is named `{key.name}`; choose another name, or revoke that key first",
    }
    with translated("the store", known):
        await connection.execute(statement)


async def remove(connection: AsyncConnection, key: KeyId) -> None:
    """One that is not there is no error."""
    with translated("the store"):
        await connection.execute(delete(keys).where(keys.c.id == key))


def _values(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "digest": key.digest,
        "pepper_version": key.pepper_version,
        "hint": key.hint,
        "role": key.role.value,
        "models": _json.encode(key.models).decode(),
        "limits": _json.encode(key.limits).decode(),
        "fields": _json.encode(key.fields).decode(),
        "blocked": key.blocked,
        "created_at": micros(key.created_at),
        "expires_at": maybe_micros(key.expires_at),
        "revoked_at": maybe_micros(key.revoked_at),
        "successor": key.successor,
        "workspace": key.workspace,
        "team": key.team,
        "metadata": _json.encode(key.metadata).decode(),
        "privacy": key.privacy,
    }


def _key(row: Any) -> Key:
    """From a row, in the order of the table's columns."""
    (
        id_,
        name,
        digest,
        pepper_version,
        hint,
        role,
        models,
        limits,
        fields,
        blocked,
        created_at,
        expires_at,
        revoked_at,
        successor,
        workspace,
        team,
        metadata,
        privacy,
    ) = row
    return Key(
        id=id_,
        name=name,
        digest=digest,
        pepper_version=pepper_version,
        hint=hint,
        role=Role(role),
        models=_models.decode(models),
        limits=_limits.decode(limits),
        fields=_fields.decode(fields),
        blocked=blocked,
        created_at=moment(created_at),
        expires_at=maybe_moment(expires_at),
        revoked_at=maybe_moment(revoked_at),
        successor=successor,
        workspace=workspace,
        team=team,
        metadata=_metadata.decode(metadata),
        privacy=privacy,
    )
