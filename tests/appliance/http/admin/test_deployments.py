import httpx
import pytest

from tests.appliance.http.admin.entries import deployment, model
from tests.fakes.desk import FakeDesk


async def test_a_deployment_makes_the_model_it_serves(admin: httpx.AsyncClient) -> None:
    put = await admin.put("/admin/deployments/org/llama/a", json=deployment("a"))

    assert put.json()["id"] == "org/llama/a"
    assert (await admin.get("/admin/models/org/llama")).json()["deployments"] == [put.json()]


async def test_one_deployment_is_changed_and_the_others_stay_as_they_are(admin: httpx.AsyncClient) -> None:
    await admin.put("/admin/models/llama", json=model("llama", "a", "b", "c", strategy="least-busy", attempts=2))

    await admin.put("/admin/deployments/llama/b", json=deployment("b", weight=0))

    shown = (await admin.get("/admin/models/llama")).json()
    assert [(one["label"], one["weight"]) for one in shown["deployments"]] == [("a", 1.0), ("b", 0.0), ("c", 1.0)]
    assert (shown["strategy"], shown["attempts"]) == ("least-busy", 2)


async def test_the_last_deployment_goes_and_the_model_stays(admin: httpx.AsyncClient) -> None:
    await admin.put("/admin/deployments/llama/a", json=deployment("a"))

    assert (await admin.delete("/admin/deployments/llama/a")).status_code == 204
    assert (await admin.get("/admin/models/llama")).json()["deployments"] == []
    assert (await admin.delete("/admin/deployments/llama/a")).status_code == 404


@pytest.mark.parametrize(
    ("path", "code"),
    [("llama/b", "not_found"), ("other/a", "model_not_found"), ("llama", "not_found")],
)
async def test_a_deployment_that_is_not_there_is_not_found(admin: httpx.AsyncClient, path: str, code: str) -> None:
    await admin.put("/admin/deployments/llama/a", json=deployment("a"))

    refused = await admin.get(f"/admin/deployments/{path}")

    assert (refused.status_code, refused.json()["error"]["code"]) == (404, code)


async def test_a_label_that_differs_in_path_and_body_is_refused(admin: httpx.AsyncClient) -> None:
    refused = await admin.put("/admin/deployments/llama/a", json=deployment("b"))

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "label")


async def test_deployments_are_listed_by_model(admin: httpx.AsyncClient) -> None:
    await admin.put("/admin/models/llama", json=model("llama", "a", "b"))
    await admin.put("/admin/models/other", json=model("other", "a"))

    everything = (await admin.get("/admin/deployments")).json()
    one = (await admin.get("/admin/deployments", params={"model": "other"})).json()

    assert [found["id"] for found in everything] == ["llama/a", "llama/b", "other/a"]
    assert [found["id"] for found in one] == ["other/a"]


async def test_cards_are_asked_of_enabled_deployments_or_of_the_one_that_is_named(
    admin: httpx.AsyncClient, desk: FakeDesk
) -> None:
    await admin.put("/admin/deployments/llama/a", json=deployment("a"))
    await admin.put("/admin/deployments/llama/b", json=deployment("b", enabled=False))

    everything = (await admin.get("/admin/cards")).json()
    one = (await admin.get("/admin/cards", params={"deployment": "llama/b"})).json()

    assert [card["deployment"] for card in everything] == ["llama/a"]
    assert [card["deployment"] for card in one] == ["llama/b"]
    assert one[0]["health"]["state"] == "live"
    assert [asked.id for asked in desk.asked] == ["llama/a", "llama/b"]
    assert (await admin.get("/admin/cards", params={"deployment": "llama/c"})).status_code == 404


async def test_the_kinds_of_server_are_listed(admin: httpx.AsyncClient) -> None:
    assert [kind["name"] for kind in (await admin.get("/admin/providers")).json()] == ["fake"]
