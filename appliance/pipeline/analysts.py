"""The workers of a site: started when something in the catalogue needs them, ended with the gateway."""

import hashlib
import logging
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from appliance.config.privacy import Privacy as PrivacySettings
from appliance.domain.errors import RedactionUnavailable
from appliance.observe.privacy import PrivacyGauges
from appliance.pipeline.catalogue import Catalogue
from appliance.redaction.policy.resolve import Policies
from appliance.redaction.pool import PooledAnalyser, PoolSettings, environment, worker_command

log = logging.getLogger(__name__)

SHIPPED: Final = "redoubt_pii_ner_en"
MANIFEST: Final = "SHA256SUMS"


def command(settings: PrivacySettings) -> tuple[str, ...]:
    """The program that analyses texts, with the model it may load. The same for as long as a gateway serves."""
    if settings.model is not None:
        return worker_command(Path(settings.model.folder), settings.model.sha256)
    folder = shipped_model()
    return worker_command() if folder is None else worker_command(folder, _digest(folder / MANIFEST))


def shipped_model() -> Path | None:
    """Folder of the model that was installed with the release; None where there is none."""
    try:
        files = distribution(SHIPPED).files or []
    except PackageNotFoundError:
        return None
    return next((Path(str(one.locate())).parent for one in files if one.name == MANIFEST), None)


class Analysts:
    """`prepare` is told of every catalogue before anybody sees it; until one needs an analysis, no process runs."""

    def __init__(self, settings: PrivacySettings, policies: Policies) -> None:
        longest = max(policies.named(name).deadline for name in policies.names())  # a policy's own is held in addition
        pool = PoolSettings(workers=settings.workers, deadline_s=longest, wait_s=longest)
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


def _digest(manifest: Path) -> str:
    return hashlib.sha256(manifest.read_bytes()).hexdigest()
