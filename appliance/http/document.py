"""OpenAPI 3.1 documents, made from the types and the error table that the gateway itself goes by. They name no host."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from appliance.domain import errors as e
from appliance.http.errors import TABLE, Row
from appliance.http.ops import Readiness
from appliance.http.permissions import Permission, opt

Schema = dict[str, Any]
Refusals = tuple[type[e.GatewayError], ...]

DIALECT = "3.1.0"
JSON = "application/json"
STREAM = "text/event-stream"
MONEY: Schema = {
    "anyOf": [{"type": "string", "pattern": r"^[0-9]{1,10}(\.[0-9]{1,6})?$"}, {"type": "number", "minimum": 0}]
}
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
HEADERS = {
    "allow": "The methods that are served there.",
    "retry-after": "Seconds to wait.",
    "www-authenticate": "`Bearer`.",
    "x-should-retry": "`true` or `false`: whether trying again can help.",
}


# A name in a path: its segments hold no slash, and none of them is `.` or `..`
SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,30}"
MODEL_PATH = rf"^{SEGMENT}(/{SEGMENT}){{0,2}}$"


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


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method at one path."""

    path: str
    method: str
    name: str
    says: str
    permission: Permission
    answers: dict[int, Answer]
    refuses: Refusals = ()
    names: dict[str, Named] = {}  # by path parameter
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None


def health_operations() -> list[Operation]:
    """`/healthz` and `/readyz`, on both listeners."""
    alive = Answer(says="The process answers.", shape=dict[str, str])
    ready = Answer(says="New work is taken.", shape=Readiness)
    waiting = Answer(says="New work is not taken now; `checks` says why.", shape=Readiness)
    return [
        _open("/healthz", "health", "Whether the process answers", {200: alive}),
        _open("/readyz", "readiness", "Whether new work is taken", {200: ready, 503: waiting}),
        _open("/openapi.json", "document", "This document", {200: Answer(says="OpenAPI.", shape={"type": "object"})}),
    ]


def _open(path: str, name: str, says: str, answers: dict[int, Answer]) -> Operation:
    return Operation(
        path=path, method="get", name=name, says=says, permission=Permission.OPEN, answers=answers, refuses=ANYWHERE
    )


def document(title: str, description: str, operations: Sequence[Operation]) -> Schema:
    """The whole document. Every type that an operation names becomes a component, every refusal one of its family."""
    types = _Types(operations)
    refusals: dict[str, Schema] = {}
    paths: dict[str, Schema] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method] = _operation(one, types, refusals)
    return {
        "openapi": DIALECT,
        "info": {"title": title, "version": "1", "description": description},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": types.components,
            "responses": dict(sorted(refusals.items())),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key that begins with `rdt_`. `x-api-key` and `api-key` carry it as well.",
                }
            },
        },
    }


def document_route(made: Schema) -> HTTPRouteHandler:
    """`/openapi.json`, encoded once. It says nothing of the site, so that it needs no key."""
    encoded = msgspec.json.encode(made)

    @get("/openapi.json", opt=opt(Permission.OPEN), sync_to_thread=False)
    def openapi() -> Response[bytes]:
        return Response(encoded, media_type=JSON)

    return openapi


class _Types:
    """Schemas of all types of a document, generated together so that each stands once."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        found: list[Any] = []
        for one in operations:
            found += [shape for shape in (one.query, one.body) if shape is not None]
            shapes = [shape for told in one.answers.values() for shape in (told.shape, told.event)]
            found += [shape for shape in shapes if not isinstance(shape, dict | None)]
        made, components = msgspec.json.schema_components(
            found, schema_hook=_anything, ref_template="#/components/schemas/{name}"
        )
        self._made = dict(zip(map(str, found), map(_exact, made), strict=True))
        self.components: Schema = _exact(components)

    def of(self, shape: Any) -> Schema:
        return shape if isinstance(shape, dict) else self._made[str(shape)]

    def fields(self, of: type[msgspec.Struct]) -> Schema:
        made: Schema = self.components[of.__name__]
        return made


def _anything(kind: type) -> Schema:
    """`object` is any value: what an event remembers."""
    if kind is not object:
        raise NotImplementedError
    return {"description": "Any value."}  # an empty schema would count as none


def _exact(schema: Any) -> Any:
    """The schema with what msgspec cannot know: amounts of money may be numbers."""
    if isinstance(schema, list):
        return [_exact(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {**{name: value for name, value in schema.items() if name not in {"format", "type"}}, **MONEY}
    return {name: _exact(value) for name, value in schema.items()}


def _operation(one: Operation, types: _Types, refusals: dict[str, Schema]) -> Schema:
    told: Schema = {"operationId": one.name, "summary": one.says}
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": named.says,
            "schema": {"type": "string", "pattern": named.pattern},
        }
        for name, named in one.names.items()
    ]
    if one.query is not None:
        parameters += _queries(types.fields(one.query))
    if parameters:
        told["parameters"] = parameters
    if one.body is not None:
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": types.of(one.body)}}}
    if one.permission is Permission.OPEN:
        told["security"] = []
    told["responses"] = {
        **{str(status): _answer(answer, types) for status, answer in one.answers.items()},
        **_refused(one, refusals),
    }
    return told


def _queries(fields: Schema) -> list[Schema]:
    properties: Mapping[str, Schema] = fields["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in fields["required"],
            "description": schema.get("description", ""),
            "schema": _without_null(schema),
        }
        for name, schema in properties.items()
    ]


def _without_null(schema: Schema) -> Schema:
    """A query parameter is left out, never null."""
    told = {name: value for name, value in schema.items() if name != "description"}
    if told.get("default", 0) is None:
        del told["default"]
    options = [option for option in told.pop("anyOf", []) if option != {"type": "null"}]
    return {**told, **(options[0] if len(options) == 1 else {"anyOf": options} if options else {})}


def _answer(answer: Answer, types: _Types) -> Schema:
    told: Schema = {"description": answer.says}
    if answer.shape is not None:
        told["content"] = {answer.media: {"schema": types.of(answer.shape)}}
    if answer.event is not None:
        told["content"][STREAM] = {"schema": _event(types.of(answer.event))}
    if answer.headers:
        told["headers"] = {name: _header(text) for name, text in answer.headers.items()}
    return told


def _event(chunk: Schema) -> Schema:
    """One event of a stream."""
    broken = error_object(*_codes(list(TABLE.values())))
    json = {"type": "string", "contentMediaType": JSON, "contentSchema": {"anyOf": [chunk, broken]}}
    return {
        "type": "object",
        "properties": {"data": {"anyOf": [{"const": "[DONE]"}, json]}, "event": {"const": "message"}},
        "required": ["data"],
        "description": "A chunk as JSON; last, `[DONE]`, or the error object when the answer broke off.",
    }


def _codes(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    return sorted({row.code for row in rows}), sorted({row.type for row in rows})


def _header(text: str) -> Schema:
    return {"description": text, "schema": {"type": "string"}}


def _refused(one: Operation, refusals: dict[str, Schema]) -> Schema:
    """References to the refusals of one operation, by status. Those of one family are the same everywhere."""
    rows: dict[int, list[Row]] = {}
    for error in one.refuses:
        rows.setdefault(TABLE[error].status, []).append(TABLE[error])
    passed_on = e.UpstreamRejected in one.refuses
    told = {}
    for status, found in sorted(rows.items()):
        extra = [TABLE[e.UpstreamRejected]] if passed_on and 400 < status < 500 else []
        made = refusal(status, [*found, *extra])
        told[str(status)] = _reference(f"refused-{status}", made, refusals)
    if passed_on:
        told["4XX"] = _reference("refused-4XX", refusal(400, [TABLE[e.UpstreamRejected]]), refusals)
    return told


def _reference(name: str, made: Schema, refusals: dict[str, Schema]) -> Schema:
    """The component of this name; another one, with a letter behind it, where two families differ."""
    letter = "a"
    chosen = name
    while refusals.setdefault(chosen, made) != made:
        chosen, letter = name + letter, chr(ord(letter) + 1)
    return {"$ref": f"#/components/responses/{chosen}"}


def refusal(status: int, rows: Sequence[Row]) -> Schema:
    """OpenAI's error object, with the codes that come with this status."""
    codes, kinds = _codes(rows)
    headers = {"x-should-retry"} if any(row.retry is not None for row in rows) else set()
    headers |= {"retry-after"} if any(row.retry for row in rows) else set()
    headers |= {401: {"www-authenticate"}, 405: {"allow"}}.get(status, set())
    told: Schema = {
        "description": f"{HTTPStatus(status).phrase}: " + ", ".join(f"`{code}`" for code in codes),
        "content": {JSON: {"schema": error_object(codes, kinds)}},
    }
    if headers:
        told["headers"] = {name: _header(HEADERS[name]) for name in sorted(headers)}
    return told


def error_object(codes: Sequence[str], kinds: Sequence[str]) -> Schema:
    """The one shape of every refusal, and nothing beside it."""
    fields: Schema = {
        "message": {"type": "string", "description": "What happened, to what, and what to do now."},
        "type": {"enum": list(kinds)},
        "param": {"type": ["string", "null"], "description": "The field that is wrong."},
        "code": {"enum": list(codes)},
    }
    inner = {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}
    return {"type": "object", "properties": {"error": inner}, "required": ["error"], "additionalProperties": False}
