"""One table: every error a client can meet has a row, and the headers SDKs act on."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain import errors as e
from appliance.http.errors import TABLE, internal, render, row

TYPES = {
    "authentication_error",
    "insufficient_quota",
    "invalid_request_error",
    "not_found_error",
    "permission_error",
    "rate_limit_error",
    "server_error",
}


def family(of: type[e.GatewayError]) -> list[type[e.GatewayError]]:
    return [of, *(one for child in of.__subclasses__() for one in family(child))]


def made(kind: type[e.GatewayError]) -> e.GatewayError:
    if kind is e.RedactionUnavailable:
        return e.RedactionUnavailable("no", why=e.Unable.WORKER)
    return kind("no", status=422) if kind is e.UpstreamRejected else kind("no")


ALL = [kind for kind in family(e.GatewayError) if kind.__module__ == e.__name__]


def named(kind: type[e.GatewayError]) -> str:
    return kind.__name__


@pytest.mark.parametrize("kind", ALL, ids=named)
def test_every_error_has_a_row(kind: type[e.GatewayError]) -> None:
    assert kind in TABLE


def test_the_table_has_no_row_for_what_is_no_error() -> None:
    assert set(TABLE) == set(ALL)


@pytest.mark.parametrize("kind", ALL, ids=named)
def test_every_error_looks_as_openai_draws_it(kind: type[e.GatewayError]) -> None:
    told = render(made(kind))

    headers = dict(told.headers)
    body = json.loads(told.body)
    assert len(headers) == len(told.headers)
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(told.body)).encode()
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["type"] in TYPES
    assert body["error"]["code"] == told.code
    assert 400 <= told.status < 600


@pytest.mark.parametrize("kind", ALL, ids=named)
def test_the_type_fits_the_status(kind: type[e.GatewayError]) -> None:
    line = row(made(kind))

    assert (line.type == "server_error") is (line.status >= 500)
    assert (line.type == "authentication_error") is (line.status == 401)
    assert (line.type == "permission_error") is (line.status == 403)
    assert (line.type == "not_found_error") is (line.status == 404)


@pytest.mark.parametrize("kind", ALL, ids=named)
def test_what_an_sdk_would_retry_by_its_status_says_whether_it_may(kind: type[e.GatewayError]) -> None:
    """openai-python retries 408, 409, 429 and every 5xx unless `x-should-retry` says no."""
    line = row(made(kind))

    if line.status in {408, 409, 429} or line.status > 500:
        assert line.retry is not None
    else:
        assert line.retry is None


@pytest.mark.parametrize("kind", [e.BudgetSpent, e.Conflict, e.PriceMissing])
def test_what_will_not_change_by_itself_is_not_to_be_retried(kind: type[e.GatewayError]) -> None:
    headers = dict(render(kind("no", retry_after=5)).headers)

    assert headers[b"x-should-retry"] == b"false"
    assert b"retry-after" not in headers


@pytest.mark.parametrize(
    "kind", [e.RateLimited, e.QueueFull, e.UpstreamFailed, e.UpstreamTimeout, e.NoDeployment, e.StoreUnavailable]
)
def test_what_may_change_is_to_be_retried(kind: type[e.GatewayError]) -> None:
    assert dict(render(kind("no", retry_after=5)).headers)[b"x-should-retry"] == b"true"


@pytest.mark.parametrize(("after", "told"), [(0.0, b"1"), (0.01, b"1"), (1.0, b"1"), (1.01, b"2"), (59.0, b"59")])
def test_retry_after_is_whole_seconds_and_never_too_few(after: float, told: bytes) -> None:
    assert dict(render(e.RateLimited("no", retry_after=after)).headers)[b"retry-after"] == told


def test_without_a_time_there_is_no_retry_after() -> None:
    assert b"retry-after" not in dict(render(e.RateLimited("no")).headers)


@pytest.mark.parametrize("kind", [e.InvalidKey, e.ExpiredKey])
def test_a_401_says_how_to_authenticate(kind: type[e.GatewayError]) -> None:
    assert dict(render(kind("no")).headers)[b"www-authenticate"] == b"Bearer"


def test_a_405_says_what_is_allowed() -> None:
    assert dict(render(e.MethodNotAllowed("no", allow=("GET", "POST"))).headers)[b"allow"] == b"GET, POST"


def test_what_a_server_rejects_keeps_its_status() -> None:
    assert render(e.UpstreamRejected("no", status=422)).status == 422


def test_a_fault_tells_its_request_and_nothing_else() -> None:
    told = render(internal("req_abc"))

    assert (told.status, told.code) == (500, "internal")
    assert b"req_abc" in told.body


def test_the_place_of_a_configuration_error_is_told() -> None:
    assert str(e.ConfigError("no", file="a.yaml", line=3)) == "a.yaml:3: no"
    assert str(e.ConfigError("no", file="a.yaml")) == "a.yaml: no"
    assert str(e.ConfigError("no")) == "no"


@settings(deadline=None)
@given(st.text(alphabet=st.characters()), st.none() | st.text(alphabet=st.characters()))
def test_any_text_can_be_told(message: str, param: str | None) -> None:
    told = render(e.BadRequest(message, param=param))

    assert isinstance(json.loads(told.body)["error"]["message"], str)
