"""Bodies and queries of the admin listener, read by their types: strictly, each once, and nothing unknown.

The framework would read `"3"` as 3, the last of two equal keys, and a body nested 5,000 deep with a 500.
"""

from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import msgspec
from litestar import Request

from appliance.config.problems import dotted, problems
from appliance.domain.errors import BadRequest
from appliance.http.errors import Header
from appliance.http.v1.decode import check_json
from appliance.http.v1.request import read_body

Call = Request[Any, Any, Any]
T = TypeVar("T", bound=msgspec.Struct)

BODY_BYTES = 1024 * 1024
DIGITS = 18


async def read_entity(request: Call, into: type[T]) -> T:
    """The body. Raises BodyTooLarge, UnsupportedMediaType, ClientGone, or BadRequest naming the field that is wrong."""
    raw = await read_body(cast("list[Header]", request.scope["headers"]), request.receive, BODY_BYTES)
    value = check_json(raw)
    for problem in problems(value, into):
        raise BadRequest(str(problem), param=dotted(problem.path) or None)
    return msgspec.convert(value, into)


def read_query(request: Call, into: type[T]) -> T:
    """The query. Raises BadRequest for a parameter that is unknown, wrong, or there twice."""
    found: dict[str, object] = {}
    for name, text in request.query_params.multi_items():
        if name in found:
            raise BadRequest(f"`{name[:64]}` is there twice; send it once", param=name[:64])
        found[name] = _number(text) if name in _numbers(into) else text
    for problem in problems(found, into):
        raise BadRequest(str(problem), param=dotted(problem.path) or None)
    return msgspec.convert(found, into)


def _numbers(into: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(field.name for field in msgspec.structs.fields(into) if _is_number(field.type))


def _is_number(kind: object) -> bool:
    return kind is int or (get_origin(kind) is Annotated and _is_number(get_args(kind)[0]))


def _number(text: str) -> object:
    """A text that is no number stays one, and is refused as such."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else text
