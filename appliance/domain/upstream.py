"""What travels between the pipeline and an inference server, before and after translation."""

from enum import StrEnum
from typing import Any

import msgspec

from appliance.domain.ids import RequestId
from appliance.domain.usage import Usage

Body = dict[str, Any]
"""A decoded JSON object of the OpenAI dialogue: the one `dict` that crosses package boundaries."""
Header = tuple[bytes, bytes]


class Kind(StrEnum):
    """The kinds of call. The value is the route below `/v1`."""

    CHAT = "chat/completions"
    COMPLETION = "completions"
    EMBEDDINGS = "embeddings"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request to be sent upstream, in OpenAI's words. `body` is shared: adapters copy before they change."""

    kind: Kind
    body: Body
    request_id: RequestId
    salt: str
    stream: bool = False
    choices: int = 1  # OpenAI's `n`


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request of a call. A server that knows no `n` or no prompt list gets one part a choice."""

    method: str = "POST"
    path: str  # below the deployment's url, starts with `/`
    headers: tuple[Header, ...] = ()  # beyond content-type, accept and credentials
    body: bytes = b""
    first_choice: int = 0  # index that choice 0 of this part has in the whole answer


class FailureKind(StrEnum):
    """Why an attempt failed, in words every provider maps its own to."""

    OVERLOAD = "overload"  # busy or rate-limited: another deployment may have room
    CONTEXT = "context"  # the prompt is too long for this model
    AUTH = "auth"  # the endpoint refused the gateway's own credential
    NOT_FOUND = "not_found"  # the endpoint does not have this model or route
    BAD_REQUEST = "bad_request"  # the client's fault: no deployment will take it
    GENERATION = "generation"  # the engine failed on this request
    DEAD = "dead"  # unreachable, reset, or the engine says it is dead
    INCOMPLETE = "incomplete"  # ended without a finish
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"  # bytes that are not what this server's dialogue allows


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One failed attempt. `message` is the upstream's own text and is scrubbed before a client sees it."""

    kind: FailureKind
    message: str
    status: int | None = None
    param: str | None = None
    code: str | None = None
    retry_after: float | None = None  # seconds, when the server said so

    @property
    def final(self) -> bool:
        """True when no other deployment would answer differently."""
        return self.kind in {FailureKind.BAD_REQUEST, FailureKind.CONTEXT}


class UpstreamError(Exception):
    """Raised by providers and egress with the failure inside; the pipeline decides what a client sees."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.kind}: {failure.message}")
        self.failure = failure


class Chunk(msgspec.Struct, gc=False):
    """A good stream event as an OpenAI chunk. Upstream's `id` and `model` are still in it; the relay replaces them."""

    body: Body
    speaks: bool = False  # carries a non-empty delta: text, reasoning or tool call
    usage: Usage | None = None


class KeepAlive(msgspec.Struct, frozen=True, gc=False):
    """The server is alive and says nothing yet."""


class Broken(msgspec.Struct, frozen=True):
    """An error event inside a 200 stream, or an end without a finish. Nothing good follows."""

    failure: Failure


class Finished(msgspec.Struct, frozen=True, gc=False):
    """The stream is complete: every choice that spoke has finished. Comes exactly once, last."""


StreamEvent = Chunk | KeepAlive | Broken | Finished


class WholeAnswer(msgspec.Struct, frozen=True):
    """A whole answer as an OpenAI object."""

    body: Body
    usage: Usage | None
