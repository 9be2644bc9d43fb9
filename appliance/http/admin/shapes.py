"""What the admin API shows: every field always there, in the words and units of the configuration file."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from appliance.config.amounts import amount
from appliance.config.entities import DeploymentEntry, LimitsEntry, PriceEntry, TimeoutsEntry
from appliance.domain.identity import Key, Limits, Role
from appliance.domain.model import Deployment, Model
from appliance.domain.money import Price
from appliance.pipeline.manage.diff import Change
from appliance.pipeline.manage.keys import Made
from appliance.pipeline.manage.wording import as_plain


class KeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """A key as administrators see it: never its value, never its digest."""

    id: str
    name: str
    hint: str
    role: Role
    models: tuple[str, ...]
    limits: LimitsEntry
    fields: tuple[str, ...]
    blocked: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    successor: str | None
    privacy: str | None
    workspace: str | None
    team: str | None
    metadata: dict[str, str]


class KeyMade(KeyShown, frozen=True, kw_only=True):
    """The one answer that holds a key's value."""

    key: str


class DeploymentShown(DeploymentEntry, frozen=True, kw_only=True):
    """A deployment, with the name that requests about it use."""

    id: str


class ModelShown(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    strategy: str
    attempts: int
    privacy: str | None
    deployments: tuple[DeploymentShown, ...]


class DefaultPrice(msgspec.Struct, frozen=True, kw_only=True):
    """null: deployments that declare no price of their own are refused."""

    default_price: PriceEntry | None


class PepperShown(msgspec.Struct, frozen=True, kw_only=True):
    version: int


class ChangeShown(msgspec.Struct, frozen=True, kw_only=True):
    """One change in words: `fields` says `+` for what comes, `-` for what goes, `~` for what becomes."""

    change: Literal["create", "update", "delete"]
    what: str
    fields: list[str]


def key_shown(key: Key) -> KeyShown:
    return KeyShown(**_key(key))


def key_made(made: Made) -> KeyMade:
    return KeyMade(**_key(made.key), key=made.secret.reveal())


def _key(key: Key) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(key, name) for name in KeyShown.__struct_fields__}
    return {**told, "limits": _limits(key.limits)}


def _limits(limits: Limits) -> LimitsEntry:
    told = {name: getattr(limits, name) for name in LimitsEntry.__struct_fields__}
    return LimitsEntry(**{**told, "budget": _units(limits.budget)})


def model_shown(model: Model) -> ModelShown:
    return ModelShown(
        name=model.name,
        strategy=model.strategy,
        attempts=model.attempts,
        privacy=model.privacy,
        deployments=tuple(deployment_shown(one) for one in model.deployments),
    )


def deployment_shown(one: Deployment) -> DeploymentShown:
    return DeploymentShown(
        id=one.id,
        label=one.label,
        provider=one.provider,
        url=one.url,
        model=one.upstream_model,
        weight=one.weight,
        max_parallel=one.max_parallel,
        timeouts=TimeoutsEntry(**msgspec.structs.asdict(one.timeouts)),
        price=price_shown(one.price),
        options=dict(one.options),
        credential=one.credential,
        ca_file=one.ca_file,
        media_urls=one.media_urls,
        enabled=one.enabled,
    )


def price_shown(price: Price | None) -> PriceEntry | None:
    """In units of the currency."""
    if price is None:
        return None
    return PriceEntry(
        input=Decimal(amount(price.input)),
        cached=_units(price.cached),
        output=Decimal(amount(price.output)),
        gpu_second=Decimal(amount(price.gpu_second)),
    )


def change_shown(change: Change) -> ChangeShown:
    return msgspec.convert(as_plain(change), ChangeShown)


def _units(micros: int | None) -> Decimal | None:
    return None if micros is None else Decimal(amount(micros))
