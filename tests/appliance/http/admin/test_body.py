"""Bodies are read after the key is known, within bounds, and strictly."""

import httpx
import pytest

from tests.fakes.desk import FakeDesk

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"name":"a","name":"b"}', 400),
        (b'{"name":NaN}', 400),
        (b'{"name":"\\ud800"}', 400),
        (b'{"name":"\xff"}', 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, 400),
        (b'"' + b"a" * 1024 * 1024 + b'"', 413),
    ],
)
async def test_a_malformed_body_is_refused_with_a_clear_error_and_counted(
    admin: httpx.AsyncClient, desk: FakeDesk, raw: bytes, status: int
) -> None:
    refused = await admin.post("/admin/keys", content=raw, headers=JSON)

    assert refused.status_code == status, refused.text
    assert set(refused.json()["error"]) == {"message", "type", "param", "code"}
    assert desk.gateway.faults == []
    assert len(desk.gateway.refusals) == 1


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data; boundary=x"]
)
async def test_another_content_type_is_refused(admin: httpx.AsyncClient, kind: str) -> None:
    refused = await admin.post("/admin/keys", content=b'{"name":"a"}', headers={"content-type": kind})

    assert (refused.status_code, refused.json()["error"]["code"]) == (415, "unsupported_media_type")


async def test_a_body_is_not_read_before_the_key_is_known(desk: FakeDesk) -> None:
    read = []

    async def never() -> object:
        read.append(True)
        return {"type": "http.disconnect"}

    said: list[object] = []

    async def send(message: object) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/admin/keys",
        "raw_path": b"/admin/keys",
        "query_string": b"",
        "headers": [],
        "client": ("10.0.0.1", 1),
        "server": ("admin", 80),
        "scheme": "http",
        "root_path": "",
        "http_version": "1.1",
    }
    await desk.admin()(scope, never, send)  # type: ignore[arg-type]  # a scope of plain types

    assert said[0]["status"] == 401  # type: ignore[index]  # ASGI messages are dictionaries
    assert read == []
