"""CVE-2025-0628 and its incomplete fix CVE-2026-12799: a viewer's key reached an administrator's route.

CVE-2026-35029, -47101, -47102: a caller changed the configuration, or its own role. The matrix below is made from the
routes themselves: a route that is added is in it.
"""

from datetime import timedelta

import httpx
import pytest
from litestar import Litestar

from appliance.domain.identity import Role
from appliance.http.admin.app import admin_routes
from tests.fakes.clock import NOON
from tests.fakes.desk import ADMIN, MEMBER, FakeDesk, a_desk
from tests.fakes.site import a_key, token

BLOCKED, REVOKED, EXPIRED = 3, 4, 5
OPEN = {"/healthz", "/readyz", "/openapi.json", "/metrics"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
REFUSED = {
    "nobody": (None, {401}),
    "junk": ("Bearer junk", {401}),
    "well-formed and unknown": (f"Bearer {token(99)}", {401}),
    "blocked admin": (f"Bearer {token(BLOCKED)}", {401}),
    "revoked admin": (f"Bearer {token(REVOKED)}", {401}),
    "expired admin": (f"Bearer {token(EXPIRED)}", {401}),
    "admin by basic": (f"Basic {token(ADMIN)}", {401}),
    "admin without a scheme": (token(ADMIN), {401}),
    "member": (f"Bearer {token(MEMBER)}", {403}),
}


@pytest.fixture
async def desk() -> FakeDesk:
    desk = await a_desk()
    desk.gateway.knows(a_key(BLOCKED, role=Role.ADMIN, blocked=True))
    desk.gateway.knows(a_key(REVOKED, role=Role.ADMIN, revoked_at=NOON - timedelta(days=1)))
    desk.gateway.knows(a_key(EXPIRED, role=Role.ADMIN, expires_at=NOON - timedelta(days=1)))
    await desk.gateway.keeper.refresh()
    return desk


def client(app: Litestar, authorization: str | None) -> httpx.AsyncClient:
    headers = {"authorization": authorization} if authorization else {}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]  # litestar types its scope more narrowly
    return httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)


def paths(app: Litestar) -> list[str]:
    """Every route, with a name in the place of each parameter."""
    found = {route.path_format for route in app.routes}
    return sorted(path.replace("{which:str}", "key 1").replace("{which}", "key 1") for path in map(_filled, found))


def _filled(path: str) -> str:
    for name in ("name", "deployment"):
        path = path.replace(f"{{{name}:path}}", "llama/one").replace(f"{{{name}}}", "llama/one")
    return path


@pytest.mark.parametrize("who", REFUSED)
async def test_no_route_of_the_admin_listener_answers_anybody_but_an_administrator(desk: FakeDesk, who: str) -> None:
    authorization, statuses = REFUSED[who]
    app = desk.admin()
    asked = 0

    async with client(app, authorization) as caller:
        for path in paths(app):
            for method in METHODS if path not in OPEN else ():
                answer = await caller.request(method, path, json={"name": "key 1", "role": "admin"})
                assert answer.status_code in {*statuses, 405}, (method, path, answer.text)
                asked += answer.status_code != 405

    assert asked == len(admin_routes(desk.desk))  # each one was there to be asked
    assert desk.store.tables.events == []
    assert desk.gateway.faults == []


async def test_an_administrator_is_let_in_everywhere_so_that_the_matrix_means_something(desk: FakeDesk) -> None:
    app = desk.admin()

    async with client(app, f"Bearer {token(ADMIN)}") as caller:
        for path in paths(app):
            for method in METHODS:
                answer = await caller.request(method, path, json={})
                assert answer.status_code not in {401, 403}, (method, path)


@pytest.mark.parametrize("who", ["nobody", "junk", "blocked admin", "revoked admin", "expired admin"])
async def test_no_route_of_the_api_listener_answers_without_a_key(desk: FakeDesk, who: str) -> None:
    authorization, statuses = REFUSED[who]
    app = desk.api()

    async with client(app, authorization) as caller:
        for path in paths(app):
            for method in METHODS if path not in OPEN else ():
                answer = await caller.request(method, path, json={})
                assert answer.status_code in {*statuses, 405}, (method, path, answer.text)


@pytest.mark.parametrize("number", [ADMIN, MEMBER])
async def test_no_admin_route_is_on_the_api_listener(desk: FakeDesk, number: int) -> None:
    there = {path for path in paths(desk.admin()) if path not in OPEN} | {"/metrics", "/admin", "/admin/"}

    async with client(desk.api(), f"Bearer {token(number)}") as caller:
        for path in there:
            for method in METHODS:
                assert (await caller.request(method, path, json={})).status_code == 404, (method, path)


async def test_every_route_of_the_api_listener_that_writes_is_an_inference(desk: FakeDesk) -> None:
    """CVE-2026-35029: `/config/update` was one call away from every key."""
    writing = {path for path in paths(desk.api()) if path not in OPEN and "models" not in path}

    assert {path.removeprefix("/v1") for path in writing} == {"/chat/completions", "/completions", "/embeddings"}


@pytest.mark.parametrize("way", ["x-role", "x-user-role", "x-redoubt-role", "x-forwarded-user", "x-admin", "cookie"])
async def test_no_header_makes_a_member_an_administrator(desk: FakeDesk, way: str) -> None:
    async with client(desk.admin(), f"Bearer {token(MEMBER)}") as caller:
        answer = await caller.get("/admin/keys", headers={way: "admin"})

    assert answer.status_code == 403


async def test_two_keys_in_one_request_are_no_key(desk: FakeDesk) -> None:
    async with client(desk.admin(), f"Bearer {token(MEMBER)}") as caller:
        for other in ("x-api-key", "api-key"):
            assert (await caller.get("/admin/keys", headers={other: token(ADMIN)})).status_code == 401
