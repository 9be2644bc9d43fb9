"""What a document says of a listener, before it is one: operations, their answers and what they may refuse."""

from typing import Any

import msgspec

from appliance.domain import errors as e
from appliance.domain import names
from appliance.http.ops import Readiness
from appliance.http.permissions import Permission

Refusals = tuple[type[e.GatewayError], ...]

JSON = "application/json"
ANYWHERE: Refusals = (  # what the server and the listener refuse whatever was asked
    e.GatewayError,
    e.BadRequest,
    e.BadHost,
    e.MethodNotAllowed,
    e.RequestTimeout,
    e.BodyTooLarge,
    e.UnsupportedMediaType,
    e.MisdirectedRequest,
    e.HeadersTooLarge,
)
KEYED: Refusals = (*ANYWHERE, e.InvalidKey, e.ExpiredKey, e.StoreUnavailable)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One good answer. `shape` is a type or a schema; None: no body. `event`: what a streamed one is made of."""

    says: str
    shape: Any = None
    media: str = JSON
    event: Any = None
    headers: dict[str, str] = {}


class Named(msgspec.Struct, frozen=True):
    """A path parameter: what it means, and what it looks like."""

    says: str
    pattern: str
    longest: int | None = None  # characters


MODEL_NAMED = Named(
    "The model's name; it may hold slashes, as they are or as `%2F`.", names.MODEL.pattern, names.MODEL.longest
)


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method at one path."""

    path: str
    method: str
    name: str
    says: str
    permission: Permission
    more: str = ""  # beyond one sentence
    answers: dict[int, Answer]
    refuses: Refusals = ()
    names: dict[str, Named] = {}  # by path parameter
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None


def health_operations() -> list[Operation]:
    """`/healthz`, `/readyz` and the document itself, on both listeners."""
    alive = Answer(says="The process answers.", shape=dict[str, str])
    ready = Answer(says="New work is taken.", shape=Readiness)
    waiting = Answer(says="New work is not taken now; `checks` says why.", shape=Readiness)
    heads = [Answer(says=f"{one.says} As GET, without the body.") for one in (alive, ready, waiting)]
    return [
        _open("/healthz", "health", "Whether the process answers", {200: alive}),
        _open("/readyz", "readiness", "Whether new work is taken", {200: ready, 503: waiting}),
        _open("/healthz", "health_head", "Whether the process answers, by status alone", {200: heads[0]}, "head"),
        _open(
            "/readyz",
            "readiness_head",
            "Whether new work is taken, by status alone",
            {200: heads[1], 503: heads[2]},
            "head",
        ),
        _open("/openapi.json", "document", "This document", {200: Answer(says="OpenAPI.", shape={"type": "object"})}),
    ]


def _open(path: str, name: str, says: str, answers: dict[int, Answer], method: str = "get") -> Operation:
    return Operation(
        path=path, method=method, name=name, says=says, permission=Permission.OPEN, answers=answers, refuses=ANYWHERE
    )
