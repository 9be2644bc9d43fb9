"""Refusals as a document tells them: made from the one error table, a component for each family and status."""

from collections.abc import Sequence
from http import HTTPStatus

from appliance.domain import errors as e
from appliance.http.document.components import Schema, header, identified
from appliance.http.document.operation import JSON, Operation
from appliance.http.errors import TABLE, Row

HEADERS = {
    "allow": "The methods that are served there.",
    "retry-after": "Seconds to wait.",
    "www-authenticate": "`Bearer`.",
    "x-should-retry": "`true` or `false`: whether trying again can help.",
}
ALWAYS = frozenset({"allow", "www-authenticate"})  # where they are told at all


def refused(one: Operation, refusals: dict[str, Schema]) -> Schema:
    """References to the refusals of one operation, by status. Those of one family are the same everywhere."""
    rows: dict[int, list[Row]] = {}
    for error in one.refuses:
        rows.setdefault(TABLE[error].status, []).append(TABLE[error])
    passed_on = e.UpstreamRejected in one.refuses
    told = {}
    for status, found in sorted(rows.items()):
        extra = [TABLE[e.UpstreamRejected]] if passed_on and 400 < status < 500 else []
        made = _refusal(status, [*found, *extra])
        told[str(status)] = _reference(f"refused-{status}", made, refusals)
    if passed_on:
        told["4XX"] = _reference("refused-4XX", _refusal(400, [TABLE[e.UpstreamRejected]]), refusals)
    return told


def _reference(name: str, made: Schema, refusals: dict[str, Schema]) -> Schema:
    """The component of this name; another one, with a letter behind it, where two families differ."""
    letter = "a"
    chosen = name
    while refusals.setdefault(chosen, made) != made:
        chosen, letter = name + letter, chr(ord(letter) + 1)
    return {"$ref": f"#/components/responses/{chosen}"}


def _refusal(status: int, rows: Sequence[Row]) -> Schema:
    """OpenAI's error object, with the codes that come with this status."""
    codes, kinds = _codes(rows)
    headers = {"x-should-retry"} if any(row.retry is not None for row in rows) else set()
    headers |= {"retry-after"} if any(row.retry for row in rows) else set()
    headers |= {401: {"www-authenticate"}, 405: {"allow"}}.get(status, set())
    return {
        "description": f"{HTTPStatus(status).phrase}: " + ", ".join(f"`{code}`" for code in codes),
        "content": {JSON: {"schema": _error_object(codes, kinds)}},
        "headers": identified({name: header(HEADERS[name], required=name in ALWAYS) for name in sorted(headers)}),
    }


def any_refusal() -> Schema:
    """The error object with whatever code there is: what a stream may end with."""
    return _error_object(*_codes(list(TABLE.values())))


def _error_object(codes: Sequence[str], kinds: Sequence[str]) -> Schema:
    """The one shape of every refusal, and nothing beside it."""
    fields: Schema = {
        "message": {"type": "string", "description": "What happened, to what, and what to do now."},
        "type": {"enum": list(kinds)},
        "param": {"type": ["string", "null"], "description": "The field that is wrong."},
        "code": {"enum": list(codes)},
    }
    inner = {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}
    return {"type": "object", "properties": {"error": inner}, "required": ["error"], "additionalProperties": False}


def _codes(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    return sorted({row.code for row in rows}), sorted({row.type for row in rows})
