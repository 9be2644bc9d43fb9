"""CVE-2026-59822: when the check of a key broke, the caller went on with an empty identity."""

import pytest
from litestar import Litestar

from appliance.domain.errors import StoreUnavailable
from appliance.domain.identity import Principal
from appliance.http.admin.app import build_admin
from appliance.http.api import Surface, build_api
from appliance.pipeline.listing import Listing
from tests.attacks.api.test_a_role_too_high import OPEN, client, paths
from tests.fakes.desk import ADMIN, FakeDesk, a_desk
from tests.fakes.site import token

BROKEN = [ValueError("x"), KeyError("x"), RuntimeError("x"), TypeError("x"), StoreUnavailable("x"), StopIteration()]


class Broken:
    """A check of keys that breaks, each time in its own way."""

    def __init__(self, how: Exception) -> None:
        self._how = how

    def __call__(self, token: str) -> Principal:
        raise self._how


async def statuses(app: Litestar) -> dict[str, int]:
    """With a key that is right."""
    found = {}
    async with client(app, f"Bearer {token(ADMIN)}") as caller:
        for path in paths(app):
            for method in ("GET", "POST", "PUT", "DELETE") if path not in OPEN else ():
                found[f"{method} {path}"] = (await caller.request(method, path, json={})).status_code
    return found


@pytest.mark.parametrize("how", BROKEN, ids=lambda how: type(how).__name__)
async def test_whatever_breaks_in_the_check_of_a_key_nobody_gets_in(
    how: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await a_desk()
    check = Broken(how)
    monkeypatch.setattr(desk.gateway.inference, "authenticate", check)
    surface = Surface(
        authenticate=check, readiness=desk.surface.readiness, edges=desk.surface.edges, live=desk.gateway.live
    )

    admin = await statuses(build_admin(surface, desk.desk))
    api = await statuses(build_api(surface, desk.gateway.inference, Listing(desk.gateway.keeper)))

    assert {*admin.values(), *api.values()} <= {401, 405, 500, 503}
    assert desk.store.tables.events == []


@pytest.mark.parametrize("answer", [None, False, {}, "admin", object()])
async def test_an_answer_that_is_no_principal_lets_nobody_in(answer: object, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = await a_desk()
    surface = Surface(
        authenticate=lambda _: answer,  # type: ignore[arg-type,return-value]  # the point
        readiness=desk.surface.readiness,
        edges=desk.surface.edges,
        live=desk.gateway.live,
    )

    assert {*(await statuses(build_admin(surface, desk.desk))).values()} <= {401, 405, 500}


async def test_a_site_whose_keys_were_never_read_lets_nobody_in() -> None:
    desk = FakeDesk()  # its catalogue was never refreshed

    assert {*(await statuses(desk.admin())).values()} <= {405, 503}
    assert {*(await statuses(desk.api())).values()} <= {405, 503}
