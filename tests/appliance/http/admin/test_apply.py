from typing import Any

import httpx
import pytest

from tests.appliance.http.admin.entries import deployment, model
from tests.fakes.desk import FakeDesk

SITE: dict[str, Any] = {
    "models": [model()],
    "keys": [{"name": "key 1", "role": "admin", "models": ["*"]}, {"name": "new", "models": ["llama"]}],
    "default_price": 0,
}


async def test_a_plan_shows_the_changes_and_changes_nothing(admin: httpx.AsyncClient, desk: FakeDesk) -> None:
    plan = await admin.post("/admin/plan", json=SITE)

    assert plan.status_code == 200
    assert [(one["change"], one["what"]) for one in plan.json()["changes"]] == [
        ("update", "default_price: none (models without a price are refused) -> 0"),
        ("create", "model `llama`"),
        ("create", "key `new`"),
    ]
    assert desk.store.tables.models == {}
    assert desk.store.tables.events == []


async def test_what_was_planned_is_applied_and_new_keys_are_shown_once(
    admin: httpx.AsyncClient, desk: FakeDesk
) -> None:
    plan = (await admin.post("/admin/plan", json=SITE)).json()

    applied = await admin.post("/admin/apply", json={**SITE, "plan": plan["plan"]})

    assert applied.status_code == 200
    assert applied.json()["changes"] == plan["changes"]
    [made] = applied.json()["keys"]
    await desk.gateway.keeper.refresh()
    assert desk.gateway.inference.authenticate(made["key"]).key.name == "new"
    assert (await admin.post("/admin/plan", json=SITE)).json()["changes"] == []


async def test_a_plan_is_worth_nothing_once_the_store_has_changed(admin: httpx.AsyncClient, desk: FakeDesk) -> None:
    plan = (await admin.post("/admin/plan", json=SITE)).json()["plan"]
    await admin.put("/admin/deployments/llama/b", json=deployment("b"))

    refused = await admin.post("/admin/apply", json={**SITE, "plan": plan})

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert [key.name for key in desk.store.tables.keys.values()] == ["key 1", "key 2"]


@pytest.mark.parametrize("change", [{"prune": True}, {"default_price": None}, {"models": []}, {"keys": []}])
async def test_a_plan_allows_no_other_change(admin: httpx.AsyncClient, desk: FakeDesk, change: dict[str, Any]) -> None:
    plan = (await admin.post("/admin/plan", json=SITE)).json()["plan"]

    refused = await admin.post("/admin/apply", json={**SITE, "plan": plan, **change})

    assert refused.status_code == 409
    assert desk.store.tables.events == []


async def test_pruning_never_takes_the_last_administrator(admin: httpx.AsyncClient, desk: FakeDesk) -> None:
    empty = {"prune": True}
    plan = (await admin.post("/admin/plan", json=empty)).json()

    refused = await admin.post("/admin/apply", json={**empty, "plan": plan["plan"]})

    assert refused.status_code == 409
    assert all(key.revoked_at is None for key in desk.store.tables.keys.values())


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"models": [model(), model()]}, "models[1].name"),
        ({"models": [model("llama", "a", "a")]}, "models[0].deployments[1].label"),
        ({"keys": [{"name": "a"}, {"name": "a"}]}, "keys[1].name"),
        ({"listen": {}}, "listen"),
        ({"default_price": 1}, "default_price"),
    ],
)
async def test_what_no_file_may_say_is_refused(admin: httpx.AsyncClient, body: object, param: str) -> None:
    refused = await admin.post("/admin/plan", json=body)

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


async def test_nothing_is_applied_unseen(admin: httpx.AsyncClient, desk: FakeDesk) -> None:
    refused = await admin.post("/admin/apply", json=SITE)

    assert refused.status_code == 400
    assert desk.store.tables.events == []
