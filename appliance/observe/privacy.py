"""`redoubt_privacy_*`: what policies found and did. Labels are names of entities, actions and directions only."""

from collections.abc import Callable, Iterable

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from appliance.domain.redaction import Treatment
from appliance.observe.tally import OVERHEAD, Bounded, Spread

_MOST = 2000


class PrivacyGauges(msgspec.Struct, frozen=True, kw_only=True):
    """Where the states of the workers are read when somebody scrapes."""

    ready: Callable[[], bool]
    restarts: Callable[[], int]  # workers that died or were killed
    hits: Callable[[], int]  # texts whose findings were known


class PrivacyTally:
    """Counts treatments."""

    def __init__(self) -> None:
        self._findings = Bounded(_MOST)
        self._failures = Bounded(_MOST)
        self._emitted = 0
        self._restored = 0
        self._seconds = Spread(OVERHEAD)
        self.gauges: PrivacyGauges | None = None

    def add(self, told: Treatment) -> None:
        for (entity, action, way), count in told.counts.items():
            self._findings.add(entity, action, way, by=count)
        self._emitted += told.emitted
        self._restored += told.restored
        if told.seconds:
            self._seconds.add(told.seconds)
        if told.failure is not None:
            self._failures.add("passed" if told.passed else "refused", told.failure)

    def families(self) -> Iterable[Metric]:
        found = CounterMetricFamily(
            "redoubt_privacy_findings", "What was found, and what became of it.", labels=("entity", "action", "way")
        )
        for labels, count in tuple(self._findings.counts.items()):
            found.add_metric(labels, count)
        failed = CounterMetricFamily(
            "redoubt_privacy_failures",
            "Requests that could not be analysed, by what became of them and why.",
            labels=("ended", "why"),
        )
        for labels, count in tuple(self._failures.counts.items()):
            failed.add_metric(labels, count)
        seconds = HistogramMetricFamily("redoubt_privacy_seconds", "Time a request waited for the analysis.")
        seconds.add_metric((), [*self._seconds.buckets()], self._seconds.total)
        emitted = CounterMetricFamily("redoubt_privacy_placeholders_emitted", "Placeholders sent to models.")
        emitted.add_metric((), self._emitted)
        restored = CounterMetricFamily("redoubt_privacy_placeholders_restored", "Of those, put back in answers.")
        restored.add_metric((), self._restored)
        yield from (found, failed, seconds, emitted, restored)
        if self.gauges is not None:
            yield GaugeMetricFamily("redoubt_privacy_ready", "1: a worker can be asked.", self.gauges.ready())
            restarts = CounterMetricFamily("redoubt_privacy_worker_restarts", "Workers that died or were killed.")
            restarts.add_metric((), self.gauges.restarts())
            hits = CounterMetricFamily("redoubt_privacy_cache_hits", "Texts whose findings were known.")
            hits.add_metric((), self.gauges.hits())
            yield from (restarts, hits)
