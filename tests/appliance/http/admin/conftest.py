from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fakes.desk import ADMIN, FakeDesk, a_desk


@pytest.fixture
async def desk() -> FakeDesk:
    return await a_desk()


@pytest.fixture
async def admin(desk: FakeDesk) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator at the admin listener."""
    transport = httpx.ASGITransport(desk.admin())  # type: ignore[arg-type]  # litestar types its scope more narrowly
    headers = {"authorization": f"Bearer {desk.secret(ADMIN).reveal()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://admin", headers=headers) as client:
        yield client
