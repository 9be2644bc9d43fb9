"""OpenAPI 3.1 documents, made from the types and the error table that the gateway itself goes by. They name no host."""

from collections.abc import Mapping, Sequence

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from appliance.config.problems import READABLE
from appliance.http.document.components import Schema, Types, header, identified
from appliance.http.document.operation import JSON, Answer, Operation
from appliance.http.document.refusals import any_refusal, refused
from appliance.http.permissions import Permission, opt

DIALECT = "3.1.0"
STREAM = "text/event-stream"


def document(title: str, description: str, operations: Sequence[Operation]) -> Schema:
    """The whole document. Every type that an operation names becomes a component, every refusal one of its family."""
    types = Types(operations)
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


def _operation(one: Operation, types: Types, refusals: dict[str, Schema]) -> Schema:
    told: Schema = {"operationId": one.name, "summary": one.says}
    if one.more:
        told["description"] = one.more
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": named.says,
            "schema": {
                "type": "string",
                "pattern": named.pattern,
                **({} if named.longest is None else {"maxLength": named.longest}),
            },
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
        **refused(one, refusals),
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
            "schema": _readable(_without_null(schema)),
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


def _readable(schema: Schema) -> Schema:
    """A text of a query holds no control character, as nothing does that the configuration reads."""
    free = schema.get("type") == "string" and not schema.keys() & {"enum", "format", "pattern"}
    return {**schema, "pattern": READABLE} if free else schema


def _answer(answer: Answer, types: Types) -> Schema:
    told: Schema = {"description": answer.says}
    if answer.shape is not None:
        told["content"] = {answer.media: {"schema": types.of(answer.shape)}}
    if answer.event is not None:
        told["content"][STREAM] = {"schema": _event(types.of(answer.event))}
    told["headers"] = identified({name: header(text) for name, text in answer.headers.items()})
    return told


def _event(chunk: Schema) -> Schema:
    """One event of a stream."""
    broken = any_refusal()
    json = {"type": "string", "contentMediaType": JSON, "contentSchema": {"anyOf": [chunk, broken]}}
    return {
        "type": "object",
        "properties": {"data": {"anyOf": [{"const": "[DONE]"}, json]}, "event": {"const": "message"}},
        "required": ["data"],
        "description": "A chunk as JSON; last, `[DONE]`, or the error object when the answer broke off.",
    }
