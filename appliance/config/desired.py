"""What the file wants the store to hold, in the domain's values."""

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from appliance.config.amounts import micros
from appliance.config.entities import DeploymentEntry, KeyEntry, LimitsEntry, ModelEntry, PriceEntry
from appliance.config.schema import Site
from appliance.domain.identity import Key, Limits, Role
from appliance.domain.ids import ModelName, ProviderName, TeamId, WorkspaceId
from appliance.domain.model import Deployment, Model, Timeouts
from appliance.domain.money import Price


class KeyTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an operator decides about a key."""

    name: str
    role: Role = Role.MEMBER
    models: tuple[ModelName, ...] = ()
    limits: Limits = Limits()
    fields: tuple[str, ...] = ()
    expires_at: datetime | None = None
    privacy: str | None = None  # the name of a policy
    workspace: WorkspaceId | None = None
    team: TeamId | None = None
    metadata: dict[str, str] = {}


class Desired(msgspec.Struct, frozen=True, kw_only=True):
    """The entities of one file."""

    models: tuple[Model, ...] = ()
    keys: tuple[KeyTerms, ...] = ()
    default_price: Price | UnsetType | None = UNSET  # UNSET: the file says nothing about it


def desired(site: Site) -> Desired:
    """The entities of a loaded site."""
    return Desired(
        models=tuple(model(entry) for entry in site.models),
        keys=tuple(terms(entry) for entry in site.keys),
        default_price=default_price(site.default_price),
    )


def default_price(written: int | PriceEntry | UnsetType | None) -> Price | UnsetType | None:
    """`0` is a price of nothing, said aloud; `null` is no price."""
    if isinstance(written, PriceEntry):
        return written.price()
    return Price() if written == 0 else written if isinstance(written, UnsetType) else None


def model(entry: ModelEntry) -> Model:
    name = ModelName(entry.name)
    return Model(
        name=name,
        strategy=entry.strategy,
        attempts=entry.attempts,
        privacy=entry.privacy,
        deployments=tuple(deployment(name, one) for one in entry.deployments),
    )


def deployment(name: ModelName, entry: DeploymentEntry) -> Deployment:
    times = entry.timeouts
    return Deployment(
        model=name,
        label=entry.label,
        provider=ProviderName(entry.provider),
        url=entry.url,
        upstream_model=entry.model,
        weight=entry.weight,
        max_parallel=entry.max_parallel,
        timeouts=Timeouts(
            connect=times.connect, first_byte=times.first_byte, between_chunks=times.between_chunks, total=times.total
        ),
        price=entry.price.price() if entry.price else None,
        options=dict(entry.options),
        credential=entry.credential,
        ca_file=entry.ca_file,
        media_urls=entry.media_urls,
        enabled=entry.enabled,
    )


def terms(entry: KeyEntry) -> KeyTerms:
    return KeyTerms(
        name=entry.name,
        role=entry.role,
        models=tuple(ModelName(name) for name in entry.models),
        limits=limits(entry.limits),
        fields=entry.fields,
        expires_at=entry.expires_at,
        privacy=entry.privacy,
        workspace=WorkspaceId(entry.workspace) if entry.workspace else None,
        team=TeamId(entry.team) if entry.team else None,
        metadata=dict(entry.metadata),
    )


def terms_of(key: Key) -> KeyTerms:
    """What was decided about a key that is in the store."""
    return KeyTerms(
        name=key.name,
        role=key.role,
        models=key.models,
        limits=key.limits,
        fields=key.fields,
        expires_at=key.expires_at,
        privacy=key.privacy,
        workspace=key.workspace,
        team=key.team,
        metadata=key.metadata,
    )


def limits(entry: LimitsEntry) -> Limits:
    return Limits(
        rpm=entry.rpm,
        tpm=entry.tpm,
        parallel=entry.parallel,
        budget=None if entry.budget is None else micros(entry.budget),
        budget_tokens=entry.budget_tokens,
        window=entry.window,
    )
