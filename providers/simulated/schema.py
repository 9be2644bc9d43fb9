"""An instance of a JSON Schema, always the same one for the same seed: what a constrained decoder would have written.

Covers what clients send as `response_format` and tool parameters: types, properties, items, enum, const, references
into `$defs`, anyOf/oneOf/allOf, bounds, lengths, patterns and common formats (JSON Schema 2020-12).
"""

from collections.abc import Mapping
from typing import Any

from providers.simulated.generate import prose, seed_of
from providers.simulated.pattern import BadPattern, sample

_DEEP = 4  # below this, what is optional is left out, so that recursive schemas end
_TOO_DEEP = 40


class BadSchema(ValueError):
    """The schema cannot be compiled, or nothing fits it."""


def instance(schema: Any, seed: int) -> Any:
    """A value that is valid for the schema. Raises BadSchema when there is none, or it is no schema."""
    return _Writer(schema, seed).value(schema, 0, "$")


class _Writer:
    def __init__(self, root: Any, seed: int) -> None:
        self._root = root
        self._seed = seed

    def value(self, schema: Any, depth: int, path: str) -> Any:
        if depth > _TOO_DEEP:
            raise BadSchema(f"{path}: the schema never ends")
        if schema is True or schema == {}:
            return self._word(path)
        if not isinstance(schema, dict):
            raise BadSchema(f"{path}: expected a schema, got {schema!r}")
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._chosen(schema["enum"], path)
        inner = self._inner(schema, path)
        if inner is not None:
            return self.value(inner, depth + 1, path)
        return self._of_type(_type(schema, path), schema, depth, path)

    def _inner(self, schema: Mapping[str, Any], path: str) -> Any:
        """The schema this one stands for, if it does."""
        if "$ref" in schema:
            return self._resolved(schema["$ref"], path)
        for several in ("anyOf", "oneOf"):
            if schema.get(several):
                return self._chosen(schema[several], path)
        return self._merged(schema, path) if schema.get("allOf") else None

    def _of_type(self, kind: str, schema: Mapping[str, Any], depth: int, path: str) -> Any:
        match kind:
            case "object":
                return self._object(schema, depth, path)
            case "array":
                return self._array(schema, depth, path)
            case "string":
                return self._string(schema, path)
            case "integer" | "number":
                return self._number(schema, path, whole=kind == "integer")
            case "boolean":
                return bool(seed_of(self._seed, path) & 1)
            case "null":
                return None
            case _:
                raise BadSchema(f"{path}: unknown type {kind!r}")

    def _object(self, schema: Mapping[str, Any], depth: int, path: str) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = schema.get("required") or []
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise BadSchema(f"{path}: `properties` must be an object and `required` a list")
        names = [name for name in properties if name in required or depth < _DEEP]
        value = {name: self.value(properties[name], depth + 1, f"{path}.{name}") for name in names}
        extra = schema.get("additionalProperties", True)
        for name in required:
            if name not in value:
                if extra is False:
                    raise BadSchema(f"{path}: `{name}` is required and not allowed")
                value[name] = self.value(extra, depth + 1, f"{path}.{name}")
        return value

    def _array(self, schema: Mapping[str, Any], depth: int, path: str) -> list[Any]:
        fixed = schema.get("prefixItems") or []
        value = [self.value(item, depth + 1, f"{path}[{at}]") for at, item in enumerate(fixed)]
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        wanted = max(least, 2 if depth < _DEEP else 0)
        if most is not None:
            if most < least:
                raise BadSchema(f"{path}: `maxItems` is below `minItems`")
            wanted = min(wanted, most)
        items = schema.get("items", True)
        attempt = 0
        while items is not False and len(value) < wanted and attempt < 50 * wanted:
            item = self.value(items, depth + 1, f"{path}[{len(value)}]" + f"#{attempt}" * bool(attempt))
            if not schema.get("uniqueItems") or item not in value:
                value.append(item)
            attempt += 1
        if len(value) < least:
            raise BadSchema(f"{path}: fewer than `minItems` values fit")
        return value

    def _string(self, schema: Mapping[str, Any], path: str) -> str:
        if "pattern" in schema:
            try:
                return sample(schema["pattern"], seed_of(self._seed, path), search=True)
            except BadPattern as error:
                raise BadSchema(f"{path}: {error}") from error
        given = _FORMATS.get(schema.get("format", ""))
        if given is not None:
            return given
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        if most is not None and most < least:
            raise BadSchema(f"{path}: `maxLength` is below `minLength`")
        word = self._word(path)
        while len(word) < least:
            word += " " + self._word(f"{path}{len(word)}")
        # Cut at the bound that is tight, never below the other.
        return word[: max(least, min(len(word), most))] if most is not None else word

    def _number(self, schema: Mapping[str, Any], path: str, *, whole: bool) -> int | float:
        step = schema.get("multipleOf", 1 if whole else 0.5)
        least = schema.get("minimum", schema.get("exclusiveMinimum"))
        most = schema.get("maximum", schema.get("exclusiveMaximum"))
        if least is None:
            least = most - 100 * step if most is not None else 0
        value = -(-least // step) * step
        if value <= schema.get("exclusiveMinimum", value - 1):
            value += step
        top = most if most is not None else value + 100 * step
        value += step * (seed_of(self._seed, path) % max(1, min(100, int((top - value) // step))))
        if value > schema.get("maximum", value) or value >= schema.get("exclusiveMaximum", value + 1):
            raise BadSchema(f"{path}: no number fits the bounds")
        return int(value) if whole else value

    def _word(self, path: str) -> str:
        return prose(seed_of(self._seed, path), 4).decode().rstrip(" .")

    def _chosen(self, options: Any, path: str) -> Any:
        if not isinstance(options, list) or not options:
            raise BadSchema(f"{path}: expected a list of choices")
        return options[seed_of(self._seed, path) % len(options)]

    def _resolved(self, reference: Any, path: str) -> Any:
        target = self._root
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise BadSchema(f"{path}: only references into the schema itself can be followed")
        for part in reference.removeprefix("#").removeprefix("/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if not name:
                continue
            if not isinstance(target, dict) or name not in target:
                raise BadSchema(f"{path}: `{reference}` is not there")
            target = target[name]
        return target

    def _merged(self, schema: Mapping[str, Any], path: str) -> dict[str, Any]:
        merged: dict[str, Any] = {name: value for name, value in schema.items() if name != "allOf"}
        for part in schema["allOf"]:
            whole = self._resolved(part["$ref"], path) if isinstance(part, dict) and "$ref" in part else part
            if not isinstance(whole, dict):
                raise BadSchema(f"{path}: expected a schema in `allOf`")
            for name, value in whole.items():
                if name == "properties":
                    merged[name] = {**merged.get(name, {}), **value}
                elif name == "required":
                    merged[name] = [*merged.get(name, []), *value]
                else:
                    merged[name] = value
        return merged


def _type(schema: Mapping[str, Any], path: str) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if isinstance(kind, str):
        return kind
    if kind is not None:
        raise BadSchema(f"{path}: `type` must be a name or a list of names")
    for name, implied in _IMPLIED.items():
        if name in schema:
            return implied
    return "string"


_IMPLIED = {"properties": "object", "required": "object", "items": "array", "prefixItems": "array", "minimum": "number"}
_FORMATS = {
    "date": "2026-03-14",
    "time": "15:09:26Z",
    "date-time": "2026-03-14T15:09:26Z",
    "duration": "PT1H",
    "email": "someone@example.org",
    "uuid": "6f1c1f6e-4f0a-4b1e-9d53-2f1d9a6b7c80",
    "uri": "urn:example:thing",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "hostname": "host.example.org",
}
