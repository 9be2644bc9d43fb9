"""Bodies of the admin listener, looked at before the framework decodes them.

Litestar answers a body nested 5,000 deep with 500, and reads the last of two equal keys; both are refused here.
"""

from typing import cast

from litestar.types import ASGIApp, HTTPReceiveMessage, HTTPScope, Receive, Scope, Send

from appliance.domain.errors import GatewayError
from appliance.http.errors import Header, render
from appliance.http.v1.decode import check_json
from appliance.http.v1.request import read_body

WRITES = frozenset({"POST", "PUT", "PATCH"})


class CheckedBodies:
    """Wraps an app: reads each body once, within `limit` bytes, checks it, and hands it on."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if cast("str", scope["type"]) != "http" or cast("HTTPScope", scope)["method"] not in WRITES:
            await self._app(scope, receive, send)
            return
        try:
            raw = await read_body(cast("list[Header]", scope["headers"]), receive, self._limit)
            if raw:
                check_json(raw)
        except GatewayError as error:
            told = render(error)
            await send({"type": "http.response.start", "status": told.status, "headers": told.headers})
            await send({"type": "http.response.body", "body": told.body, "more_body": False})
            return
        given = False

        async def replay() -> HTTPReceiveMessage:
            nonlocal given
            if given:
                return cast("HTTPReceiveMessage", await receive())
            given = True
            return {"type": "http.request", "body": raw, "more_body": False}

        await self._app(scope, replay, send)
