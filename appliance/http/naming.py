"""Every answer names its request: `x-request-id`, made by the gateway, which whoever asks about it can say.

Inference routes name theirs themselves, for the ledger; this is for all the others.
"""

from collections.abc import Coroutine, MutableMapping
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.types import LifeSpanScope, Message, Scope, Send

from appliance.domain.errors import GatewayError
from appliance.domain.ids import RequestId
from appliance.http.errors import Header, Rendered, render
from appliance.http.v1.request import new_request_id

REQUEST_ID = b"x-request-id"
_KEPT = "redoubt_request_id"


class Naming(Litestar):
    """An application whose every answer has a name, errors and unknown paths too."""

    def __call__(self, scope: Scope | LifeSpanScope, receive: Any, send: Any) -> Coroutine[Any, Any, None]:
        return super().__call__(scope, receive, named(scope, send) if scope["type"] != "lifespan" else send)


def request_id(scope: Scope) -> RequestId:
    """The name of this request: always the same one."""
    kept = cast("MutableMapping[str, Any]", scope)
    if _KEPT not in kept:
        kept[_KEPT] = new_request_id()
    return RequestId(kept[_KEPT])


def named(scope: Scope, send: Send) -> Send:
    """`send`, putting the request's name on an answer that has none yet."""

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = cast("list[Header]", message["headers"])
            if not any(name == REQUEST_ID for name, _ in headers):
                message["headers"] = [(REQUEST_ID, request_id(scope).encode()), *headers]
        await send(message)

    return send_named


def render_named(error: GatewayError) -> Rendered:
    """An error of the server itself, which no application sees, with a name of its own."""
    told = render(error)
    return msgspec.structs.replace(told, headers=[(REQUEST_ID, new_request_id().encode()), *told.headers])
