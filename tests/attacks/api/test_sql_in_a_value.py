"""CVE-2026-42208: the value of a bearer token became part of a statement, before anybody was asked who he is."""

import json
from urllib.parse import quote

import pytest

from tests.attacks.api.wire import Said, send
from tests.e2e.planted import Planted

CORPUS = [
    "'",
    '"',
    "' OR '1'='1",
    "' OR 1=1 --",
    '" OR ""="',
    "'; DROP TABLE keys; --",
    "'); DELETE FROM keys; --",
    "' UNION SELECT digest FROM keys --",
    "1; ATTACH DATABASE '/tmp/x' AS x",
    "%' AND randomblob(1000000000) --",
    "rdt_' OR digest LIKE '%",
    "\\'; SELECT load_extension('x') --",
    "{{:key}}",
    ":1",
    "?",
    "%s%n",
]
TELLS = ("sqlite", "syntax error", "operationalerror", "sqlalchemy", 'near "', "traceback", "unrecognized token")
HEADERS = (
    "authorization", "x-api-key", "api-key", "user-agent", "x-request-id", "accept", "cookie", "x-forwarded-for"
)  # fmt: skip
QUERIES = (
    "/admin/keys?name=", "/admin/spend?key=", "/admin/spend?by=", "/admin/spend?since=", "/admin/spend/rows?key=",
    "/admin/spend/rows?limit=", "/admin/events?action=", "/admin/deployments?model=", "/admin/cards?deployment=",
)  # fmt: skip
PATHS = ("/admin/keys/", "/admin/models/", "/admin/deployments/x/")


def sound(said: Said) -> bool:
    return said.status < 500 and not any(tell in said.text.lower() for tell in TELLS)


def known(attacked: Planted) -> list[str]:
    keys = send(attacked.site.admin_url, "GET", "/admin/keys", attacked.headers("admin"))
    return sorted(key["id"] for key in json.loads(keys.text))


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_reaches_a_statement(attacked: Planted, header: str) -> None:
    for text in CORPUS:
        value = f"Bearer {text}" if header == "authorization" else text
        for base, path in ((attacked.site.url, "/v1/models"), (attacked.site.admin_url, "/admin/keys")):
            said = send(base, "GET", path, {header: value})
            assert sound(said), (text, said.text)
            assert said.status == 401, (text, said.text)


@pytest.mark.parametrize("query", QUERIES)
def test_no_query_of_an_administrator_reaches_a_statement(attacked: Planted, query: str) -> None:
    before = known(attacked)

    for text in CORPUS:
        said = send(attacked.site.admin_url, "GET", query + quote(text), attacked.headers("admin"))
        assert sound(said), (text, said.text)
        if said.status == 200:
            assert json.loads(said.text) in ([], {"lines": [], "unpriced_by_declaration": False})

    assert known(attacked) == before


@pytest.mark.parametrize("path", PATHS)
def test_no_path_reaches_a_statement(attacked: Planted, path: str) -> None:
    before = known(attacked)

    for text in CORPUS:
        for method in ("GET", "DELETE"):
            said = send(attacked.site.admin_url, method, path + quote(text, safe=""), attacked.headers("admin"))
            assert sound(said), (text, said.text)
            assert said.status in {400, 404, 405}, (text, said.text)

    assert known(attacked) == before


def test_no_text_of_a_body_reaches_a_statement(attacked: Planted) -> None:
    for text in CORPUS:
        chat = json.dumps({"model": text, "messages": [{"role": text, "content": text}], "user": text}).encode()
        key = json.dumps({"name": text, "models": [text], "metadata": {text: text}, "team": text}).encode()

        asked = send(attacked.site.url, "POST", "/v1/chat/completions", attacked.headers("member"), chat)
        made = send(attacked.site.admin_url, "POST", "/admin/keys", attacked.headers("admin"), key)

        assert sound(asked), asked.text
        assert asked.status == 403
        assert sound(made), made.text
        assert made.status == 400


def test_a_text_that_may_be_anything_is_kept_as_it_came(attacked: Planted) -> None:
    body = {"name": "bobby", "metadata": {text: text for text in CORPUS}, "team": CORPUS[5], "models": CORPUS[:3]}

    made = send(attacked.site.admin_url, "POST", "/admin/keys", attacked.headers("admin"), json.dumps(body).encode())
    kept = send(attacked.site.admin_url, "GET", f"/admin/keys/{json.loads(made.text)['id']}", attacked.headers("admin"))
    send(attacked.site.admin_url, "POST", "/admin/keys/bobby/revoke", attacked.headers("admin"))

    assert {name: json.loads(kept.text)[name] for name in body} == body
