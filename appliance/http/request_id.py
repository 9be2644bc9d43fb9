"""Every answer names its request: `x-request-id`, made by the gateway, which whoever asks about it can say.

Inference routes name theirs themselves, for the ledger; this is for all the others.
"""

import os
from collections.abc import Coroutine, MutableMapping
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.types import LifeSpanScope, Message, Scope, Send

from appliance.domain.errors import GatewayError
from appliance.domain.ids import RequestId
from appliance.http.errors import Header, Rendered, render

REQUEST_ID = b"x-request-id"
_KEPT = "redoubt_request_id"


def new_request_id() -> RequestId:
    return RequestId("req_" + os.urandom(12).hex())


class Identified(Litestar):
    """An application whose every answer tells its request's id, errors and unknown paths too."""

    def __call__(self, scope: Scope | LifeSpanScope, receive: Any, send: Any) -> Coroutine[Any, Any, None]:
        return super().__call__(scope, receive, identified(scope, send) if scope["type"] != "lifespan" else send)


def request_id(scope: Scope) -> RequestId:
    """The id of this request: always the same one."""
    kept = cast("MutableMapping[str, Any]", scope)
    if _KEPT not in kept:
        kept[_KEPT] = new_request_id()
    return RequestId(kept[_KEPT])


def identified(scope: Scope, send: Send) -> Send:
    """`send`, putting the request's id on an answer that has none yet."""

    async def send_identified(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = cast("list[Header]", message["headers"])
            if not any(name == REQUEST_ID for name, _ in headers):
                message["headers"] = [(REQUEST_ID, request_id(scope).encode()), *headers]
        await send(message)

    return send_identified


def render_identified(error: GatewayError) -> Rendered:
    """An error of the server itself, which no application sees, with an id of its own."""
    told = render(error)
    return msgspec.structs.replace(told, headers=[(REQUEST_ID, new_request_id().encode()), *told.headers])
