"""What an admin route takes and refuses, said once beside the route: the request is read by it and the document made of
it.
"""

import inspect
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler

from appliance.domain import errors as e
from appliance.http.document.operation import KEYED, Answer, Named, Operation, Refusals
from appliance.http.permissions import Permission, opt

ADMIN: Refusals = (*KEYED, e.NotPermitted)
CONTRACT = "redoubt_contract"


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """Beside method, path and answer, which the route says itself."""

    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    refuses: Refusals = ()
    names: dict[str, Named] = {}


def admin(
    *refuses: type[e.GatewayError],
    query: type[msgspec.Struct] | None = None,
    body: type[msgspec.Struct] | None = None,
    names: dict[str, Named] | None = None,
) -> dict[str, object]:
    """The declaration of a route for administrators. `names`: what its path parameters mean."""
    contract = Contract(query=query, body=body, refuses=refuses, names=names or {})
    return {**opt(Permission.ADMIN), CONTRACT: contract}


def operations(handlers: Sequence[HTTPRouteHandler]) -> list[Operation]:
    """Of every handler that declares a contract: its docstring is what is said of it, its return type the answer."""
    return [_operation(one) for one in handlers if CONTRACT in one.opt]


def _operation(handler: HTTPRouteHandler) -> Operation:
    contract: Contract = handler.opt[CONTRACT]
    function: Any = handler.fn
    [path], [method] = handler.paths, handler.http_methods
    says, _, more = inspect.cleandoc(function.__doc__).partition("\n\n")
    returned = inspect.signature(function).return_annotation
    return Operation(
        path=path.replace(":path}", "}").replace(":str}", "}"),
        method=str(method).lower(),
        name=function.__name__,
        says=says.removesuffix("."),
        more=more,
        permission=Permission.ADMIN,
        answers={handler.status_code: Answer(says="Done.", shape=returned)},
        refuses=(*ADMIN, *contract.refuses),
        names=contract.names,
        query=contract.query,
        body=contract.body,
    )
