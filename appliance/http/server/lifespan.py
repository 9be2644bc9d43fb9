"""ASGI's lifespan, run by us: an app that cannot start must keep the gateway from serving, and say why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from appliance.http.server.wire import App


class NotStarted(Exception):
    """An app refused to start; the message is its own."""


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[None]:
    """The app's startup before, its shutdown after. An app that returns at once from `lifespan` has neither.

    Raises NotStarted when startup fails; what the app itself raises is raised.
    """
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    task = asyncio.ensure_future(app(scope, inbox.get, told.put))
    await _ask(task, inbox, told, "startup")
    try:
        yield
    finally:
        await _ask(task, inbox, told, "shutdown")
        await task


async def _ask(
    task: "asyncio.Future[None]", inbox: asyncio.Queue[dict[str, Any]], told: asyncio.Queue[dict[str, Any]], step: str
) -> None:
    inbox.put_nowait({"type": f"lifespan.{step}"})
    answer = asyncio.ensure_future(told.get())
    both: set[asyncio.Future[Any]] = {task, answer}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done():
        answer.cancel()
        task.result()  # raises what the app raised
        return
    message = answer.result()
    if message["type"] == f"lifespan.{step}.failed":
        await asyncio.wait({task})
        raise NotStarted(str(message.get("message") or f"the app's {step} failed"))
