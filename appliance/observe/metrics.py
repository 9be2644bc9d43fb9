"""What Prometheus is told. The series are listed in `_families`; every label has a bounded number of values."""

import importlib.metadata
import platform
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from appliance.domain.ledger import LedgerRow
from appliance.domain.model import Deployment
from appliance.domain.redaction import Treatment
from appliance.domain.upstream import Failure
from appliance.observe.privacy import PrivacyGauges, PrivacyTally
from appliance.observe.tally import OVERHEAD, Bounded, Spread, Tally

_MOST_MODELS = 500
_MOST_FAILURES = 2000
_MOST_KINDS = 100
UNKNOWN = "unknown"
# Refusals that come after the model has been found in the catalogue. In any other refused row, the name is whatever the
# client sent, and would let one key make series without end.
_MODEL_FOUND = frozenset(
    {
        "insufficient_quota",
        "no_deployment",
        "price_missing",
        "queue_full",
        "rate_limit_exceeded",
        "redaction_unavailable",
    }
)


class Gauges(msgspec.Struct, frozen=True, kw_only=True):
    """Where states are read when somebody scrapes. Each must be cheap and must not raise."""

    in_flight: Callable[[], int]
    deployments: Callable[[], Mapping[str, int]]  # deployment id -> requests in flight there
    ledger_queue: Callable[[], int]
    ledger_healthy: Callable[[], bool]
    store_fresh: Callable[[], bool]
    change_number: Callable[[], int]


class Stopped(Protocol):
    """What the egress room tells of a connection that was not made."""

    @property
    def layer(self) -> str:
        """Which of the guards it was."""
        ...

    @property
    def times(self) -> int:
        """How often it was stopped since it was last told."""
        ...


class Metrics(Collector):
    """Is the pipeline's Observer. `render` is what `/metrics` answers.

    Counting is meant for the event loop's thread; `egress_refused` alone may be called from any.
    """

    def __init__(self, version: str | None = None) -> None:
        self._version = version or _installed_version()
        self._started = time.time()
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._models: set[str] = set()
        self._codes = Bounded(_MOST_KINDS)
        self._failures = Bounded(_MOST_FAILURES)
        self._failure_seconds = Bounded(_MOST_FAILURES)
        self._refusals = Bounded(_MOST_KINDS)
        self._egress = Bounded(_MOST_KINDS)
        self._egress_lock = threading.Lock()
        self._overhead = Spread(OVERHEAD)
        self._privacy = PrivacyTally()
        self._gauges: Gauges | None = None
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def watch(self, gauges: Gauges) -> None:
        """Show these states too, from now on."""
        self._gauges = gauges

    def watch_privacy(self, gauges: PrivacyGauges) -> None:
        """The same for workers that analyse texts."""
        self._privacy.gauges = gauges

    # The Observer port

    def attempt_failed(self, to: Deployment, failure: Failure, after: float) -> None:
        self._failures.add(to.id, failure.kind.value)
        self._failure_seconds.add(to.id, by=after)

    def request_ended(self, row: LedgerRow) -> None:
        tally = self._tallies.get((row.kind, row.model)) if row.deployment is not None else None
        if tally is None:
            tally = self._tally(row)
        statuses = tally.statuses
        statuses[row.status] = statuses.get(row.status, 0) + 1
        if row.error is not None:
            self._codes.add(row.error)
        usage = row.usage
        tally.prompt += usage.prompt
        tally.completion += usage.completion
        tally.cached += usage.cached
        tally.reasoning += usage.reasoning
        tally.estimated += usage.estimated
        tally.cost += row.cost
        if row.first_token_ms is not None:
            tally.first_token.add(row.first_token_ms / 1000)
        if row.deployment is not None:  # a refusal in a millisecond says nothing of how long answers take
            tally.total.add(row.total_ms / 1000)
            self._overhead.add(row.overhead_ms / 1000)

    def request_treated(self, told: Treatment) -> None:
        self._privacy.add(told)

    def refused(self, reason: str) -> None:
        self._refusals.add(reason)

    # What else is told

    def egress_refused(self, refusal: Stopped) -> None:
        """The egress guard or the fuse behind it stopped something, once or several times."""
        with self._egress_lock:
            self._egress.add(refusal.layer, by=refusal.times)

    def render(self) -> bytes:
        """The text format, version 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        yield from self._request_families()
        yield from self._refusal_families()
        yield from self._privacy.families()
        yield from self._gauge_families()

    def _tally(self, row: LedgerRow) -> Tally:
        found = row.deployment is not None or row.error in _MODEL_FOUND or row.model in self._models
        model = row.model if found else UNKNOWN
        if model not in self._models:
            if len(self._models) >= _MOST_MODELS:
                model = Bounded.OTHER
            self._models.add(model)
        return self._tallies.setdefault((row.kind, model), Tally())

    def _request_families(self) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            "redoubt_requests", "Requests, by how they ended.", labels=("kind", "model", "status")
        )
        tokens = CounterMetricFamily(
            "redoubt_tokens",
            "Tokens; cached are part of prompt, reasoning of completion.",
            labels=("kind", "model", "part"),
        )
        cost = CounterMetricFamily("redoubt_cost_micros", "Cost in micros of the currency.", labels=("kind", "model"))
        estimated = CounterMetricFamily(
            "redoubt_estimated_requests", "Requests whose tokens we counted ourselves.", labels=("kind", "model")
        )
        first = HistogramMetricFamily(
            "redoubt_first_token_seconds", "From arrival to the first token.", labels=("kind", "model")
        )
        total = HistogramMetricFamily(
            "redoubt_request_seconds", "From arrival to the end of the answer.", labels=("kind", "model")
        )
        for labels, tally in tuple(self._tallies.items()):
            for status, count in tally.statuses.items():
                requests.add_metric((*labels, status), count)
            for part in ("prompt", "completion", "cached", "reasoning"):
                tokens.add_metric((*labels, part), getattr(tally, part))
            cost.add_metric(labels, tally.cost)
            estimated.add_metric(labels, tally.estimated)
            first.add_metric(labels, [*tally.first_token.buckets()], tally.first_token.total)
            total.add_metric(labels, [*tally.total.buckets()], tally.total.total)
        overhead = HistogramMetricFamily("redoubt_overhead_seconds", "Time to an answer, less waiting for upstreams.")
        overhead.add_metric((), [*self._overhead.buckets()], self._overhead.total)
        yield from (requests, tokens, cost, estimated, first, total, overhead)

    def _refusal_families(self) -> Iterable[Metric]:
        yield _counted("redoubt_request_errors", "Requests with a row that failed, by error code.", self._codes, "code")
        yield _counted("redoubt_attempt_failures", "Failed attempts, by why.", self._failures, "deployment", "failure")
        yield _counted(
            "redoubt_attempt_failure_seconds", "Time lost in failed attempts.", self._failure_seconds, "deployment"
        )
        yield _counted(
            "redoubt_refusals", "Requests and connections turned away without a row.", self._refusals, "kind"
        )
        yield _counted("redoubt_egress_refusals", "Outgoing connections stopped.", self._egress, "layer")

    def _gauge_families(self) -> Iterable[Metric]:
        build = GaugeMetricFamily("redoubt_build_info", "Always 1.", labels=("version", "python"))
        build.add_metric((self._version, platform.python_version()), 1)
        yield build
        yield GaugeMetricFamily("redoubt_start_time_seconds", "When this process began, Unix time.", self._started)
        gauges = self._gauges
        if gauges is None:
            return
        yield GaugeMetricFamily("redoubt_requests_in_flight", "Requests being answered.", gauges.in_flight())
        flying = GaugeMetricFamily("redoubt_deployment_in_flight", "Requests at a deployment.", labels=("deployment",))
        for deployment, count in gauges.deployments().items():
            flying.add_metric((deployment,), count)
        yield flying
        yield GaugeMetricFamily("redoubt_ledger_queue_rows", "Rows not yet durable.", gauges.ledger_queue())
        yield GaugeMetricFamily("redoubt_ledger_healthy", "0: rows cannot be made durable.", gauges.ledger_healthy())
        yield GaugeMetricFamily("redoubt_store_fresh", "0: the store has not been heard of.", gauges.store_fresh())
        yield GaugeMetricFamily("redoubt_change_number", "The change of the store in force.", gauges.change_number())


def _counted(name: str, told: str, counts: Bounded, *labels: str) -> Metric:
    family = CounterMetricFamily(name, told, labels=labels)
    for values, count in tuple(counts.counts.items()):
        family.add_metric(values, count)
    return family


def _installed_version() -> str:
    try:
        return importlib.metadata.version("redoubt-gateway")
    except importlib.metadata.PackageNotFoundError:
        return UNKNOWN
