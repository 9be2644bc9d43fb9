"""Answers and logs that hold what nobody may see: CVE-2024-6587's key, LiteLLM issues 5762, 18731 and 29936.

A credential, the model's name at its server, addresses of servers, and a neighbour's model are planted; then everything
that can go wrong at a server is made to, and every answer is searched.
"""

import json
import urllib.request

import pytest

from providers.simulated.faults import Fault
from tests.attacks.api.wire import bearer, send
from tests.e2e.planted import MODELS, NEIGHBOUR, Planted, leaks

SLOW = {  # told by time, not by words; other tests wait for them
    Fault.STALL_BEFORE_HEADERS, Fault.STALL_BEFORE_FIRST_TOKEN, Fault.STALL_MID_STREAM, Fault.COLD_LOAD, Fault.SLOW_DRIP
}  # fmt: skip
ELSEWHERE = {Fault.LOADING}  # of a server that is not behind this gateway
PROMPT = "canary-prompt-55aa"


def order(address: str, **fault: object) -> int:
    """Status of the switch: 200, or what an emulator says that cannot show it."""
    asked = urllib.request.Request(f"http://{address}/__simulated/fault", data=json.dumps(fault).encode())
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", sorted({*Fault} - SLOW - ELSEWHERE))
def test_no_fault_of_a_server_tells_what_is_behind_the_gateway(attacked: Planted, fault: Fault, stream: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    asked = 0
    for (model, _), address in zip(MODELS.items(), attacked.upstreams, strict=True):
        if model == "embed" or order(address, fault=fault.value, times=1) != 200:
            continue
        body = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "stream": stream}
        said = send(
            attacked.site.url, "POST", "/v1/chat/completions", attacked.headers("member"), json.dumps(body).encode()
        )
        asked += 1

        assert not leaks(said.whole, attacked.hidden("api", "member")), said.whole
    assert asked


@pytest.mark.parametrize("model", [*MODELS, NEIGHBOUR, "absent", "canary-upstream-4fd1"])
def test_no_refusal_tells_of_a_neighbours_model(attacked: Planted, model: str) -> None:
    hidden = set(attacked.hidden("api", "member")) - {model}
    body = json.dumps({"model": model, "messages": []}).encode()

    for path in ("/v1/chat/completions", "/v1/completions", "/v1/embeddings"):
        said = send(attacked.site.url, "POST", path, attacked.headers("member"), body)
        assert not leaks(said.whole, tuple(hidden)), said.whole
    asked = send(attacked.site.url, "GET", f"/v1/models/{model}", attacked.headers("member"))
    listed = send(attacked.site.url, "GET", "/v1/models", attacked.headers("member"))
    assert not leaks(asked.whole + listed.whole, tuple(hidden))


def test_a_neighbours_model_and_none_at_all_are_refused_alike(attacked: Planted) -> None:
    def told(model: str) -> tuple[int, str]:
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "x"}]}).encode()
        said = send(attacked.site.url, "POST", "/v1/chat/completions", attacked.headers("member"), body)
        asked = send(attacked.site.url, "GET", f"/v1/models/{model}", attacked.headers("member"))
        return said.status, (said.text + asked.text).replace(model, "MODEL")

    assert told(NEIGHBOUR) == told("canary-absent-0000")


def test_a_key_is_never_given_back_in_a_refusal(attacked: Planted) -> None:
    key = attacked.keys["member"]
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")

    for base, path in ((attacked.site.url, "/v1/models"), (attacked.site.admin_url, "/admin/keys")):
        for sent in (key, wrong):
            said = send(base, "GET", path, bearer(sent))
            assert sent not in said.whole
            assert sent[12:30] not in said.whole


def test_no_page_of_the_administration_holds_a_secret_or_a_digest(attacked: Planted) -> None:
    pages = [
        "/admin/keys", "/admin/models", "/admin/deployments", "/admin/cards", "/admin/events?limit=10000",
        "/admin/spend", "/admin/spend/rows?limit=10000", "/admin/providers", "/metrics", "/openapi.json",
    ]  # fmt: skip

    for page in pages:
        said = send(attacked.site.admin_url, "GET", page, attacked.headers("admin"))
        assert said.status == 200
        assert not leaks(said.whole, (*attacked.secrets, *attacked.keys.values(), PROMPT)), page
        assert '"digest"' not in said.text


def test_the_log_holds_no_key_no_credential_and_no_prompt(attacked: Planted) -> None:
    body = json.dumps({"model": "chat", "messages": [{"role": "user", "content": PROMPT}]}).encode()
    send(attacked.site.url, "POST", "/v1/chat/completions", attacked.headers("member"), body)
    send(attacked.site.url, "GET", "/v1/models", bearer(attacked.keys["member"] + "x"))

    log = (attacked.folder / "gateway.log").read_text()

    assert not leaks(log, (*attacked.secrets, *attacked.keys.values(), PROMPT))
