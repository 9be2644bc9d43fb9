"""The composition root of the gateway: the one place that knows everyone.

`build` makes the two applications out of an open store; `run` serves them until the process is told to stop.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from random import SystemRandom
from typing import Any

import msgspec

from appliance import plugins
from appliance.config.rules import warnings
from appliance.config.schema import Listener as ListenSettings
from appliance.config.schema import Site
from appliance.config.secrets import MasterKey, denied_loopback, read_master_key, resolve
from appliance.counters.memory import MemoryCounters
from appliance.desk import allow_list, cards, deployment_check, known_providers
from appliance.domain.errors import GatewayError
from appliance.domain.events import Event
from appliance.domain.ids import ProviderName
from appliance.egress.client import EgressUpstream
from appliance.egress.fuse import install
from appliance.egress.guard import Guard
from appliance.egress.host import holds
from appliance.egress.refusals import Refusal
from appliance.egress.transport import PooledTransport
from appliance.http.admin.app import Desk, build_admin
from appliance.http.api import Surface, build_api
from appliance.http.live import Live
from appliance.http.ops import Readiness
from appliance.http.request_id import render_identified
from appliance.http.server.bounds import Bounds
from appliance.http.server.guard import Guard as RequestGuard
from appliance.http.server.hosts import Hosts
from appliance.http.server.run import Listener, serve
from appliance.http.server.run import run as run_loop
from appliance.http.server.sockets import bind, port_of
from appliance.http.server.tls import Certificate, TlsFiles
from appliance.http.server.wire import App
from appliance.http.v1.route import Edges
from appliance.observe.clock import SystemClock
from appliance.observe.journal import Journal
from appliance.observe.logging import configure, note_caller
from appliance.observe.metrics import Gauges, Metrics
from appliance.pipeline.analysts import Analysts, command
from appliance.pipeline.attempt import Attempts
from appliance.pipeline.catalogue import Catalogue, CatalogueKeeper
from appliance.pipeline.compile import Compiler
from appliance.pipeline.inference import Inference
from appliance.pipeline.listing import Listing
from appliance.pipeline.manage.apply import Apply
from appliance.pipeline.manage.keys import Keys
from appliance.pipeline.manage.models import Models
from appliance.pipeline.privacy import Privacy
from appliance.pipeline.rehash import Rehasher
from appliance.pipeline.seeding import BudgetSeeder
from appliance.pipeline.settlement import Books
from appliance.pipeline.tryout import keys_of
from appliance.ports.provider import Provider
from appliance.ports.repositories import EventSink
from appliance.redaction.policy.resolve import Policies
from appliance.redaction.redactor import Redactor
from appliance.routing.state import RoutingState
from appliance.store import Opened, open_for_serving
from providers import builtin

UNWANTED = {  # `reasoning` of the configuration -> the name that is left out of answers
    "both": None,
    "reasoning": "reasoning_content",
    "reasoning_content": "reasoning",
}
SECURITY = frozenset({  # refusals that an administrator may be asked about later
    "bad_host", "field_not_allowed", "invalid_api_key", "key_expired", "misdirected_request", "model_not_allowed",
    "not_permitted",
})  # fmt: skip

log = logging.getLogger(__name__)


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that serves, built and not yet started."""

    api: App
    admin: App
    keeper: CatalogueKeeper
    live: Live
    transport: PooledTransport
    analysts: Analysts
    background: tuple[Callable[[], Coroutine[Any, Any, None]], ...]  # each runs for as long as the gateway serves


def build(site: Site, opened: Opened, master: MasterKey, metrics: Metrics, alarm: "EgressAlarm") -> Gateway:
    """Raises ConfigError. Opens nothing by itself: `opened` is the store, sockets come later."""
    clock = SystemClock()
    names = [*(traits.name for traits in builtin()), *site.plugins.allow]
    loaded = plugins.load(names, site)
    providers = {ProviderName(name): one for name, one in loaded.items()}
    counters = MemoryCounters(clock)
    transport = PooledTransport(Guard(allow_list(site), on_refusal=alarm))
    upstream = EgressUpstream(transport)
    keeper = _keeper(site, opened, master, providers, clock)
    keeper.before_change(BudgetSeeder(counters, opened.spend, clock))
    keeper.before_change(_forget(upstream, counters))
    observer = Journal(metrics, clock.monotonic)
    state, live = RoutingState(), Live()
    policies = Policies(site.privacy.terms, site.privacy.policy)
    analysts = Analysts(site.privacy, policies)
    keeper.before_change(analysts.prepare)
    metrics.watch_privacy(analysts.gauges)
    keys = Keys(opened.store, master, clock, site.privacy.names)
    rehasher = Rehasher(keys.rehash)
    inference = Inference(
        keeper,
        Books(counters, opened.ledger, observer, clock),
        Attempts(providers, upstream, state, observer, clock),
        SystemRandom(),
        rehasher.note,
        privacy=Privacy(policies, Redactor(analysts.pool, keys_of(master)), opened.store, clock),
        unwanted=UNWANTED[site.reasoning],
    )
    surface = Surface(
        authenticate=inference.authenticate,
        readiness=_readiness(keeper, opened, live, analysts),
        edges=_edges(site, opened, metrics, clock),
        live=live,
    )
    models = Models(opened.store, deployment_check(site), clock, site.privacy.names)
    desk = Desk(
        keys=keys,
        models=models,
        apply=Apply(opened.store, keys, models),
        cards=lambda deployments: cards(site, deployments),
        providers=known_providers(),
        spend=opened.spend,
        store=opened.store,
        metrics=metrics.render,
    )
    metrics.watch(_gauges(keeper, opened, state, live))
    return Gateway(
        api=build_api(surface, inference, Listing(keeper)),
        admin=build_admin(surface, desk),
        keeper=keeper,
        live=live,
        transport=transport,
        analysts=analysts,
        background=(keeper.follow, rehasher.follow, live.watch),
    )


def run(site: Site, announce: Callable[[str, str], None]) -> None:
    """Serve until told to stop. `announce(api, admin)` is given both base urls once requests can be answered.

    Raises ConfigError, Conflict, StoreUnavailable before anything is served.
    """
    configure(site.log.level)
    for warning in warnings(site):
        log.warning(warning)
    if (canary := denied_loopback()) and not holds(canary):
        log.warning(
            "the unit's IPAddressDeny is not in force here (no BPF for cgroups); load the nftables table instead"
        )
    allow = allow_list(site)
    metrics = Metrics()
    alarm = EgressAlarm(metrics)
    fuse = install(allow, alarm, programs=frozenset({command(site.privacy)}))
    run_loop(_serve(site, metrics, alarm, announce), fuse.loop_factory)


async def _serve(site: Site, metrics: Metrics, alarm: "EgressAlarm", announce: Callable[[str, str], None]) -> None:
    master = read_master_key(site.master_key_file)
    async with await open_for_serving(site.data_folder, SystemClock()) as opened:
        if opened.unclean:
            log.warning(opened.unclean)
        alarm.keep_in(opened.events, asyncio.get_running_loop())
        gateway = build(site, opened, master, metrics, alarm)
        await gateway.keeper.refresh()
        listeners = [
            _listener(site, site.listen.api, gateway.api, metrics),
            _listener(site, site.listen.admin, gateway.admin, metrics),
        ]
        api, admin = _url(site.listen.api, listeners[0]), _url(site.listen.admin, listeners[1])

        async def end() -> None:
            gateway.live.stop()

        def ready() -> None:
            _spare_the_collector()
            log.info("serving: api %s, admin %s, catalogue %d", api, admin, gateway.keeper.number)
            announce(api, admin)

        try:
            async with asyncio.TaskGroup() as background:
                tasks = [background.create_task(work()) for work in gateway.background]
                await serve(
                    listeners,
                    drain_seconds=site.stop.drain_seconds,
                    on_ready=ready,
                    on_drain=gateway.live.drain,
                    on_drain_deadline=end,
                )
                for task in tasks:
                    task.cancel()
        finally:
            await gateway.analysts.close()
        await gateway.transport.aclose()


def _spare_the_collector() -> None:
    """What was made by now lives as long as the process: no collection needs to look at it again.

    Requests leave next to nothing to collect (connections do), but at 64 of them at once Python's own 700 are always
    reached: young objects were looked through again and again, for an eighth of all CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _listener(site: Site, settings: ListenSettings, app: App, metrics: Metrics) -> Listener:
    limits = site.limits
    guarded = RequestGuard(
        app,
        hosts=Hosts(settings.allowed_hosts),
        body_bytes=limits.body_bytes,
        render=render_identified,
        refused=metrics.refused,
    )
    bounds = Bounds(
        headers=limits.headers,
        header_bytes=limits.header_bytes,
        header_seconds=limits.header_seconds,
        body_bytes=limits.body_bytes,
        body_seconds=limits.body_seconds,
        stall_seconds=limits.stall_seconds,
        body_min_rate=limits.body_min_rate,
        body_grace_seconds=limits.body_grace_seconds,
        idle_seconds=limits.idle_seconds,
        connections=limits.connections,
        per_peer=limits.connections_per_peer,
    )
    return Listener(
        sock=bind(settings.host, settings.port),
        app=guarded,
        render=render_identified,
        refused=metrics.refused,
        bounds=bounds,
        certificate=_certificate(settings),
    )


def _certificate(settings: ListenSettings) -> Certificate | None:
    tls = settings.tls
    if tls is None:
        return None
    client_ca = Path(tls.client_ca) if tls.client_ca else None
    return Certificate(TlsFiles(cert=Path(tls.cert), key=Path(tls.key), client_ca=client_ca))


def _url(settings: ListenSettings, listener: Listener) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{'https' if settings.tls else 'http'}://{host}:{port_of(listener.sock)}"


def _keeper(
    site: Site, opened: Opened, master: MasterKey, providers: Mapping[ProviderName, Provider], clock: SystemClock
) -> CatalogueKeeper:
    compiler = Compiler(
        unseal=master.pepper,
        secret_of=lambda reference: resolve(reference, site.data_folder),
        salt_secret=master.derive("cache salt"),
        providers=providers,
    )
    return CatalogueKeeper(opened.store, compiler, clock)


def _forget(upstream: EgressUpstream, counters: MemoryCounters) -> Callable[[Catalogue], Awaitable[None]]:
    """What is gone from the catalogue holds no connection and no count."""

    async def forget(catalogue: Catalogue) -> None:
        upstream.forget(frozenset(to.url for model in catalogue.models.values() for to in model.deployments))
        counters.keep({who.key.id for who in catalogue.ring.principals()})

    return forget


def _readiness(keeper: CatalogueKeeper, opened: Opened, live: Live, analysts: Analysts) -> Callable[[], Readiness]:
    def readiness() -> Readiness:
        checks = {
            "store": "ok" if keeper.fresh else "not heard of for too long",
            "ledger": "ok" if opened.ledger.healthy else "cannot be written",
            "privacy": analysts.standing,
            "serving": "stopping" if live.stopping else "ok",
        }
        return Readiness(ready=set(checks.values()) == {"ok"}, checks=checks)

    return readiness


def _edges(site: Site, opened: Opened, metrics: Metrics, clock: SystemClock) -> Edges:
    def on_fault(request_id: str, fault: Exception) -> None:
        log.error("request `%s` met a fault of ours", request_id, exc_info=fault)

    def on_refused(error: GatewayError, actor: str) -> None:
        metrics.refused(error.kind)
        if error.kind in SECURITY:
            opened.events.note(Event(at=clock.now(), actor=actor, action=f"refused.{error.kind}", subject="api"))

    return Edges(
        body_bytes=site.limits.body_bytes,
        json_depth=site.limits.json_depth,
        max_streams=site.limits.max_streams,
        on_caller=note_caller,
        on_fault=on_fault,
        on_refused=on_refused,
    )


def _gauges(keeper: CatalogueKeeper, opened: Opened, state: RoutingState, live: Live) -> Gauges:
    return Gauges(
        in_flight=lambda: len(live),
        deployments=lambda: {str(to): count for to, count in state.in_flight.items()},
        ledger_queue=lambda: opened.ledger.backlog,
        ledger_healthy=lambda: opened.ledger.healthy,
        store_fresh=lambda: keeper.fresh,
        change_number=lambda: keeper.number,
    )


class EgressAlarm:
    """Told, from any thread, of every connection that was stopped: counted, logged, and kept as an event."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._keep: Callable[[Event], None] | None = None

    def keep_in(self, events: EventSink, loop: asyncio.AbstractEventLoop) -> None:
        """Events are kept from now on; before the store is open, the log alone has them."""
        self._keep = lambda event: None if loop.is_closed() else _soon(loop, events.note, event)

    def __call__(self, refusal: Refusal) -> None:
        self._metrics.egress_refused(refusal)
        log.warning(
            "egress: %s to `%s` was stopped by the %s: %s", refusal.what, refusal.to, refusal.layer, refusal.why
        )
        if self._keep is not None:
            self._keep(
                Event(
                    at=SystemClock().now(),
                    actor="system",
                    action="egress.refused",
                    subject=refusal.to,
                    detail=f"{refusal.layer}: {refusal.why} ({refusal.times} times)",
                )
            )


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[Event], None], event: Event) -> None:
    loop.call_soon_threadsafe(call, event)
