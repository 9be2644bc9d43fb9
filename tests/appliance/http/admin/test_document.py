"""The documents say what is there: every route, every refusal, every field that is checked."""

from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from appliance.domain.errors import ClientGone
from appliance.domain.upstream import Kind
from appliance.http.admin.app import admin_document, admin_routes
from appliance.http.errors import TABLE
from appliance.http.v1.openapi import KNOWN, REQUESTS, api_document
from tests.fakes.desk import FakeDesk

Schema = dict[str, Any]


def served(app: Litestar) -> set[tuple[str, str]]:
    """(method, path) of every route, as a document writes them."""
    found = set()
    for route in app.routes:
        path = route.path_format.replace(":path}", "}").replace(":str}", "}")
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]:  # type: ignore[union-attr]  # a raw route has one
            methods = handler.http_methods if isinstance(handler, HTTPRouteHandler) else {"POST"}
            found |= {(str(method), path) for method in methods if method != "OPTIONS"}
    return found


def told(made: Schema) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in made["paths"].items() for method in methods}


async def test_every_route_is_in_its_document_and_nothing_else(desk: FakeDesk) -> None:
    assert told(api_document()) == served(desk.api())
    assert told(admin_document(admin_routes(desk.desk))) == served(desk.admin())


async def test_every_status_of_the_table_is_told_with_its_code(desk: FakeDesk) -> None:
    codes: dict[str, set[str]] = {}
    for made in (api_document(), admin_document(admin_routes(desk.desk))):
        for name, refusal in made["components"]["responses"].items():
            schema = refusal["content"]["application/json"]["schema"]
            status = name.removeprefix("refused-")[:3]
            codes.setdefault(status, set()).update(schema["properties"]["error"]["properties"]["code"]["enum"])

    for error, row in TABLE.items():
        if error is not ClientGone:  # 499 stands in the ledger only
            assert row.code in codes[str(row.status)], error


async def test_only_open_routes_need_no_key(desk: FakeDesk) -> None:
    for made in (api_document(), admin_document(admin_routes(desk.desk))):
        assert made["security"] == [{"bearer": []}]
        opened = {path for path, methods in made["paths"].items() for one in methods.values() if "security" in one}
        assert opened == {"/healthz", "/readyz", "/openapi.json", "/metrics"} & {*made["paths"]}


async def test_no_document_names_a_host_or_loads_from_one(desk: FakeDesk) -> None:
    for made in (api_document(), admin_document(admin_routes(desk.desk))):
        said = msgspec.json.encode(made).decode()
        assert "servers" not in made
        assert "://" not in said.replace("http:// or https:// address", "").replace("^https?://", "")


@pytest.mark.parametrize("kind", Kind)
def test_every_field_the_gateway_checks_is_told_and_the_request_stays_open(kind: Kind) -> None:
    schema = api_document()["components"]["schemas"][REQUESTS[kind].__name__]

    assert {*REQUESTS[kind].__struct_fields__, *KNOWN[kind]} == {*schema["properties"]}
    assert schema.get("additionalProperties", True) is True


async def test_operations_have_names_of_their_own(desk: FakeDesk) -> None:
    for made in (api_document(), admin_document(admin_routes(desk.desk))):
        names = [one["operationId"] for methods in made["paths"].values() for one in methods.values()]
        assert len({*names}) == len(names)


async def test_every_reference_leads_somewhere(desk: FakeDesk) -> None:
    for made in (api_document(), admin_document(admin_routes(desk.desk))):
        for reference in references(made):
            at = made
            for step in reference.removeprefix("#/").split("/"):
                at = at[step]


def references(schema: object) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        return [*own, *(one for value in schema.values() for one in references(value))]
    return [one for value in schema for one in references(value)] if isinstance(schema, list) else []


def test_refusals_of_two_families_that_differ_are_two_components() -> None:
    made = api_document()
    chat = made["paths"]["/v1/chat/completions"]["post"]["responses"]["404"]["$ref"]
    model = made["paths"]["/v1/models/{name}"]["get"]["responses"]["404"]["$ref"]

    assert chat != model
