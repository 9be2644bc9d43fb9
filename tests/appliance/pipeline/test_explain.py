"""What a client is told after the last attempt: by class, by status, and never by whose words these are."""

from typing import Any

import pytest

from appliance.domain.errors import (
    ContextTooLong,
    GatewayError,
    NoDeployment,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
)
from appliance.domain.upstream import Failure, FailureKind
from appliance.http.errors import row
from appliance.pipeline.attempt import explain
from tests.fakes.site import a_deployment

WHERE = "upstream/secret-name at http://gpu-one.lab:8000 in /opt/models/secret"


def told(*kinds: FailureKind, **more: Any) -> GatewayError:
    return explain([(a_deployment(), Failure(kind=kind, message=WHERE, **more)) for kind in kinds])


@pytest.mark.parametrize(
    ("kinds", "error"),
    [
        ([], UpstreamTimeout),
        (["timeout"], UpstreamTimeout),
        (["timeout", "timeout"], UpstreamTimeout),
        (["overload"], NoDeployment),
        (["overload", "overload"], NoDeployment),
        (["overload", "timeout"], UpstreamFailed),
        (["dead"], UpstreamFailed),
        (["auth"], UpstreamFailed),
        (["not_found"], UpstreamRejected),
        (["not_found", "dead"], UpstreamFailed),
        (["generation"], UpstreamFailed),
        (["incomplete"], UpstreamFailed),
        (["protocol"], UpstreamFailed),
        (["context"], ContextTooLong),
        (["dead", "context"], ContextTooLong),
        (["bad_request"], UpstreamRejected),
        (["overload", "bad_request"], UpstreamRejected),
    ],
)
def test_failures_become_one_error(kinds: list[str], error: type[GatewayError]) -> None:
    assert type(told(*(FailureKind(kind) for kind in kinds))) is error


@pytest.mark.parametrize("kind", FailureKind)
def test_no_message_names_a_place_or_an_upstream(kind: FailureKind) -> None:
    message = told(kind).message

    for secret in ("secret", "gpu-one", "8000", "/opt", "http"):
        assert secret not in message


@pytest.mark.parametrize("kind", set(FailureKind) - {FailureKind.BAD_REQUEST, FailureKind.CONTEXT})
def test_only_what_the_client_can_mend_is_told_in_the_servers_words(kind: FailureKind) -> None:
    assert "…" not in told(kind).message


@pytest.mark.parametrize(
    ("said", "passed_on"), [(400, 400), (422, 422), (413, 413), (200, 400), (None, 400), (500, 400), (302, 400)]
)
def test_the_clients_fault_has_a_4xx(said: int | None, passed_on: int) -> None:
    assert row(told(FailureKind.BAD_REQUEST, status=said)).status == passed_on


@pytest.mark.parametrize("said", [401, 403, 407, 408, 429])
def test_a_status_that_would_speak_of_the_gateways_own_affairs_is_not_passed_on(said: int) -> None:
    assert row(told(FailureKind.BAD_REQUEST, status=said)).status == 400


@pytest.mark.parametrize("kind", [FailureKind.BAD_REQUEST, FailureKind.CONTEXT])
def test_the_name_of_a_field_is_passed_on(kind: FailureKind) -> None:
    assert told(kind, param="messages[0].content").param == "messages[0].content"


@pytest.mark.parametrize("kind", [FailureKind.BAD_REQUEST, FailureKind.CONTEXT])
@pytest.mark.parametrize("param", ["/opt/models/secret", "http://gpu-one.lab:8000", "upstream/secret-name", "10.0.0.7"])
def test_what_is_no_name_of_a_field_is_not_passed_on(kind: FailureKind, param: str) -> None:
    assert told(kind, param=param).param is None


def test_the_longest_wait_that_was_asked_for_is_passed_on() -> None:
    failures = [
        (a_deployment(), Failure(kind=FailureKind.OVERLOAD, message="", retry_after=after))
        for after in (3.0, None, 20.0)
    ]

    assert explain(failures).retry_after == 20.0


def test_the_number_of_attempts_is_told() -> None:
    assert told(FailureKind.DEAD).message.startswith("1 attempt at `llama` failed (dead)")
    assert told(FailureKind.DEAD, FailureKind.TIMEOUT).message.startswith(
        "2 attempts at `llama` failed (dead, timeout)"
    )
