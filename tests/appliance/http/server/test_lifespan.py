import asyncio
from typing import Any

import pytest

from appliance.http.server.lifespan import NotStarted, lifespan


async def test_an_app_is_started_before_and_stopped_after() -> None:
    steps: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for step in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{step}"
            steps.append(step)
            await send({"type": f"lifespan.{step}.complete"})

    async with lifespan(app):
        assert steps == ["startup"]

    assert steps == ["startup", "shutdown"]


async def test_an_app_without_a_lifespan_is_served_as_it_is() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        return

    async with lifespan(app):
        pass


async def test_an_app_that_cannot_start_says_why() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "the store is sealed"})

    with pytest.raises(NotStarted, match="the store is sealed"):
        async with lifespan(app):
            pytest.fail("it must not be served")


async def test_what_an_app_raises_at_its_start_is_raised() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise LookupError("no such table")

    with pytest.raises(LookupError, match="no such table"):
        async with lifespan(app):
            pytest.fail("it must not be served")


async def test_an_app_is_stopped_when_serving_fails() -> None:
    stopped = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        stopped.set()
        await send({"type": "lifespan.shutdown.complete"})

    with pytest.raises(ZeroDivisionError):
        async with lifespan(app):
            _ = 1 / 0

    assert stopped.is_set()
