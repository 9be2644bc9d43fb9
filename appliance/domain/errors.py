"""Every error a client or an administrator can meet. `http/errors.py` gives each its row: status, type, code, retry."""

from enum import StrEnum
from typing import ClassVar


class GatewayError(Exception):
    """Base of all. The message says what happened, to what, and what to do now; never a secret, never a prompt."""

    kind: ClassVar[str] = "internal"

    def __init__(self, message: str, *, param: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after = retry_after  # seconds


class BadRequest(GatewayError):
    kind = "invalid_value"


class BadHost(GatewayError):
    """400: the Host header is missing, doubled or malformed."""

    kind = "bad_host"


class MisdirectedRequest(GatewayError):
    """421: a well-formed Host that is not ours (RFC 9110 §15.5.20)."""

    kind = "misdirected_request"


class ContextTooLong(GatewayError):
    kind = "context_length_exceeded"


class ContentBlocked(GatewayError):
    kind = "content_filter"


class InvalidKey(GatewayError):
    kind = "invalid_api_key"


class ExpiredKey(GatewayError):
    kind = "key_expired"


class NotPermitted(GatewayError):
    kind = "not_permitted"


class ModelNotAllowed(GatewayError):
    kind = "model_not_allowed"


class FieldNotAllowed(GatewayError):
    """403: a request field that jumps a queue or breaks isolation, without the key's policy allowing it."""

    kind = "field_not_allowed"


class NotFound(GatewayError):
    kind = "not_found"


class ModelUnknown(GatewayError):
    kind = "model_not_found"


class MethodNotAllowed(GatewayError):
    """405; `allow` names the methods that are served there, where that is known."""

    kind = "method_not_allowed"

    def __init__(self, message: str, *, allow: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allow = allow


class RequestTimeout(GatewayError):
    """408: the client did not finish sending its request in time."""

    kind = "request_timeout"


class Conflict(GatewayError):
    kind = "conflict"


class BodyTooLarge(GatewayError):
    kind = "body_too_large"


class UnsupportedMediaType(GatewayError):
    kind = "unsupported_media_type"


class HeadersTooLarge(GatewayError):
    """431: too many header fields, or too long."""

    kind = "headers_too_large"


class RateLimited(GatewayError):
    kind = "rate_limit_exceeded"


class QueueFull(GatewayError):
    """429: every deployment is at its `max_parallel`."""

    kind = "queue_full"


class BudgetSpent(GatewayError):
    kind = "insufficient_quota"


class UpstreamRejected(GatewayError):
    """4xx of the model server, for the client's fault; status and scrubbed message are passed on."""

    kind = "upstream_rejected"

    def __init__(self, message: str, *, status: int, param: str | None = None) -> None:
        super().__init__(message, param=param)
        self.status = status


class UpstreamFailed(GatewayError):
    """Every attempt failed."""

    kind = "upstream_failed"


class UpstreamTimeout(GatewayError):
    kind = "upstream_timeout"


class NoDeployment(GatewayError):
    """503: the model has no enabled deployment that could be asked."""

    kind = "no_deployment"


class PriceMissing(GatewayError):
    """503: a model without a price, and the site declares no default."""

    kind = "price_missing"


class Unable(StrEnum):
    """Why a text could not be looked at, in a word for metrics."""

    ANALYSIS = "analysis"  # the analyser failed, or told places that are none
    BUSY = "busy"  # no worker became free in time
    DEADLINE = "deadline"
    LANGUAGE = "language"
    LENGTH = "length"
    MODEL = "model"  # names are asked for, and no language model is in use that finds them
    POLICY = "policy"  # it is not there, or asks for what this gateway was not given
    TEXT = "text"  # it is no text
    WORKER = "worker"  # none runs, or it was lost


class RedactionUnavailable(GatewayError):
    """503: a text could not be looked at, and the policy fails closed."""

    kind = "redaction_unavailable"

    def __init__(self, message: str, *, why: Unable, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.why = why


class StoreUnavailable(GatewayError):
    """503: the store, the ledger or the counters cannot be trusted now."""

    kind = "store_unavailable"


class ShuttingDown(GatewayError):
    kind = "shutting_down"


class ClientGone(GatewayError):
    """499, in the ledger only: nobody is there to read it."""

    kind = "client_gone"


class ConfigError(GatewayError):
    """The configuration file, or an entity in it, is wrong. Says file, line and path."""

    kind = "config"

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(where + message)
        self.file = file
        self.line = line
