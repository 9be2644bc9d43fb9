"""What is read of an HTTP request before its meaning: the key and the body."""

from litestar.types import HTTPReceiveMessage

from appliance.domain.errors import BadRequest, BodyTooLarge, ClientGone, InvalidKey, UnsupportedMediaType
from appliance.http.errors import Header
from appliance.http.server.wire import Receive

JSON = b"application/json"
JSON_TYPES = frozenset({JSON, b"text/json"})
_KEY_NAMES = frozenset({b"x-api-key", b"api-key"})


def bearer(headers: list[Header]) -> str:
    """The key of a request: `Authorization: Bearer`, as OpenAI clients send it, or `x-api-key` or `api-key`.

    Raises InvalidKey when there is none, or two that differ.
    """
    found = set()
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.partition(b" ")
            if scheme.lower() != b"bearer":
                raise InvalidKey("the `Authorization` header must read `Bearer <key>`")
            found.add(token.strip())
        elif name in _KEY_NAMES:
            found.add(value)
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
        if name == b"content-length":
            if not value.isdigit():
                raise BadRequest("`content-length` is no number")
            if int(value[:18]) > limit:
                raise _too_large(limit)
        elif name == b"content-type" and value != JSON and value.partition(b";")[0].strip().lower() not in JSON_TYPES:
            raise UnsupportedMediaType("the body must be JSON; send `content-type: application/json`")
    message: HTTPReceiveMessage = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):  # most come in one piece
        body = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        return body
    return await _joined(message, receive, limit)


async def _joined(message: HTTPReceiveMessage, receive: Receive, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        if message["type"] != "http.request":
            raise ClientGone("the client left before its request was whole")
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join(pieces)
        message = await receive()


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is larger than {limit:,} bytes")
