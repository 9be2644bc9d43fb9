"""What is read of an HTTP request before its meaning: the key and the body."""

import os
from typing import cast

from litestar.types import HTTPRequestEvent, Receive

from appliance.domain.errors import BadRequest, BodyTooLarge, ClientGone, InvalidKey, UnsupportedMediaType
from appliance.domain.ids import RequestId
from appliance.http.errors import Header

JSON_TYPES = frozenset({b"application/json", b"text/json"})


def new_request_id() -> RequestId:
    return RequestId("req_" + os.urandom(12).hex())


def bearer(headers: list[Header]) -> str:
    """The key of a request: `Authorization: Bearer`, as OpenAI clients send it, or `x-api-key` or `api-key`.

    Raises InvalidKey when there is none, or two that differ.
    """
    found = {value for name, value in headers if name in {b"x-api-key", b"api-key"}}
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.partition(b" ")
            if scheme.lower() != b"bearer":
                raise InvalidKey("the `Authorization` header must read `Bearer <key>`")
            found.add(token.strip())
    if not found:
        raise InvalidKey("no API key; send `Authorization: Bearer <key>`")
    if len(found) > 1:
        raise InvalidKey("two different API keys in one request; send one")
    return found.pop().decode("latin-1")


async def read_body(headers: list[Header], receive: Receive, limit: int) -> bytes:
    """The whole body. Raises BodyTooLarge past `limit` bytes, by the announced length before a byte is read.

    Raises UnsupportedMediaType for another content type, ClientGone when the client leaves before it has said all.
    """
    for name, value in headers:
        if name == b"content-length" and not value.isdigit():
            raise BadRequest("`content-length` is no number")
        if name == b"content-length" and int(value[:18]) > limit:
            raise BodyTooLarge(f"the body is larger than {limit:,} bytes")
        if name == b"content-type" and value.partition(b";")[0].strip().lower() not in JSON_TYPES:
            raise UnsupportedMediaType("the body must be JSON; send `content-type: application/json`")
    pieces: list[bytes] = []
    size = 0
    while True:
        message = cast("HTTPRequestEvent", await receive())
        if message["type"] != "http.request":
            raise ClientGone("the client left before its request was whole")
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise BodyTooLarge(f"the body is larger than {limit:,} bytes")
        if not message.get("more_body"):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
