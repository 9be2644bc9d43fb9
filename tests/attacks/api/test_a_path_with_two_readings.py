"""Paths that one part of a server reads as open and another as protected; verbs and headers that change the method."""

import json

import pytest

from tests.attacks.api.wire import Said, send
from tests.e2e.planted import Planted

TRICKS = [
    "//admin/keys",
    "/admin//keys",
    "/./admin/keys",
    "/v1/../admin/keys",
    "/healthz/../admin/keys",
    "/openapi.json/../admin/keys",
    "/metrics/../admin/keys",
    "/v1/%2e%2e/admin/keys",
    "/v1/%2E%2E%2Fadmin%2Fkeys",
    "/healthz/..%2fadmin/keys",
    "/healthz%2f..%2fadmin%2fkeys",
    "/healthz;/../admin/keys",
    "/healthz%00/admin/keys",
    "/healthz%0a/admin/keys",
    "/healthz\\..\\admin\\keys",
    "/healthz%5c..%5cadmin%5ckeys",
    "/admin%2fkeys",
    "/%61dmin/keys",
    "/admin/%6beys",
    "/admin%252fkeys",
    "/admin;x=1/keys",
    "/admin/keys;.json",
    "/admin/keys/",
    "/admin/keys.json",
    "/admin/keys%20",
    "/admin/keys%2f",
    "/admin/keys?/healthz",
    "/admin/keys?path=/healthz",
    "/ADMIN/keys",
    "/Admin/Keys",
    "/admin/keys#/healthz",
    "/%c0%afadmin/keys",
    "/%ef%bc%8fadmin/keys",
    "/\uff0fadmin/keys",
    "http://127.0.0.1/admin/keys",
    "http://127.0.0.1/healthz",
    "127.0.0.1:4001",
    "*",
    "admin/keys",
    "/v1/admin/keys",
    "/models/../admin/keys",
    "/v1/models/../../admin/keys",
]
OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override", "x-original-method")


def opened(said: Said) -> bool:
    return 200 <= said.status < 400


@pytest.mark.parametrize("target", TRICKS)
def test_no_spelling_of_a_path_lets_anybody_in(attacked: Planted, target: str) -> None:
    for role in ("nobody", "member"):
        said = send(attacked.site.admin_url, "GET", target.encode(), attacked.headers(role))
        assert not opened(said), said.text
        assert said.headers["content-type"] == "application/json"


@pytest.mark.parametrize("target", TRICKS)
def test_no_spelling_of_a_path_leads_from_the_api_to_the_administration(attacked: Planted, target: str) -> None:
    for role in ("nobody", "member", "admin"):
        said = send(attacked.site.url, "GET", target.encode(), attacked.headers(role))
        assert not opened(said), said.text
        assert said.headers["content-type"] == "application/json"


@pytest.mark.parametrize("header", OVERRIDES)
def test_no_header_changes_the_method(attacked: Planted, header: str) -> None:
    asked = send(attacked.site.admin_url, "GET", "/admin/models/chat", {**attacked.headers("admin"), header: "DELETE"})
    still = send(attacked.site.admin_url, "GET", "/admin/models/chat", attacked.headers("admin"))

    assert json.loads(asked.text)["name"] == "chat"
    assert still.status == 200


def test_no_query_changes_the_method(attacked: Planted) -> None:
    send(attacked.site.admin_url, "GET", "/admin/models/chat?_method=DELETE&method=DELETE", attacked.headers("admin"))

    assert send(attacked.site.admin_url, "GET", "/admin/models/chat", attacked.headers("admin")).status == 200


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "get", "GETX", "QUERY", "DEBUG", "PRI"])
def test_a_method_that_is_not_served_is_refused(attacked: Planted, method: str) -> None:
    for role in ("nobody", "admin"):
        said = send(attacked.site.admin_url, method, "/admin/keys", attacked.headers(role))
        assert said.status in {400, 405}, said.text


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_asking_about_a_route_tells_no_more_than_the_document(attacked: Planted, method: str) -> None:
    for role in ("nobody", "member", "admin"):
        said = send(attacked.site.admin_url, method, "/admin/keys", attacked.headers(role))
        assert said.status == 405
        assert "access-control-allow-origin" not in said.headers


def test_an_upgrade_is_not_a_way_in(attacked: Planted) -> None:
    headers = {
        **attacked.headers("member"), "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip

    assert send(attacked.site.admin_url, "GET", "/admin/keys", headers).status in {400, 403}
