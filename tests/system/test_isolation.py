"""Nothing leaves: all works where loopback is the only network, and a tracer sees nobody try to go further."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI, OpenAIError

from appliance.domain.ids import ModelName, ProviderName
from appliance.domain.model import Deployment, Model
from appliance.store import visit
from tests.e2e.asking import ask, chat
from tests.e2e.gateway import Gateway, model
from tests.e2e.process import ROOT, simulated
from tests.e2e.site import Site, eventually
from tests.system.story import KINDS
from tests.system.trace import offline, reached, settled, under

NOWHERE = "nowhere-on-this-site"  # no label of any name that may be looked up
OUTSIDE = {  # model -> where it claims to be; addresses reserved for documentation, and what only looks near
    "address": "http://192.0.2.1:8000",
    "address6": "http://[2001:db8::1]:8000",
    "mapped": "http://[::ffff:192.0.2.1]:8000",
    "metadata": "http://169.254.169.254:80",
    "any": "http://0.0.0.0:8000",
    "name": f"http://{NOWHERE}.example:8000",
    "local": f"http://{NOWHERE}.localhost:8000",
}
PROXIES = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"), "http://192.0.2.9:3128")
BREAKOUT = f"""
import socket
def tried(work):
    try:
        work()
    except OSError as error:
        print(error.errno)
tried(lambda: socket.create_connection(("192.0.2.1", 80), 1))
tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.2", 9)))
tried(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, ("2001:db8::3", 9)))
tried(lambda: socket.socket(socket.AF_UNIX).connect("/run/{NOWHERE}"))
tried(lambda: socket.getaddrinfo("{NOWHERE}.example", 80))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with simulated("vllm", tmp_path_factory.mktemp("server") / "log", "--model", "tiny") as url:
        yield url


def test_the_sdk_streams_from_every_kind_of_server_where_loopback_is_the_only_network() -> None:
    story = (sys.executable, "-m", "tests.system.story")

    ran = subprocess.run(offline(*story), capture_output=True, text=True, check=False, cwd=ROOT, timeout=100)

    assert ran.returncode == 0, ran.stderr[-3000:]
    assert set(said := json.loads(ran.stdout)) == set(KINDS)
    assert all(said.values())


def test_nothing_is_reached_from_where_loopback_is_the_only_network(server: str) -> None:
    port = server.rpartition(":")[2]
    reach = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"

    inside = subprocess.run(offline(sys.executable, "-c", reach), capture_output=True, text=True, check=False)

    assert "ConnectionRefusedError" in inside.stderr  # its loopback is up, and is not ours
    assert subprocess.run([sys.executable, "-c", reach], check=False).returncode == 0


def test_the_tracer_sees_every_way_out(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    subprocess.run(offline(*under(trace), sys.executable, "-c", BREAKOUT), check=True, capture_output=True)

    text = settled(trace)

    stray = [one for one in reached(text) if one.strays]
    assert {one.to for one in stray} >= {"192.0.2.1", "192.0.2.2", "2001:db8::3", f"/run/{NOWHERE}"}
    assert {one.call for one in stray} >= {"connect", "sendto", "sendmsg"}
    assert [one for one in stray if one.port == 53], "a look-up is seen"


@pytest.mark.parametrize("name", ["address", "name"])
def test_the_verbs_register_no_deployment_outside_the_allow_list(name: str, tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        target = ("--provider", "vllm", "--url", OUTSIDE[name], "--upstream-model", "tiny")
        refused = gateway.run("deployments", "set", f"{name}/a", *target)

        assert refused.returncode == 1, refused.stdout
        assert "add it to `egress.allow`" in refused.stderr
        assert gateway.verb("deployments", "list") == []


def test_no_connect_and_no_look_up_leaves_the_allow_list(server: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    asked = under(trace)
    named = model("named", server.replace("127.0.0.1", "localhost"))
    with Gateway(tmp_path, models=[model("m", server), named]) as gateway:
        _smuggle(gateway)
        site = gateway.start(asked, {**os.environ, **PROXIES})

        for good in ("m", "named"):
            assert ask(site, gateway.key, chat(good)).status_code == 200
        said = {name: ask(site, gateway.key, chat(name)).status_code for name in OUTSIDE}
        assert set(said.values()) == {502}, said
        _with_the_sdk(site, gateway.key)
        eventually(lambda: site.metric("redoubt_egress_refusals_total") >= len(OUTSIDE))
        assert gateway.stop() == 0

        text = settled(trace)
        found = list(reached(text))
        assert int(server.rpartition(":")[2]) in {one.port for one in found}  # the tracer was awake
        assert [one.line for one in found if one.strays] == []
        assert NOWHERE not in text  # whoever was asked anything, it was not about this name
        events = gateway.verb("events", "list", "--action", "egress.refused")
        assert any(NOWHERE in event["subject"] for event in events)


def _smuggle(gateway: Gateway) -> None:
    """Register what the verbs refuse, as somebody with a hand on the store could."""

    async def write() -> None:
        async with await visit(gateway.data) as visited, visited.store.unit() as unit:
            for name, url in OUTSIDE.items():
                await unit.save_model(_model(name, url))

    asyncio.run(write())


def _model(name: str, url: str) -> Model:
    behind = Deployment(model=ModelName(name), label="a", provider=ProviderName("vllm"), url=url, upstream_model="tiny")
    return Model(name=ModelName(name), deployments=(behind,))


def _with_the_sdk(site: Site, key: str) -> None:
    """What else a client does: streams, lists, asks for what is not there, sends an address to fetch."""
    image = {"type": "image_url", "image_url": {"url": f"http://{NOWHERE}.example/cat.png"}}
    with OpenAI(base_url=f"{site.url}/v1", api_key=key, max_retries=0, timeout=60) as client:
        with client.chat.completions.create(**chat("m"), stream=True) as stream:
            assert list(stream)
        assert client.models.list().data
        for body in (chat(f"{NOWHERE}.example"), {"model": "m", "messages": [{"role": "user", "content": [image]}]}):
            with pytest.raises(OpenAIError):
                client.chat.completions.create(**body)
