"""The one table from our errors to OpenAI's: status, type, code, and whether a client should try again."""

import math
from typing import Any

import msgspec

from appliance.domain import errors as e

Header = tuple[bytes, bytes]
JSON = (b"content-type", b"application/json")


class Row(msgspec.Struct, frozen=True):
    """How one error class looks on the wire. `retry`: what `x-should-retry` says; None: the status is enough."""

    status: int
    type: str
    code: str
    retry: bool | None = None


INVALID = "invalid_request_error"
SERVER = "server_error"

TABLE: dict[type[e.GatewayError], Row] = {
    e.GatewayError: Row(500, SERVER, "internal"),
    e.BadRequest: Row(400, INVALID, "invalid_value"),
    e.BadHost: Row(400, INVALID, "bad_host"),
    e.ConfigError: Row(400, INVALID, "invalid_value"),
    e.ContextTooLong: Row(400, INVALID, "context_length_exceeded"),
    e.ContentBlocked: Row(400, INVALID, "content_filter"),
    e.InvalidKey: Row(401, "authentication_error", "invalid_api_key"),
    e.ExpiredKey: Row(401, "authentication_error", "key_expired"),
    e.NotPermitted: Row(403, "permission_error", "not_permitted"),
    e.ModelNotAllowed: Row(403, "permission_error", "model_not_allowed"),
    e.FieldNotAllowed: Row(403, "permission_error", "field_not_allowed"),
    e.NotFound: Row(404, "not_found_error", "not_found"),
    e.ModelUnknown: Row(404, "not_found_error", "model_not_found"),
    e.MethodNotAllowed: Row(405, INVALID, "method_not_allowed"),
    e.RequestTimeout: Row(408, INVALID, "request_timeout", retry=True),
    e.Conflict: Row(409, INVALID, "conflict", retry=False),
    e.BodyTooLarge: Row(413, INVALID, "body_too_large"),
    e.UnsupportedMediaType: Row(415, INVALID, "unsupported_media_type"),
    e.MisdirectedRequest: Row(421, INVALID, "misdirected_request"),
    e.RateLimited: Row(429, "rate_limit_error", "rate_limit_exceeded", retry=True),
    e.QueueFull: Row(429, "rate_limit_error", "queue_full", retry=True),
    e.BudgetSpent: Row(429, "insufficient_quota", "insufficient_quota", retry=False),
    e.HeadersTooLarge: Row(431, INVALID, "headers_too_large"),
    e.ClientGone: Row(499, INVALID, "client_gone"),
    e.UpstreamRejected: Row(400, INVALID, "upstream_rejected"),
    e.UpstreamFailed: Row(502, SERVER, "upstream_failed", retry=True),
    e.NoDeployment: Row(503, SERVER, "no_deployment", retry=True),
    e.PriceMissing: Row(503, SERVER, "price_missing", retry=False),
    e.RedactionUnavailable: Row(503, SERVER, "redaction_unavailable", retry=True),
    e.StoreUnavailable: Row(503, SERVER, "store_unavailable", retry=True),
    e.ShuttingDown: Row(503, SERVER, "shutting_down", retry=True),
    e.UpstreamTimeout: Row(504, SERVER, "upstream_timeout", retry=True),
}


class Rendered(msgspec.Struct, frozen=True):
    """An error, ready to be sent."""

    status: int
    headers: list[Header]
    body: bytes
    code: str


def row(error: e.GatewayError) -> Row:
    """The row of an error. UpstreamRejected keeps the model server's own status."""
    found = TABLE[type(error)]
    if isinstance(error, e.UpstreamRejected):
        return Row(error.status, found.type, found.code, found.retry)
    return found


def render(error: e.GatewayError) -> Rendered:
    """OpenAI's error object, with the headers that openai SDKs act on."""
    line = row(error)
    message = error.message.encode("utf-8", "replace").decode()  # half a surrogate of a client's own key is no JSON
    param = error.param.encode("utf-8", "replace").decode() if error.param else None
    told: dict[str, Any] = {"message": message, "type": line.type, "param": param, "code": line.code}
    body = msgspec.json.encode({"error": told})
    headers = [JSON, (b"content-length", b"%d" % len(body))]
    if line.retry is not None:
        headers.append((b"x-should-retry", b"true" if line.retry else b"false"))
    if error.retry_after is not None and line.retry is not False:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after))))
    if isinstance(error, e.MethodNotAllowed) and error.allow:
        headers.append((b"allow", ", ".join(error.allow).encode()))  # RFC 9110 §15.5.6
    if line.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))  # RFC 9110 §11.6.1
    return Rendered(line.status, headers, body, line.code)


def internal(request_id: str) -> e.GatewayError:
    """A fault of ours. The client learns only where to look it up."""
    return e.GatewayError(f"the gateway has a fault of its own; tell your operator the request id `{request_id}`")
