"""Every answer of both listeners names its request."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from litestar import Litestar, Router, get

from appliance.domain.errors import BadHost
from appliance.http.errors import render
from appliance.http.permissions import Permission, opt
from appliance.http.request_id import render_identified
from tests.fakes.client import FakeClient
from tests.fakes.desk import ADMIN, FakeDesk, a_desk

LISTENERS: dict[str, Callable[[FakeDesk], Litestar]] = {"api": FakeDesk.api, "admin": FakeDesk.admin}


@pytest.fixture
async def desk() -> FakeDesk:
    return await a_desk()


@pytest.fixture(params=LISTENERS)
def app(desk: FakeDesk, request: pytest.FixtureRequest) -> Litestar:
    return LISTENERS[request.param](desk)


@pytest.fixture
async def asking(app: Litestar, desk: FakeDesk) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]  # litestar types its scope more narrowly
    headers = {"authorization": f"Bearer {desk.secret(ADMIN).reveal()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        yield client


def name_of(answer: httpx.Response) -> str:
    """Fails unless there is exactly one, of our own form."""
    [name] = answer.headers.get_list("x-request-id")
    assert name.startswith("req_")
    return str(name)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/healthz"), ("HEAD", "/readyz"), ("GET", "/openapi.json"), ("GET", "/v1/models"), ("GET", "/metrics"),
        ("GET", "/v1/models/absent"), ("GET", "/nothing"), ("OPTIONS", "/healthz"), ("PATCH", "/admin/keys"),
        ("GET", "/admin/keys"), ("GET", "/admin/keys/absent"), ("POST", "/admin/keys"),
        ("GET", "/admin/events?limit=x"), ("POST", "/v1/embeddings"), ("GET", "/v1/embeddings/"),
    ],
)  # fmt: skip
async def test_every_answer_names_its_request(asking: httpx.AsyncClient, method: str, path: str) -> None:
    first, second = [await asking.request(method, path, headers={"x-request-id": "mine"}) for _ in range(2)]

    assert name_of(first) != name_of(second)


async def test_a_stranger_is_told_the_name_of_his_refusal(app: Litestar) -> None:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # litestar types its scope more narrowly
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as stranger:
        for path in ("/v1/models", "/admin/keys", "/v1/chat/completions"):
            name_of(await stranger.get(path))


async def test_a_fault_is_told_and_logged_under_the_name_of_its_answer(
    desk: FakeDesk, app: Litestar, asking: httpx.AsyncClient
) -> None:
    @get("/fault", opt=opt(Permission.OPEN), sync_to_thread=False)
    def fault() -> None:
        raise LookupError("a fault of ours")

    app.register(Router("/", route_handlers=[fault]))

    answer = await asking.get("/fault")

    assert answer.status_code == 500
    assert name_of(answer) in answer.json()["error"]["message"]
    [(logged, _)] = desk.gateway.faults
    assert logged == name_of(answer)


async def test_an_inference_keeps_the_name_it_has_in_the_ledger(desk: FakeDesk) -> None:
    client = FakeClient([b"{}"], headers=[(b"authorization", b"Bearer " + desk.secret(ADMIN).reveal().encode())])
    app: Any = desk.api()

    await app(client.scope, client.receive, client.send)

    assert client.headers["x-request-id"] == desk.gateway.ledger.row.request_id


def test_an_error_of_the_server_itself_has_a_name_and_is_otherwise_the_same() -> None:
    error = BadHost("there is no `Host`")

    told, bare = render_identified(error), render(error)

    [first, *rest] = told.headers
    assert first[0] == b"x-request-id"
    assert (told.status, rest, told.body) == (bare.status, bare.headers, bare.body)
