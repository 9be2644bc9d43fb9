"""Both OpenAPI documents, held to by schemathesis against a real gateway with emulated servers behind it.

Every operation is called with each role's key, with requests that fit the document and with requests that do not. In an
ordinary run the examples are few and always the same; `--long` takes twenty times as many.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error  # noqa: F401 -- loads the checks named below
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from appliance.http.admin.app import admin_document, admin_routes
from appliance.http.v1.openapi import api_document
from tests.e2e.planted import MODELS, Planted, leaks, planted
from tests.e2e.site import get
from tests.fakes.desk import FakeDesk

EXAMPLES, MORE = 6, 20
ROLES = ("admin", "member", "nobody")
CONFORMS: list[Any] = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
FEW = 2
DEEP = {"/admin/plan", "/admin/apply"}  # each example takes a tenth of a second to think of
TWINS = {"/chat/completions", "/completions", "/embeddings"}  # with and without `/v1`
MOSTLY = st.sampled_from([True, True, True, False])
DEPLOYMENTS = ["chat/a", "fuzz/b", "fuzz/with/slash/a", "fuzz", "fuzz/b%2Fc", "absent/a"]
PLAUSIBLE = {
    "credential": ["file:absent", "env:ABSENT"],
    "label": ["a", "b"],
    "model": [*MODELS],
    "provider": ["vllm", "ollama", "tgi", "openai_compatible"],
    "url": ["http://127.0.0.1:9", "http://192.0.2.1", "http://localhost:9/base"],
}
OF_UPSTREAM = {502, 503, 504}  # a server behind the gateway failed, and the gateway says so
OPEN = {"/healthz", "/readyz", "/openapi.json", "/metrics"}
DOCUMENTS = {"api": api_document(), "admin": admin_document(admin_routes(FakeDesk().desk))}
OPERATIONS: dict[str, Any] = {
    f"{listener} {found.ok().method} {found.ok().path}": found.ok()
    for listener, document in DOCUMENTS.items()
    for found in cast("Iterator[Any]", schemathesis.openapi.from_dict(document).get_all_operations())
}


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    with planted(tmp_path_factory.mktemp("fuzzed")) as one:
        yield one


@pytest.fixture(scope="module")
def times(request: pytest.FixtureRequest) -> int:
    return MORE if request.getfixturevalue("long_run") else 1


def base(fuzzed: Planted, listener: str) -> str:
    return fuzzed.site.url if listener == "api" else fuzzed.site.admin_url


@pytest.mark.parametrize("listener", DOCUMENTS)
def test_the_document_that_is_served_is_the_one_tested_here(fuzzed: Planted, listener: str) -> None:
    assert json.loads(get(f"{base(fuzzed, listener)}/openapi.json")) == json.loads(json.dumps(DOCUMENTS[listener]))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_one_the_document_tells_of(fuzzed: Planted, name: str, role: str, times: int) -> None:
    listener = name.partition(" ")[0]
    hidden = fuzzed.hidden(listener, role)
    with requests.Session() as session:
        session.trust_env = False

        def hold(case: Case[Any]) -> None:
            answer = case.call(base_url=base(fuzzed, listener), headers=fuzzed.headers(role), session=session)
            assert answer.status_code < 500 or (listener == "api" and answer.status_code in OF_UPSTREAM), answer.text
            case.validate_response(answer, checks=CONFORMS)
            if (listener, role) == ("admin", "admin"):
                for check in accepts(case, str(answer.request.url)):
                    case.validate_response(answer, checks=[check])
            elif role == "nobody" and case.operation.path not in OPEN:
                assert answer.status_code in {400, 401}, answer.text
            elif listener == "admin" and case.operation.path not in OPEN:  # 401: a request that does not fit has no key
                assert answer.status_code in {400, 401, 403}, answer.text
            said = answer.text + str(dict(answer.headers))
            assert not leaks(said, hidden), said

        try_with(OPERATIONS[name], times, hold)
    assert fuzzed.faults() == []


def accepts(case: Case[Any], url: str) -> list[Any]:
    """Reads take whatever fits the document; nothing takes what does not. What a write says must also make sense."""
    if case.meta is not None and case.meta.generation.mode.is_negative:
        sent = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
        return [negative_data_rejection] if sent >= {*(case.query or ())} else []  # null and [] are not on the wire
    return [positive_data_acceptance] if case.operation.method == "get" and not case.path_parameters else []


def try_with(operation: Any, times: int, hold: Callable[[Case[Any]], None]) -> None:
    """Examples that fit the document and, where there is anything to send, examples that do not."""
    sends = operation.body or operation.query or operation.path_parameters
    examples = FEW if operation.path in DEEP or operation.path.removeprefix("/v1") in TWINS else EXAMPLES
    bounds = hypothesis.settings(
        max_examples=examples * times if sends else 1,
        derandomize=times == 1,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if times > 1 else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    fitting = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    bounds(given(case=fitting, choose=st.data())(likely(hold)))()
    if sends:
        bounds(given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))(hold))()


def likely(hold: Callable[[Case[Any]], None]) -> Callable[..., None]:
    """Most requests name models and providers that are there: others go no further than the look for them."""

    def held(case: Case[Any], choose: st.DataObject) -> None:
        if case.path_parameters and "deployment" in case.path_parameters and choose.draw(MOSTLY):
            case.path_parameters["deployment"] = choose.draw(st.sampled_from(DEPLOYMENTS))
        mend(case.body, choose)
        hold(case)

    return held


def mend(body: object, choose: st.DataObject) -> None:
    """Plausible values in the place of random ones; what is missing or of another type stays so."""
    if isinstance(body, list):
        for one in body:
            mend(one, choose)
    if not isinstance(body, dict):
        return
    for name, values in PLAUSIBLE.items():
        if isinstance(body.get(name), str) and choose.draw(MOSTLY):
            body[name] = choose.draw(st.sampled_from(values))
    for one in (body.get("models"), body.get("deployments")):
        mend(one, choose)
