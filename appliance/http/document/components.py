"""Schemas of the types that operations name, as components of one document."""

from collections.abc import Iterable
from typing import Any

import msgspec

from appliance.http.document.operation import Operation

Schema = dict[str, Any]

MONEY: Schema = {
    "anyOf": [{"type": "string", "pattern": r"^[0-9]{1,10}(\.[0-9]{1,6})?$"}, {"type": "number", "minimum": 0}]
}


class Types:
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
    """`object` is any value: what an event remembers. NotImplementedError tells msgspec that a type is not ours."""
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


def header(text: str, *, required: bool = False) -> Schema:
    return {"description": text, "schema": {"type": "string"}, **({"required": True} if required else {})}


def identified(headers: Schema) -> Schema:
    """Headers of one answer, and the one that every answer has."""
    text = "Names this request in the log and, when it is an inference, in the ledger."
    return {"x-request-id": header(text, required=True), **headers}
