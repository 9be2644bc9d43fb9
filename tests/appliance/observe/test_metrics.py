from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from appliance.domain.errors import Unable
from appliance.domain.ids import KeyId, Micros, ModelName, ProviderName, RequestId
from appliance.domain.ledger import LedgerRow, Status
from appliance.domain.model import Deployment
from appliance.domain.privacy import Direction
from appliance.domain.redaction import Treatment
from appliance.domain.upstream import Failure, FailureKind
from appliance.domain.usage import Usage
from appliance.egress.refusals import Refusal
from appliance.observe.journal import Journal
from appliance.observe.metrics import Gauges, Metrics
from appliance.observe.privacy import PrivacyGauges
from appliance.observe.tally import Bounded, Spread
from appliance.ports.observer import Observer

CHAT = "chat/completions"
A_DEPLOYMENT = Deployment(
    model=ModelName("llama"),
    label="gpu-1",
    provider=ProviderName("vllm"),
    url="http://127.0.0.1:8000",
    upstream_model="x",
)
BUSY = Failure(kind=FailureKind.OVERLOAD, message="the prompt was: canary", status=503)


def row(**changes: Any) -> LedgerRow:
    fields: dict[str, Any] = {
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "request_id": RequestId("req_1"),
        "key_id": KeyId("key_1"),
        "kind": CHAT,
        "model": "llama",
        "deployment": "gpu-1",
        "status": Status.OK,
        "http_status": 200,
        **changes,
    }
    return LedgerRow(**fields)


def series(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What a scraper reads: (name, labels) -> value."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return series(metrics).get((name, tuple(sorted(labels.items()))))


def models(metrics: Metrics) -> set[str]:
    return {dict(labels)["model"] for name, labels in series(metrics) if name == "redoubt_requests_total"}


def test_it_is_the_pipelines_observer() -> None:
    observer: Observer = Metrics()

    observer.refused("bad_host")


def test_requests_are_counted_by_kind_model_and_status() -> None:
    metrics = Metrics()

    metrics.request_ended(row())
    metrics.request_ended(row())
    metrics.request_ended(row(status=Status.FAILED, error="upstream_failed"))

    assert value(metrics, "redoubt_requests_total", kind=CHAT, model="llama", status="ok") == 2
    assert value(metrics, "redoubt_requests_total", kind=CHAT, model="llama", status="failed") == 1
    assert value(metrics, "redoubt_request_errors_total", code="upstream_failed") == 1


def test_tokens_and_cost_are_summed() -> None:
    metrics = Metrics()

    for _ in range(2):
        metrics.request_ended(row(usage=Usage(10, 20, cached=3, reasoning=4, estimated=True), cost=Micros(7)))

    parts = {
        part: value(metrics, "redoubt_tokens_total", kind=CHAT, model="llama", part=part)
        for part in ("prompt", "completion", "cached", "reasoning")
    }
    assert parts == {"prompt": 20, "completion": 40, "cached": 6, "reasoning": 8}
    assert value(metrics, "redoubt_cost_micros_total", kind=CHAT, model="llama") == 14
    assert value(metrics, "redoubt_estimated_requests_total", kind=CHAT, model="llama") == 2


def test_times_fall_into_buckets_in_seconds() -> None:
    metrics = Metrics()

    metrics.request_ended(row(first_token_ms=250, total_ms=2000, overhead_ms=0.3))

    labels = {"kind": CHAT, "model": "llama"}
    assert value(metrics, "redoubt_first_token_seconds_bucket", le="0.1", **labels) == 0
    assert value(metrics, "redoubt_first_token_seconds_bucket", le="0.25", **labels) == 1
    assert value(metrics, "redoubt_request_seconds_sum", **labels) == 2.0
    assert value(metrics, "redoubt_overhead_seconds_bucket", le="0.0005") == 1
    assert value(metrics, "redoubt_overhead_seconds_count") == 1


def test_a_refusal_is_no_answer_time() -> None:
    metrics = Metrics()

    metrics.request_ended(row(deployment=None, status=Status.REFUSED, error="insufficient_quota", http_status=429))

    assert value(metrics, "redoubt_request_seconds_count", kind=CHAT, model="llama") == 0


def test_names_that_clients_make_up_do_not_become_series() -> None:
    metrics = Metrics()

    for number in range(100):
        metrics.request_ended(
            row(
                model=f"junk-{number}", deployment=None, status=Status.REFUSED, error="model_not_found", http_status=404
            )
        )

    assert models(metrics) == {"unknown"}


@pytest.mark.parametrize("error", ["rate_limit_exceeded", "insufficient_quota", "no_deployment", "queue_full"])
def test_a_refusal_of_a_model_we_have_is_counted_under_its_name(error: str) -> None:
    metrics = Metrics()

    metrics.request_ended(row(deployment=None, status=Status.REFUSED, error=error))

    assert models(metrics) == {"llama"}


def test_a_model_once_seen_keeps_its_name_in_every_refusal() -> None:
    metrics = Metrics()

    metrics.request_ended(row())
    metrics.request_ended(row(deployment=None, status=Status.REFUSED, error="model_not_allowed"))

    assert models(metrics) == {"llama"}


def test_models_past_the_bound_are_counted_together() -> None:
    metrics = Metrics()

    for number in range(600):
        metrics.request_ended(row(model=f"model-{number}"))
        metrics.request_ended(row(model=f"model-{number}"))

    assert len(models(metrics)) == 501
    assert value(metrics, "redoubt_requests_total", kind=CHAT, model="other", status="ok") == 200


def test_failed_attempts_are_counted_by_deployment_and_reason() -> None:
    metrics = Metrics()

    metrics.attempt_failed(A_DEPLOYMENT, BUSY, 1.5)
    metrics.attempt_failed(A_DEPLOYMENT, BUSY, 0.5)

    where = {"deployment": "llama/gpu-1"}
    assert value(metrics, "redoubt_attempt_failures_total", failure="overload", **where) == 2
    assert value(metrics, "redoubt_attempt_failure_seconds_total", **where) == 2.0


def test_refusals_and_stopped_connections_are_counted() -> None:
    metrics = Metrics()

    metrics.refused("bad_host")
    metrics.egress_refused(Refusal(layer="audit", what="connect", to="10.1.1.1:1", why="not listed"))
    metrics.egress_refused(Refusal(layer="audit", what="connect", to="10.1.1.1:1", why="not listed", times=7))

    assert value(metrics, "redoubt_refusals_total", kind="bad_host") == 1
    assert value(metrics, "redoubt_egress_refusals_total", layer="audit") == 8


def test_states_are_read_when_somebody_asks() -> None:
    metrics = Metrics("1.2.3")
    queue = [5]
    metrics.watch(
        Gauges(
            in_flight=lambda: 2,
            deployments=lambda: {"llama/gpu-1": 1},
            ledger_queue=lambda: queue[0],
            ledger_healthy=lambda: False,
            store_fresh=lambda: True,
            change_number=lambda: 17,
        )
    )
    queue[0] = 6

    assert value(metrics, "redoubt_requests_in_flight") == 2
    assert value(metrics, "redoubt_deployment_in_flight", deployment="llama/gpu-1") == 1
    assert value(metrics, "redoubt_ledger_queue_rows") == 6
    assert value(metrics, "redoubt_ledger_healthy") == 0
    assert value(metrics, "redoubt_store_fresh") == 1
    assert value(metrics, "redoubt_change_number") == 17


def test_the_build_and_the_process_are_told() -> None:
    found = series(Metrics("1.2.3"))

    assert [dict(labels)["version"] for name, labels in found if name == "redoubt_build_info"] == ["1.2.3"]
    assert ("process_open_fds", ()) in found


def test_labels_with_quotes_and_line_ends_are_escaped() -> None:
    metrics = Metrics()

    metrics.request_ended(row(model='a"b\\c\nd'))

    assert models(metrics) == {'a"b\\c\nd'}


@given(st.lists(st.floats(min_value=0, max_value=100)))
def test_buckets_add_up_and_each_holds_what_is_not_above_its_edge(values: list[float]) -> None:
    spread = Spread((1.0, 10.0))

    for one in values:
        spread.add(one)

    assert dict(spread.buckets()) == {
        "1.0": sum(one <= 1 for one in values),
        "10.0": sum(one <= 10 for one in values),
        "+Inf": len(values),
    }


@given(st.lists(st.text(max_size=3)), st.integers(min_value=0, max_value=5))
def test_a_bounded_count_loses_nothing_and_stays_bounded(labels: list[str], most: int) -> None:
    counts = Bounded(most)

    for label in labels:
        counts.add(label)

    assert sum(counts.counts.values()) == len(labels)
    assert len(counts.counts) <= most + 1


def test_a_failing_deployment_is_written_once_in_a_while_and_without_upstreams_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    metrics = Metrics()
    journal: Observer = Journal(metrics, lambda: now[0])

    for _ in range(5):
        journal.attempt_failed(A_DEPLOYMENT, BUSY, 0.1)
    now[0] = 10.0
    journal.attempt_failed(A_DEPLOYMENT, BUSY, 0.1)

    assert [record.getMessage() for record in caplog.records] == ["an attempt at `llama/gpu-1` failed: overload"] * 2
    assert [vars(record)["unsaid"] for record in caplog.records] == [0, 4]
    assert "canary" not in str([vars(record) for record in caplog.records])
    assert value(metrics, "redoubt_attempt_failures_total", deployment="llama/gpu-1", failure="overload") == 6


def test_a_journal_passes_everything_on() -> None:
    metrics = Metrics()
    journal = Journal(metrics, lambda: 0.0)

    journal.request_ended(row())
    journal.refused("bad_host")

    assert models(metrics) == {"llama"}
    assert value(metrics, "redoubt_refusals_total", kind="bad_host") == 1


def test_what_privacy_policies_did_is_counted_without_a_word_of_a_text() -> None:
    metrics = Metrics("1")
    told = Treatment("standard@0")
    told.add("PERSON", "mask", Direction.IN, 2)
    told.emitted, told.restored, told.seconds, told.failure = 2, 1, 0.01, Unable.DEADLINE

    metrics.request_treated(told)
    metrics.watch_privacy(PrivacyGauges(ready=lambda: True, restarts=lambda: 3, hits=lambda: 4))

    text = metrics.render().decode()
    for line in (
        'redoubt_privacy_findings_total{action="mask",entity="PERSON",way="in"} 2.0',
        'redoubt_privacy_failures_total{ended="refused",why="deadline"} 1.0',
        "redoubt_privacy_placeholders_emitted_total 2.0",
        "redoubt_privacy_placeholders_restored_total 1.0",
        "redoubt_privacy_seconds_count 1.0",
        "redoubt_privacy_ready 1.0",
        "redoubt_privacy_worker_restarts_total 3.0",
    ):
        assert line in text
