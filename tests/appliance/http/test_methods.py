"""What both listeners say of methods: HEAD where it is free, and 405 with the ones that are served everywhere else."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from litestar import Litestar

from tests.appliance.http.server.harness import exchange, serving
from tests.fakes.desk import ADMIN, FakeDesk, a_desk

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
LISTENERS: dict[str, Callable[[FakeDesk], Litestar]] = {"api": FakeDesk.api, "admin": FakeDesk.admin}


@pytest.fixture(params=LISTENERS)
async def app(request: pytest.FixtureRequest) -> Litestar:
    return LISTENERS[request.param](await a_desk())


@pytest.fixture
async def asking(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client with an administrator's key."""
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # litestar types its scope more narrowly
    headers = {"authorization": f"Bearer {FakeDesk().secret(ADMIN).reveal()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        yield client


def paths(app: Litestar) -> dict[str, set[str]]:
    """Every route, with a name in the place of each parameter, and the methods it serves."""
    names = {"{which:str}": "a", "{which}": "a", "{name:path}": "a/b", "{deployment:path}": "a/b"}
    names |= {"{name}": "a/b", "{deployment}": "a/b"}
    found: dict[str, set[str]] = {}
    for route in app.routes:
        path = route.path_format
        for parameter, name in names.items():
            path = path.replace(parameter, name)
        methods = {str(one) for one in getattr(route, "methods", ())} - {"OPTIONS"}
        found[path] = methods or {"POST"}  # a raw route is an inference
    return found


async def test_a_method_that_is_not_served_is_405_and_names_those_that_are(
    app: Litestar, asking: httpx.AsyncClient
) -> None:
    for path, served in paths(app).items():
        for method in METHODS - served:
            refused = await asking.request(method, path, json={})

            assert refused.status_code == 405, (method, path)
            assert set(refused.headers["allow"].split(", ")) == served, (method, path)


async def test_options_without_a_key_names_the_methods_as_the_document_does(app: Litestar) -> None:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # litestar types its scope more narrowly
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as stranger:
        refused = await stranger.options("/healthz")

    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_head_answers_as_get_without_a_body(app: Litestar, path: str) -> None:
    with serving(app) as served:
        got, head = (
            exchange(served, f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            for method in ("GET", "HEAD")
        )

    (first, body), (second, nothing) = (answer.split(b"\r\n\r\n") for answer in (got, head))
    assert body
    assert nothing == b""
    assert b"content-length: %d" % len(body) in second
    assert lasting(first) == lasting(second)


def lasting(head: bytes) -> list[bytes]:
    """The lines that two answers to one question share."""
    return [line for line in head.split(b"\r\n") if not line.startswith((b"date:", b"x-request-id:"))]
