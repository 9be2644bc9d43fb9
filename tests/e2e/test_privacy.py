"""A gateway with real workers: what is personal does not reach the model server, and comes back to the client.

Patterns only: the policy says so, since a test run has no language model of its own.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.e2e.asking import ask, chat
from tests.e2e.echo import Echo, echoing
from tests.e2e.gateway import Gateway, model
from tests.e2e.site import Site, eventually, get

EMAIL, IBAN, CARD = "grace.hopper@mail.corp", "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111"
SECRET = "AKIAIOSFODNN7EXAMPLE"
KEPT = (EMAIL, IBAN, CARD, SECRET, "grace.hopper")
SAID = f"Write to {EMAIL}, take it from {IBAN}, not from {CARD}."
MASKED = "Write to [EMAIL_ADDRESS_1], take it from [IBAN_CODE_1], not from [CREDIT_CARD_1]."
POLICIES = [
    {"name": "patterns", "based_on": "standard", "model": False, "deadline": 60},
]


class Served(msgspec.Struct, frozen=True):
    gateway: Gateway
    site: Site
    echo: Echo

    @property
    def key(self) -> str:
        return self.gateway.key


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("privacy")
    with echoing() as echo:
        models = [model("echo", echo.url, provider="openai_compatible")]
        keys = [
            {"name": "member", "models": ["*"], "privacy": "patterns"},
            {"name": "free", "models": ["*"]},
        ]
        privacy = {"workers": 1, "policies": POLICIES}
        log = {"level": "debug"}
        with Gateway(folder, models=models, keys=keys, privacy=privacy, log=log) as gateway:
            site = gateway.start()
            eventually(lambda: b'"privacy":"ok"' in _ready(site), 60)
            yield Served(gateway, site, echo)


def _ready(site: Site) -> bytes:
    return httpx.get(f"{site.admin_url}/readyz", trust_env=False).content.replace(b" ", b"")


def spoken(answer: httpx.Response) -> str:
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])


def test_a_streamed_chat_is_masked_sent_answered_and_put_back(served: Served) -> None:
    answer = ask(served.site, served.key, chat("echo", text=SAID, stream=True))

    assert answer.status_code == 200, answer.text
    assert served.echo.last() == MASKED
    assert spoken(answer) == SAID
    assert answer.text.endswith("data: [DONE]\n\n")


def test_a_whole_chat_is_masked_sent_answered_and_put_back(served: Served) -> None:
    answer = ask(served.site, served.key, chat("echo", text=SAID))

    assert served.echo.last() == MASKED
    assert answer.json()["choices"][0]["message"]["content"] == SAID


def test_a_key_without_a_policy_sends_what_it_says(served: Served) -> None:
    ask(served.site, served.gateway.keys["free"], chat("echo", text=SAID))

    assert served.echo.last() == SAID


def test_a_secret_is_refused_and_never_sent(served: Served) -> None:
    before = len(served.echo.heard)

    answer = ask(served.site, served.key, chat("echo", text=f"my key is {SECRET}"))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "content_filter")
    assert SECRET not in answer.text
    assert len(served.echo.heard) == before


def test_what_a_model_server_quotes_in_an_error_is_not_put_back(served: Served) -> None:
    served.echo.fails = True
    try:
        answer = ask(served.site, served.key, chat("echo", text=SAID))
    finally:
        served.echo.fails = False

    assert answer.status_code == 400
    assert [word for word in KEPT if word in answer.text] == []


def test_nothing_personal_is_in_what_the_gateway_writes_counts_and_tells(served: Served) -> None:
    gateway, site = served.gateway, served.site
    for body in (chat("echo", text=SAID), chat("echo", text=SAID, stream=True), chat("echo", text=f"key {SECRET}")):
        ask(site, served.key, body)
    ask(site, served.key, {"model": "echo", "prompt": SAID}, "completions")
    ask(site, served.key, {"model": "echo", "input": SAID}, "embeddings")
    ask(site, served.key, {"model": "echo", "input": [1, 2]}, "embeddings")
    rows = gateway.rows()

    paths = ("/metrics", "/admin/keys", "/admin/spend/rows?limit=1000", "/admin/events?limit=1000", "/readyz")
    told = {path: get(f"{site.admin_url}{path}", site.admin_key).decode() for path in paths}
    files = {str(file): file.read_bytes().decode("latin-1") for file in _written(gateway)}

    assert [(name, word) for name, text in (told | files).items() for word in KEPT if word in text] == []
    assert 'redoubt_privacy_findings_total{action="mask",entity="EMAIL_ADDRESS",way="in"}' in told["/metrics"]
    assert any(row["treated"] for row in rows)


def test_the_policy_of_a_key_is_changed_while_the_gateway_serves(served: Served) -> None:
    made: dict[str, Any] = served.gateway.verb("keys", "create", "late", "--model", "*")
    served.gateway.verb("keys", "set", "late", "--privacy", "patterns")

    def masked() -> bool:
        ask(served.site, made["key"], chat("echo", text=SAID))
        return served.echo.last() == MASKED

    eventually(masked)
    refused = served.gateway.run("keys", "set", "late", "--privacy", "pattern")
    assert "did you mean `patterns`?" in refused.stderr


def _written(gateway: Gateway) -> list[Path]:
    written = [file for file in gateway.data.rglob("*") if file.is_file() and file.name != "master.key"]
    assert {"store.db", "ledger.db", "store.db-wal", "ledger.db-wal"} <= {file.name for file in written}
    return [*written, gateway.log]
