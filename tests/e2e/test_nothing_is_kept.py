"""Words and keys of clients are planted everywhere; nothing the gateway writes, counts or says holds one of them."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.e2e.asking import ask, chat, streaming
from tests.e2e.gateway import Gateway, model
from tests.e2e.process import simulated
from tests.e2e.site import Site, eventually, get

WORD = "Zq7canary"  # what clients say: begins every planted text
CREDENTIAL = "canary-credential-51c0"  # what the model server asks for
LEAKED = ("gpu-7.cluster.internal", "10.20.30.40", "/srv/models/secret-name", "sk-leaked-0123456789")
WRONG_KEY = "rdt_Zq7canaryZq7canaryZq7canaryZq7c123456"  # well formed, with a wrong checksum
TOOL = {"type": "function", "function": {"name": "look", "description": f"{WORD} tool", "parameters": {}}}


def said(place: str) -> str:
    return f"{WORD} in the {place}"


FULL: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": said("system prompt"), "name": f"{WORD}_name"},
        {"role": "user", "content": [{"type": "text", "text": said("part of a message")}]},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": f"{WORD}-id", "type": "function", "function": {"name": "look", "arguments": f'{{"a":"{WORD}"}}'}}
            ],
        },
        {"role": "tool", "tool_call_id": f"{WORD}-id", "content": said("tool's result")},
        {"role": "user", "content": said("last message")},
    ],
    "tools": [TOOL],
    "stop": [f"{WORD} stop"],
    "user": f"{WORD}-user",
    "metadata": {"note": said("metadata")},
    "x_unknown": said("field nobody knows"),
    "max_tokens": 4,
}
GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("chat/completions", FULL),
    "stream": ("chat/completions", {**FULL, "stream": True}),
    "completion": ("completions", {"model": "m", "prompt": said("prompt"), "max_tokens": 4}),
    "embedding": ("embeddings", {"model": "embedder", "input": said("input")}),
}
BAD: dict[str, tuple[str, Any]] = {
    "kind": ("chat/completions", {**FULL, "temperature": said("temperature")}),
    "content": ("chat/completions", {**FULL, "messages": [{"role": "user", "content": {"text": said("object")}}]}),
    "messages": ("chat/completions", {**FULL, "messages": said("messages")}),
    "image": (
        "chat/completions",
        {**FULL, "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": said("url")}}]}]},
    ),
    "priority": ("chat/completions", {**FULL, "priority": said("priority")}),
    "long": ("chat/completions", {**FULL, "messages": [{"role": "user", "content": f"{WORD} " * 40_000}]}),
    "tokens": ("chat/completions", {**FULL, "max_tokens": said("max_tokens")}),
    "dead": ("chat/completions", {**FULL, "model": "dead"}),
    "vectors": ("embeddings", {"model": "m", "input": said("input")}),
    "prompt": ("completions", {"model": "m", "prompt": {"text": said("prompt")}}),
}
TORN: dict[str, bytes] = {
    "torn": b'{"model":"m","messages":[{"role":"user","content":"' + WORD.encode(),
    "bare": WORD.encode(),
    "list": f'["{WORD}"]'.encode(),
    "latin": b'{"model":"m","prompt":"' + WORD.encode() + b'\xff"}',
    "nan": f'{{"model":"m","user":"{WORD}","temperature":NaN}}'.encode(),
    "deep": f'{{"model":"m","a":{"[" * 99}"{WORD}"{"]" * 99}}}'.encode(),
}
FAULTS = ("leaky-error", "bad-request", "context-overflow", "html-error", "garbage", "truncated-body", "invalid-json")


class Planted(msgspec.Struct, frozen=True):
    gateway: Gateway
    site: Site
    upstream: str

    @property
    def kept(self) -> dict[str, str]:
        """What nothing may hold."""
        whole = {name: key.removeprefix("rdt_") for name, key in self.gateway.keys.items()}
        encoded = {name: base64.b64encode(key.encode()).decode() for name, key in self.gateway.keys.items()}
        return {
            "a word of a client": WORD,
            "a word of a client, in base64": base64.b64encode(WORD.encode()).decode()[:12],
            "a credential": CREDENTIAL,
            "a key that a model server let slip": LEAKED[-1],
            "a wrong key": WRONG_KEY.removeprefix("rdt_"),
            **{f"the key `{name}`": key for name, key in whole.items()},
            **{f"the key `{name}`, in base64": key[:40] for name, key in encoded.items()},
        }

    def found(self, text: str) -> list[str]:
        return [name for name, secret in self.kept.items() if secret in text]

    def fault(self, name: str) -> None:
        httpx.post(f"{self.upstream}/__simulated/fault", json={"fault": name, "times": 1}, trust_env=False)


LOOKED_AT = {"name": "all", "based_on": "strict", "model": False, "deadline": 60}
PRIVACY: dict[str, dict[str, Any]] = {
    "nobody looks": {},
    "workers look": {"workers": 1, "policy": "all", "policies": [LOOKED_AT]},
}


@pytest.fixture(scope="module", params=PRIVACY)
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """A gateway that logs all it can, and a model server that asks for a credential; texts looked at or not."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "credential").write_text(CREDENTIAL)
    (folder / "credential").chmod(0o400)
    flags = ("--model", "tiny", "--api-key", CREDENTIAL, "--interval-ms", "1")
    with (
        simulated("vllm", folder / "server.log", *flags) as url,
        simulated("vllm", folder / "embedder.log", *flags, "--embed") as embedder,
    ):
        models = [model("m", url), model("embedder", embedder), model("dead", "http://127.0.0.1:9")]
        for one in models:
            one["deployments"][0]["credential"] = f"file:{folder / 'credential'}"
        with Gateway(folder, models=models, log={"level": "debug"}, privacy=PRIVACY[request.param]) as gateway:
            site = gateway.start()
            eventually(lambda: httpx.get(f"{site.admin_url}/readyz", trust_env=False).is_success, 120)
            yield Planted(gateway, site, url)


@pytest.mark.parametrize("which", BAD)
def test_a_refusal_repeats_nothing_of_what_was_asked(planted: Planted, which: str) -> None:
    path, body = BAD[which]

    answer = ask(planted.site, planted.gateway.key, body, path)

    assert answer.status_code >= 400, answer.text
    assert planted.found(answer.text) == [], answer.text


@pytest.mark.parametrize("which", TORN)
def test_a_body_that_is_no_json_is_not_repeated(planted: Planted, which: str) -> None:
    headers = {"authorization": f"Bearer {planted.gateway.key}", "content-type": "application/json"}

    answer = httpx.post(
        f"{planted.site.url}/v1/chat/completions", content=TORN[which], headers=headers, timeout=60, trust_env=False
    )

    assert answer.status_code == 400
    assert planted.found(answer.text) == [], answer.text


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_a_model_server_says_when_it_fails_stays_inside(planted: Planted, fault: str, *, stream: bool) -> None:
    planted.fault(fault)

    answer = ask(planted.site, planted.gateway.key, {**FULL, "stream": stream})

    httpx.delete(f"{planted.upstream}/__simulated/fault", trust_env=False)  # some cannot be shown in both ways
    assert [word for word in (CREDENTIAL, *LEAKED, planted.upstream) if word in answer.text] == [], answer.text


def test_nothing_planted_is_in_what_the_gateway_writes_counts_and_tells(planted: Planted) -> None:
    gateway, site = planted.gateway, planted.site
    _live(planted)
    rows = site.admin("/admin/spend/rows?limit=1000")

    told = {path: get(f"{site.admin_url}{path}", site.admin_key).decode() for path in ADMIN}
    files = {str(file): file.read_bytes().decode("latin-1") for file in _files(gateway)}

    assert {name: found for name, text in (told | files).items() if (found := planted.found(text))} == {}
    assert rows[0]["request_id"] in files[str(gateway.data / "ledger.db-wal")]  # the search would have found it
    assert gateway.key[-4:] in told["/admin/keys"]  # as would this one


ADMIN = ("/metrics", "/admin/keys", "/admin/models", "/admin/spend/rows?limit=1000",
         "/admin/events?limit=1000", "/healthz", "/readyz")  # fmt: skip


def _files(gateway: Gateway) -> list[Path]:
    """Everything the gateway has written, and the log; the key file apart, which is a secret itself."""
    written = [file for file in gateway.data.rglob("*") if file.is_file() and file.name != "master.key"]
    assert {"store.db", "ledger.db", "store.db-wal", "ledger.db-wal"} <= {file.name for file in written}
    return [*written, gateway.log]


def _live(planted: Planted) -> None:
    """A day in the life of a gateway, with something planted in all of it."""
    gateway, site = planted.gateway, planted.site
    for path, body in GOOD.values():
        assert ask(site, gateway.key, body, path).status_code == 200
    for path, body in BAD.values():
        ask(site, gateway.key, body, path)
    planted.fault("leaky-error")
    ask(site, gateway.key, FULL)
    before = len(site.admin("/admin/spend/rows?limit=1000"))
    with streaming(site, gateway.key, "m", 1000) as stream:
        stream.next()  # and gone
    for key in (WRONG_KEY, gateway.key + "x", gateway.key[:-1]):
        assert ask(site, key, chat("m", text=said("message"))).status_code == 401
    with httpx.Client(base_url=site.url, timeout=60, trust_env=False) as client:
        client.get("/v1/models", params={"api_key": gateway.key}, headers={"x-api-key": gateway.key})
        client.get("/v1/models", headers={"cookie": f"key={gateway.key}", "user-agent": WORD, "referer": WORD})
        client.post(f"/v1/{WORD}", json=FULL, headers={"authorization": f"Bearer {gateway.key}"})
        client.get("/v1/models", headers={"host": f"{WORD}.example"})
        client.get(f"{site.admin_url}/admin/keys", headers={"authorization": f"Bearer {gateway.key}"})
        client.get(f"{site.admin_url}/admin/keys", headers={"authorization": f"Bearer {WRONG_KEY}"})
    made = gateway.verb("keys", "create", "second", "--model", "*")
    gateway.keys["second"] = made["key"]
    assert gateway.run("keys", "revoke", made["id"]).returncode == 0
    ask(site, made["key"], FULL)
    eventually(lambda: len(site.admin("/admin/spend/rows?limit=1000")) > before)
