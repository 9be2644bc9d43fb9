import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest

from appliance.domain.names import MODEL
from tests.appliance.http.admin.entries import deployment, model
from tests.fakes.desk import FakeDesk


@pytest.mark.parametrize("name", ["llama", "org/llama:70b", "a/b/c@d+e"])
async def test_a_model_is_put_shown_and_deleted_under_any_name(admin: httpx.AsyncClient, name: str) -> None:
    put = await admin.put(f"/admin/models/{name}", json=model(name))

    assert put.status_code == 200
    assert (await admin.get(f"/admin/models/{name}")).json() == put.json()
    assert (await admin.get("/admin/models")).json() == [put.json()]
    assert (await admin.delete(f"/admin/models/{name}")).status_code == 204
    assert (await admin.get(f"/admin/models/{name}")).json()["error"]["code"] == "model_not_found"
    assert (await admin.delete(f"/admin/models/{name}")).status_code == 404


async def test_every_setting_of_a_deployment_comes_back_as_it_was_sent(admin: httpx.AsyncClient) -> None:
    told = {
        "weight": 2.5,
        "max_parallel": 4,
        "timeouts": {"connect": 1.0, "first_byte": 2.0, "between_chunks": 3.0, "total": 4.0},
        "price": {"input": "0.59", "cached": "0.1", "output": "0.79", "gpu_second": "0.000001"},
        "options": {"num_ctx": 8192, "keep_alive": "5m", "loose": True, "share": 0.5},
        "credential": "file:token",
        "ca_file": "/etc/ca.pem",
        "media_urls": True,
        "enabled": False,
    }

    await admin.put("/admin/models/llama", json={"name": "llama", "deployments": [deployment("a", **told)]})

    shown = (await admin.get("/admin/deployments/llama/a")).json()
    assert shown == {"id": "llama/a", **deployment("a", **told)}


async def test_a_name_that_differs_in_path_and_body_is_refused(admin: httpx.AsyncClient) -> None:
    refused = await admin.put("/admin/models/other", json=model("llama"))

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "name")


async def test_what_provider_and_egress_say_of_a_deployment_refuses_the_model(
    admin: httpx.AsyncClient, desk: FakeDesk
) -> None:
    desk.problems.append("10.0.0.7 is not in `egress.allow`")

    refused = await admin.put("/admin/models/llama", json=model())

    assert refused.status_code == 400
    assert "egress.allow" in refused.json()["error"]["message"]
    assert desk.store.tables.models == {}


async def test_a_default_price_is_set_shown_and_taken_away(admin: httpx.AsyncClient) -> None:
    price = {"input": "0.1", "cached": None, "output": "0.3", "gpu_second": "0"}

    assert (await admin.put("/admin/default-price", json={"input": 0.1, "output": "0.3"})).json()[
        "default_price"
    ] == price
    assert (await admin.get("/admin/default-price")).json() == {"default_price": price}
    assert (await admin.delete("/admin/default-price")).status_code == 204
    assert (await admin.get("/admin/default-price")).json() == {"default_price": None}


async def test_a_price_that_names_nothing_is_not_free(admin: httpx.AsyncClient) -> None:
    refused = await admin.put("/admin/default-price", json={})

    assert refused.status_code == 400
    assert "a price names at least one amount" in refused.json()["error"]["message"]
    assert (await admin.get("/admin/default-price")).json() == {"default_price": None}


@pytest.mark.parametrize("number", [2**53 + 1, 10**30, -(10**30)])
async def test_an_option_is_no_number_that_others_cannot_hold(admin: httpx.AsyncClient, number: int) -> None:
    refused = await admin.put("/admin/deployments/llama/a", json=deployment("a", options={"num_ctx": number}))

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "options.num_ctx")


@pytest.mark.parametrize("amount", [-1, "1e99", "\uff19", "1_000", " 1", "NaN", "0.0000001", 10**400, True, {}])
async def test_an_amount_that_is_no_money_is_refused(admin: httpx.AsyncClient, amount: object) -> None:
    assert (await admin.put("/admin/default-price", json={"input": amount})).status_code == 400


@pytest.mark.parametrize("name", ["a//b", "a/../b", "./a", "a/", "/a", "a\n"])
async def test_a_model_that_a_path_could_not_name_is_refused(
    admin: httpx.AsyncClient, desk: FakeDesk, name: str
) -> None:
    put = await admin.put("/admin/models/a", json=model(name))
    planned = await admin.post("/admin/plan", json={"models": [model(name)]})

    for refused, path in ((put, "name"), (planned, "models[0].name")):
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, path)
        assert f"{path}: expected {MODEL.words}" in refused.json()["error"]["message"]
    assert desk.store.tables.models == {}


@pytest.mark.parametrize("name", ["./a", "a/../b", "a\n", "a b", "-a"])  # the server refuses what the framework folds
async def test_a_deployment_makes_no_model_that_a_path_could_not_name(
    admin: httpx.AsyncClient, desk: FakeDesk, name: str
) -> None:
    refused = await admin.put(f"/admin/deployments/{quote(name, safe='')}/one", json=deployment("one"))

    assert refused.status_code == 400
    assert f"expected {MODEL.words}" in refused.json()["error"]["message"]
    assert desk.store.tables.models == {}


async def test_a_relative_authority_file_is_refused_for_there_is_no_file_it_could_be_relative_to(
    admin: httpx.AsyncClient, desk: FakeDesk
) -> None:
    one = deployment("a", ca_file="tls/ca.pem")
    answers = [
        await admin.put("/admin/models/llama", json={"name": "llama", "deployments": [one]}),
        await admin.put("/admin/deployments/llama/a", json=one),
        await admin.post("/admin/plan", json={"models": [{"name": "llama", "deployments": [one]}]}),
    ]

    for refused in answers:
        assert refused.status_code == 400
        assert "`ca_file` is no absolute path" in refused.json()["error"]["message"]
    assert desk.store.tables.models == {}


@pytest.mark.parametrize("field", ["credential", "ca_file", "model"])
async def test_a_path_with_a_control_character_does_not_reach_the_store(
    admin: httpx.AsyncClient, desk: FakeDesk, field: str
) -> None:
    """A NUL in a credential's path ended the gateway that read it, and every later start."""
    refused = await admin.put("/admin/deployments/llama/a", json=deployment("a", **{field: "file:/a\x00b"}))

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, field)
    assert desk.store.tables.models == {}


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("/admin/models/llama", model("llama", "a"), model("llama", "b")),
        ("/admin/deployments/llama/a", deployment("a"), deployment("a", weight=2)),
    ],
)
async def test_of_two_requests_that_make_the_same_thing_at_once_the_second_is_409(
    admin: httpx.AsyncClient, desk: FakeDesk, path: str, first: object, second: object
) -> None:
    quicker: list[httpx.Response] = []

    async def slow() -> AsyncIterator[bytes]:
        """A body that is under way while another request is answered."""
        quicker.append(await admin.put(path, json=first))
        yield json.dumps(second).encode()

    refused = await admin.put(path, content=slow(), headers={"content-type": "application/json"})

    assert [one.status_code for one in quicker] == [200]
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert (await admin.get(path)).json() == quicker[0].json()
    assert (await admin.put(path, json=second)).status_code == 200  # having seen it, it may be replaced


async def test_two_deployments_of_a_new_model_made_at_once_do_not_undo_each_other(admin: httpx.AsyncClient) -> None:
    async def slow() -> AsyncIterator[bytes]:
        await admin.put("/admin/deployments/llama/a", json=deployment("a"))
        yield json.dumps(deployment("b")).encode()

    headers = {"content-type": "application/json"}
    assert (await admin.put("/admin/deployments/llama/b", content=slow(), headers=headers)).status_code == 200
    assert [one["id"] for one in (await admin.get("/admin/deployments")).json()] == ["llama/a", "llama/b"]


async def test_the_same_request_twice_at_once_is_no_conflict(admin: httpx.AsyncClient) -> None:
    async def slow() -> AsyncIterator[bytes]:
        await admin.put("/admin/models/llama", json=model())
        yield json.dumps(model()).encode()

    twice = await admin.put("/admin/models/llama", content=slow(), headers={"content-type": "application/json"})

    assert twice.status_code == 200
