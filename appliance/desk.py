"""The composition root of the command line: what a verb works with, made from one configuration file.

A verb may run beside the gateway: both open the same store, and the gateway sees a change within a second.
"""

import asyncio
import os
import pwd
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from appliance import plugins
from appliance.config.desired import Desired, desired
from appliance.config.load import load
from appliance.config.schema import Site
from appliance.config.secrets import read_master_key, resolve
from appliance.domain.errors import ConfigError
from appliance.domain.model import Deployment, Finding
from appliance.egress.client import EgressFetch
from appliance.egress.guard import AllowList, Guard
from appliance.egress.host import rules as host_rules
from appliance.egress.manifest import Local, Manifest, Running, manifest
from appliance.egress.transport import PooledTransport
from appliance.egress.url import check_url, origin
from appliance.observe.clock import SystemClock
from appliance.pipeline.manage.apply import Apply
from appliance.pipeline.manage.deployments import every
from appliance.pipeline.manage.examine import Card, card
from appliance.pipeline.manage.keys import Keys
from appliance.pipeline.manage.models import CheckDeployment, Models
from appliance.ports.ledger import SpendReader
from appliance.ports.provider import Traits
from appliance.ports.repositories import Store
from appliance.store import visit
from appliance.store.folder import DataFolder
from appliance.store.lock import holder_of
from providers import builtin


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """An open site, as an administrator on the host works with it."""

    site: Site
    file: Path  # the configuration it was opened with
    store: Store
    spend: SpendReader
    keys: Keys
    models: Models
    apply: Apply
    actor: str  # `cli:<os user>`: who stands in the events


@asynccontextmanager
async def open_desk(file: Path, *, site: Site | None = None) -> AsyncIterator[Desk]:
    """Raises ConfigError (configuration, master key, no store), Conflict and StoreUnavailable."""
    site = load(file) if site is None else site
    master = read_master_key(site.master_key_file)
    clock = SystemClock()
    async with await visit(site.data_folder) as visited:
        keys = Keys(visited.store, master, clock, site.privacy.names)
        models = Models(visited.store, deployment_check(site), clock, site.privacy.names)
        yield Desk(
            site=site,
            file=file,
            store=visited.store,
            spend=visited.spend,
            keys=keys,
            models=models,
            apply=Apply(visited.store, keys, models),
            actor=actor(),
        )


def actor() -> str:
    """The user of the operating system who runs this verb."""
    user = os.geteuid()
    try:
        return f"cli:{pwd.getpwuid(user).pw_name}"
    except KeyError:  # a container's user often has no name
        return f"cli:{user}"


def runs_as_root() -> bool:
    """Recovery is for root of the host: whoever is that could read the store anyway."""
    return os.geteuid() == 0


def allow_list(site: Site) -> AllowList:
    """Raises ConfigError for an entry that is no network, address or name."""
    try:
        return AllowList(site.egress.allow)
    except ValueError as e:
        raise ConfigError(str(e)) from e


def deployment_check(site: Site) -> CheckDeployment:
    """What is wrong with a deployment, as its provider and the egress guard see it. Raises ConfigError."""
    allow = allow_list(site)

    def check(deployment: Deployment) -> list[str]:
        problems = check_url(deployment.url)
        if not problems and (refusal := allow.host_refusal(origin(deployment.url).host)):
            problems = [f"{refusal}; add it to `egress.allow`"]
        try:
            provider = plugins.load([deployment.provider], site)[deployment.provider]
        except ConfigError as e:
            return [*problems, e.message]
        problems += provider.check(deployment)
        if deployment.credential and not deployment.credential.startswith(("file:", "env:")):
            problems.append("a credential is a reference, `file:PATH` or `env:NAME`; never the secret itself")
        return list(dict.fromkeys(problems))

    return check


async def egress_manifest(desk: Desk) -> Manifest:
    """Where this site can connect, and what holds it to that. Dials nothing. Raises ConfigError, StoreUnavailable."""
    folder = DataFolder(desk.site.data_folder)
    holder = holder_of(folder.gateway_lock)
    gateway = None
    if holder is not None:
        host = None if holder.process is None else host_rules(holder.process, folder.gateway_lock)
        gateway = Running(process=holder.process, host=host)
    local = (
        Local(what="store", where=f"SQLite file {folder.store}"),
        Local(what="ledger", where=f"SQLite file {folder.ledger}"),
        Local(what="counters", where="memory of the process"),
        Local(what="identity providers", where="none"),
    )
    return manifest(allow_list(desk.site), every(await desk.models.all()), local=local, gateway=gateway)


def known_providers() -> tuple[Traits, ...]:
    """What the built-in providers say of themselves."""
    return builtin()


def check_entities(site: Site) -> list[str]:
    """Problems of the file's deployments that only providers and the egress guard know. Raises ConfigError."""
    check, wanted = deployment_check(site), desired(site)
    return [
        f"deployment `{one.id}`: {text}" for model in wanted.models for one in model.deployments for text in check(one)
    ]


def wanted(file: Path) -> tuple[Site, Desired]:
    """A file and the entities in it. Raises ConfigError."""
    site = load(file)
    return site, desired(site)


async def cards(site: Site, deployments: Sequence[Deployment]) -> list[Card]:
    """One card for each deployment, asked at the same time, through the egress guard. Raises ConfigError."""
    transport = PooledTransport(Guard(allow_list(site)))
    fetch = EgressFetch(transport)

    async def one(of: Deployment) -> Card:
        provider = plugins.load([of.provider], site)[of.provider]
        told: tuple[Finding, ...] = ()
        if of.credential:
            try:
                of = msgspec.structs.replace(of, secret=resolve(of.credential, site.data_folder))
            except ConfigError as e:
                told = (Finding(check="credential", level="fail", text=e.message),)
        made = await card(provider, fetch, of)
        return msgspec.structs.replace(made, findings=(*told, *made.findings))

    try:
        return list(await asyncio.gather(*(one(of) for of in deployments)))
    finally:
        await transport.aclose()
