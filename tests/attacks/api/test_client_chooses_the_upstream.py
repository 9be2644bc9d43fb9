"""CVE-2024-6587: a client's `api_base` sent the gateway, and its key for the model server, wherever the client chose.

No field, header or parameter of a request has a say in where it goes.
"""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.policy.rules import NEVER
from tests.attacks.api.wire import send
from tests.e2e.planted import Planted

STEERING = sorted({*NEVER, "API_BASE", "Base_Url"})


@pytest.fixture
def trap() -> Iterator[socket.socket]:
    """An address that nothing has a reason to connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def untouched(trap: socket.socket) -> bool:
    try:
        trap.accept()
    except BlockingIOError:
        return True
    return False


def address(trap: socket.socket) -> str:
    return f"http://127.0.0.1:{trap.getsockname()[1]}/v1"


def chat(**more: Any) -> bytes:
    return json.dumps({"model": "chat", "messages": [{"role": "user", "content": "hi"}], **more}).encode()


@pytest.mark.parametrize("role", ["member", "admin"])
@pytest.mark.parametrize("field", STEERING)
def test_a_field_that_steers_is_refused_whoever_sends_it(
    attacked: Planted, trap: socket.socket, field: str, role: str
) -> None:
    said = send(
        attacked.site.url, "POST", "/v1/chat/completions", attacked.headers(role), chat(**{field: address(trap)})
    )

    assert (said.status, said.code) == (403, "field_not_allowed")
    assert untouched(trap)


@pytest.mark.parametrize(
    "more",
    [
        {"litellm_params": {"api_base": "TRAP"}},
        {"extra_body": {"api_base": "TRAP", "base_url": "TRAP"}},
        {"metadata": {"api_base": "TRAP"}},
        {"deployment": {"url": "TRAP"}, "url": "TRAP", "endpoint": "TRAP", "upstream": "TRAP"},
        {"provider": {"only": ["TRAP"]}, "route": "fallback", "models": ["TRAP"]},
        {"proxy": "TRAP", "http_proxy": "TRAP", "organization": "TRAP"},
    ],
)
def test_fields_of_other_gateways_reach_no_other_server(
    attacked: Planted, trap: socket.socket, more: dict[str, Any]
) -> None:
    body = chat(**more).replace(b"TRAP", address(trap).encode())

    send(attacked.site.url, "POST", "/v1/chat/completions", attacked.headers("member"), body)

    assert untouched(trap)


@pytest.mark.parametrize(
    "header",
    [
        "x-api-base",
        "x-base-url",
        "api-base",
        "helicone-target-url",
        "x-portkey-custom-host",
        "x-forwarded-host",
        "x-upstream",
    ],
)
def test_no_header_steers(attacked: Planted, trap: socket.socket, header: str) -> None:
    headers = {**attacked.headers("member"), header: address(trap)}

    said = send(attacked.site.url, "POST", "/v1/chat/completions", headers, chat())

    assert said.status == 200
    assert untouched(trap)


def test_no_query_steers(attacked: Planted, trap: socket.socket) -> None:
    target = f"/v1/chat/completions?api_base={address(trap)}&base_url={address(trap)}&model=embed"

    said = send(attacked.site.url, "POST", target, attacked.headers("member"), chat())

    assert said.status == 200
    assert said.headers["x-redoubt-model"] == "chat"
    assert untouched(trap)


@pytest.mark.parametrize("url", ["TRAP", "http://192.0.2.7/x.png", "file:///etc/passwd", "gopher://127.0.0.1/"])
def test_a_media_address_is_not_fetched_for_a_client(attacked: Planted, trap: socket.socket, url: str) -> None:
    picture = {"type": "image_url", "image_url": {"url": url.replace("TRAP", address(trap))}}
    body = chat(messages=[{"role": "user", "content": [picture]}])

    said = send(attacked.site.url, "POST", "/v1/chat/completions", attacked.headers("member"), body)

    assert said.status in {400, 403}
    assert untouched(trap)
