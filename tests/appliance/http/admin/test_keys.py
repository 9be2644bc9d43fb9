from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fakes.desk import FakeDesk


async def test_a_new_key_is_shown_once_and_works(admin: httpx.AsyncClient, desk: FakeDesk) -> None:
    made = await admin.post("/admin/keys", json={"name": "team a", "models": ["*"], "limits": {"budget": "1.5"}})

    assert made.status_code == 201
    told = made.json()
    await desk.gateway.keeper.refresh()
    assert desk.gateway.inference.authenticate(told.pop("key")).key.id == told["id"]
    assert (await admin.get(f"/admin/keys/{told['id']}")).json() == told
    assert told["limits"]["budget"] == "1.5"


async def test_a_key_is_found_by_id_and_by_name(admin: httpx.AsyncClient) -> None:
    made = (await admin.post("/admin/keys", json={"name": "team a/ops"})).json()

    named = await admin.get("/admin/keys", params={"name": "team a/ops"})

    assert [key["id"] for key in named.json()] == [made["id"]]
    assert (await admin.get("/admin/keys/key 1")).json()["role"] == "admin"
    assert (await admin.get("/admin/keys/nobody")).status_code == 404


async def test_an_update_replaces_all_terms(admin: httpx.AsyncClient) -> None:
    made = (await admin.post("/admin/keys", json={"name": "a", "limits": {"rpm": 5}, "metadata": {"x": "y"}})).json()

    changed = (await admin.put(f"/admin/keys/{made['id']}", json={"name": "b"})).json()

    assert (changed["name"], changed["limits"]["rpm"], changed["metadata"]) == ("b", None, {})


async def test_a_key_is_blocked_unblocked_rotated_and_revoked(admin: httpx.AsyncClient, desk: FakeDesk) -> None:
    made = (await admin.post("/admin/keys", json={"name": "a"})).json()
    path = f"/admin/keys/{made['id']}"

    blocked = (await admin.post(f"{path}/block")).json()["blocked"]
    unblocked = (await admin.post(f"{path}/unblock")).json()["blocked"]
    rotated = await admin.post(f"{path}/rotate", json={"overlap_seconds": 60})
    again = await admin.post(f"{path}/rotate", json={})
    revoked = (await admin.post(f"/admin/keys/{rotated.json()['id']}/revoke")).json()["revoked_at"]

    assert (blocked, unblocked, rotated.status_code) == (True, False, 201)
    assert rotated.json()["key"] != made["key"]
    assert again.status_code == 409
    assert revoked is not None
    actions = [event.action for event in desk.store.tables.events]
    assert actions == ["key.create", "key.block", "key.unblock", "key.rotate", "key.revoke"]
    assert {event.actor for event in desk.store.tables.events} == {f"key_{1:016x}"}


async def test_the_last_administrator_cannot_lock_everybody_out(admin: httpx.AsyncClient) -> None:
    for change in ("block", "revoke"):
        refused = await admin.post(f"/admin/keys/key 1/{change}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    demoted = await admin.put("/admin/keys/key 1", json={"name": "key 1", "role": "member"})
    assert demoted.status_code == 409


async def test_a_pepper_is_rotated(admin: httpx.AsyncClient) -> None:
    assert (await admin.post("/admin/peppers/rotate")).json() == {"version": 2}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, None),
        ({"name": "a", "modles": ["*"]}, "modles"),
        ({"name": "a", "limits": {"rpm": "5"}}, "limits.rpm"),
        ({"name": "a", "limits": {"rpm": -1}}, "limits.rpm"),
        ({"name": "a", "limits": {"budget": 1e-9}}, "limits.budget"),
        ({"name": "a", "models": ["*", "llama"]}, "models"),
        ({"name": "a", "fields": ["messages"]}, "fields"),
        ({"name": "a", "expires_at": 1900000000}, "expires_at"),
        ({"name": "a", "expires_at": "2027-01-31T00:00:00"}, "expires_at"),
        ({"name": "a", "expires_at": "2001-01-31T00:00:00Z"}, "expires_at"),
        ({"name": "a", "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ({"name": "key_0123456789abcdef"}, "name"),
        ({"name": "a\r\nx-injected: 1"}, "name"),
        ([], None),
    ],
)
async def test_terms_no_key_may_have_are_refused_and_named(
    admin: httpx.AsyncClient, desk: FakeDesk, body: object, param: str | None
) -> None:
    refused = await admin.post("/admin/keys", json=body)

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert desk.store.tables.events == []


async def test_no_answer_holds_a_digest(admin: httpx.AsyncClient, desk: FakeDesk) -> None:
    await admin.post("/admin/keys", json={"name": "a"})
    await admin.post("/admin/keys/a/rotate", json={})

    said = (await admin.get("/admin/keys")).text + (await admin.get("/admin/events")).text

    assert "digest" not in said
    for key in desk.store.tables.keys.values():
        assert key.digest.hex() not in said
        assert key.digest[:8] not in said.encode()


@pytest.mark.parametrize("seconds", [60.0, 0.5, "60", -1, 90 * 86400 + 1])
async def test_an_overlap_that_is_no_whole_number_of_seconds_is_told_so(
    admin: httpx.AsyncClient, seconds: object
) -> None:
    refused = await admin.post("/admin/keys/key 1/rotate", json={"overlap_seconds": seconds})

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "overlap_seconds")
    assert "expected a whole number of seconds, at most 7776000, got " in refused.json()["error"]["message"]


async def test_a_path_that_is_not_there_is_told_where_to_look(admin: httpx.AsyncClient) -> None:
    refused = await admin.get("/v1/models")

    assert refused.status_code == 404
    assert (
        refused.json()["error"]["message"]
        == "there is nothing at `/v1/models`; `/openapi.json` says what is served here"
    )


async def test_of_two_requests_that_change_one_key_at_once_the_second_is_409(admin: httpx.AsyncClient) -> None:
    await admin.post("/admin/keys", json={"name": "a"})

    async def slow() -> AsyncIterator[bytes]:
        """A body that is under way while another request is answered."""
        assert (await admin.put("/admin/keys/a", json={"name": "a", "limits": {"rpm": 1}})).status_code == 200
        yield b'{"name":"a","limits":{"tpm":1}}'

    refused = await admin.put("/admin/keys/a", content=slow(), headers={"content-type": "application/json"})

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert (await admin.get("/admin/keys/a")).json()["limits"]["rpm"] == 1
