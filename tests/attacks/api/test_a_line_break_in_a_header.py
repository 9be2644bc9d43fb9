"""Response splitting: a value of the client's, with CR and LF in it, becomes a header of the answer."""

import json
from urllib.parse import quote

import pytest

from tests.attacks.api.wire import Said, bearer, send
from tests.e2e.planted import Planted

BREAKS = ["\r\n", "\n", "\r", "\r\n\r\n", "\u2028", "\x0b", "\x85", "\u560d\u560a", "%0d%0a", "\x00"]


def clean(said: Said) -> bool:
    return "x-injected" not in said.headers and all(
        character.isprintable() for value in said.headers.values() for character in value
    )


@pytest.mark.parametrize("break_", BREAKS, ids=ascii)
def test_no_text_of_a_request_becomes_a_header(attacked: Planted, break_: str) -> None:
    evil = f"chat{break_}x-injected: 1"
    chat = {"model": evil, "messages": [{"role": "user", "content": evil}], "user": evil, evil: evil}
    targets = [f"/v1/models/{quote(evil)}", f"/{quote(evil)}", f"/v1/models?x={quote(evil)}"]

    for role in ("member", "admin"):
        assert clean(
            send(attacked.site.url, "POST", "/v1/chat/completions", attacked.headers(role), json.dumps(chat).encode())
        )
        for target in targets:
            assert clean(send(attacked.site.url, "GET", target, attacked.headers(role)))
            assert clean(send(attacked.site.admin_url, "GET", target, attacked.headers(role)))


@pytest.mark.parametrize("break_", BREAKS, ids=ascii)
def test_no_name_with_a_line_break_can_be_given_to_anything(attacked: Planted, break_: str) -> None:
    """Names of models and labels of deployments stand in headers of answers."""
    evil = f"a{break_}x-injected: 1"
    entry = {"label": evil, "provider": "vllm", "url": "http://127.0.0.1:9", "model": "m"}
    headers, admin = attacked.headers("admin"), attacked.site.admin_url
    body = {"models": [{"name": evil, "deployments": [entry]}], "keys": [{"name": evil}]}

    for path, told in (
        (f"/admin/deployments/m/{quote(evil)}", entry),
        (f"/admin/models/{quote(evil)}", {"name": evil, "deployments": [{**entry, "label": "a"}]}),
    ):
        assert send(admin, "PUT", path, headers, json.dumps(told).encode()).status == 400
    assert send(admin, "POST", "/admin/keys", headers, json.dumps({"name": evil}).encode()).status == 400
    assert send(admin, "POST", "/admin/plan", headers, json.dumps(body).encode()).status == 400


@pytest.mark.parametrize("raw", [b"x\r\nx-a: 1", b"x\nx-a: 1", b"x\rx-a: 1", b"\xff\xfe", b"x" * 9000])
def test_a_key_of_strange_bytes_is_refused_as_any_other(attacked: Planted, raw: bytes) -> None:
    said = send(attacked.site.url, "GET", "/v1/models", bearer(raw))

    assert said.status in {400, 401}
    assert clean(said)
    assert "x-a" not in said.whole
