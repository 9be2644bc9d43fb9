"""The workers of a site: started when something in the catalogue needs them, ended with the gateway."""

import logging
from collections.abc import Iterable
from pathlib import Path

from appliance.config.place import release
from appliance.config.privacy import Privacy as PrivacySettings
from appliance.config.shipped import shipped_models
from appliance.domain.errors import RedactionUnavailable
from appliance.observe.privacy import PrivacyGauges
from appliance.pipeline.catalogue import Catalogue
from appliance.redaction.policy.resolve import Policies
from appliance.redaction.pool import PooledAnalyser, PoolSettings, environment, worker_command

log = logging.getLogger(__name__)


def command(settings: PrivacySettings) -> tuple[str, ...]:
    """The program that analyses texts, with the models it may load. The same for as long as a gateway serves.

    Without a model of the settings they are the release's, those of languages that no policy names left out; a checkout
    has none, and runs patterns only. Raises ConfigError when a release lists a model and lacks it.
    """
    if settings.model is not None:
        return worker_command([(Path(settings.model.folder), settings.model.sha256)])
    policies = Policies(settings.terms)
    spoken = {language for name in policies.names() for language in policies.named(name).languages}
    shipped = shipped_models(release())
    return worker_command([(one.folder, one.sha256) for language, one in shipped.items() if language in spoken])


class Analysts:
    """`prepare` is told of every catalogue before anybody sees it; until one needs an analysis, no process runs."""

    def __init__(self, settings: PrivacySettings, policies: Policies) -> None:
        longest = max(policies.named(name).deadline for name in policies.names())  # a policy's own is held in addition
        pool = PoolSettings(workers=settings.workers, spares=settings.spares, deadline_s=longest, wait_s=longest)
        self.pool = PooledAnalyser(pool, command(settings), environment())
        self._policies = policies
        self._running = False

    async def prepare(self, catalogue: Catalogue) -> None:
        names = {who.key.privacy for who in catalogue.ring.principals()}
        names |= {model.privacy for model in catalogue.models.values()}
        if not self._running and self._needed(names):
            self._running = True
            self.pool.start()
            log.info("privacy: a policy needs texts analysed; workers are started")

    @property
    def standing(self) -> str:
        """`ok`, or why a request that has to be analysed would not be."""
        return "ok" if not self._running or self.pool.ready else "no worker is ready to analyse texts"

    @property
    def gauges(self) -> PrivacyGauges:
        return PrivacyGauges(
            ready=lambda: not self._running or self.pool.ready,
            restarts=lambda: self.pool.replaced,
            hits=lambda: self.pool.hits,
        )

    async def close(self) -> None:
        if self._running:
            await self.pool.close()

    def _needed(self, names: Iterable[str | None]) -> bool:
        for name in names:
            try:
                rules = self._policies.in_force(key=name, route=None)
            except RedactionUnavailable as gone:
                log.error("privacy: %s; requests under it are refused", gone.message)  # noqa: TRY400 -- the sentence is enough
                continue
            if rules.way_in is not None or rules.way_out is not None:
                return True
        return False
