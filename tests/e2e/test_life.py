"""The life of the real process: stopped, killed, changed, doubled, and with a dead server behind it."""

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.asking import ask, chat, code_of, streaming
from tests.e2e.gateway import Gateway, model
from tests.e2e.process import simulated
from tests.e2e.site import Site, eventually

PACE = ("--interval-ms", "20", "--tokens", "2000")  # `max_tokens` says how long an answer takes
LONG = 1500  # tokens: half a minute, longer than any of these tests
BOUND = 1.0  # seconds in which a running gateway follows a change


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A model server that is the same for all; yields its url."""
    with simulated("vllm", tmp_path_factory.mktemp("server") / "log", "--model", "tiny", *PACE) as url:
        yield url


def refuses(site: Site, key: str) -> bool:
    """No new work is taken: nobody listens, or who still answers says why."""
    try:
        answer = ask(site, key, chat("m"))
    except httpx.TransportError:
        return True
    assert answer.status_code in {200, 503}
    return answer.status_code == 503 and code_of(answer) == "shutting_down"


def test_a_stop_lets_a_running_stream_finish_and_takes_no_new_work(server: str, tmp_path: Path) -> None:
    with Gateway(tmp_path, models=[model("m", server)]) as gateway:
        site = gateway.start()
        with httpx.Client(trust_env=False) as kept, streaming(site, gateway.key, "m", 60) as stream:
            kept.get(f"{site.url}/healthz")  # a connection that stays open
            stream.next()

            gateway.terminate()
            eventually(lambda: refuses(site, gateway.key))
            with pytest.raises(httpx.TransportError):
                kept.get(f"{site.url}/healthz")
            events = list(stream.rest())

        assert gateway.ended() == 0
        assert events[-1] == "[DONE]"
        assert json.loads(events[-2])["choices"][0]["finish_reason"] == "length"
        assert [row["status"] for row in gateway.rows() if row["request_id"] == stream.request_id] == ["ok"]


def test_a_stream_that_outlives_the_time_to_drain_ends_with_an_error_and_its_row_says_stopped(
    server: str, tmp_path: Path
) -> None:
    with Gateway(tmp_path, models=[model("m", server)], stop={"drain_seconds": 0.2}) as gateway:
        site = gateway.start()
        with streaming(site, gateway.key, "m", LONG) as stream:
            stream.next()
            code = gateway.stop()
            events = list(stream.rest())

        assert code == 0
        assert code_of(events[-1]) == "shutting_down"
        assert "[DONE]" not in events
        row = next(row for row in gateway.rows() if row["request_id"] == stream.request_id)
        assert (row["status"], row["error"]) == ("stopped", "shutting_down")
        assert row["usage"]["completion"] > 0  # what was given is owed


def test_a_kill_loses_no_row_that_is_older_than_250_ms_and_is_said_at_the_next_start(
    server: str, tmp_path: Path
) -> None:
    def told() -> int:
        return gateway.log.read_text().count("ended without a clean stop")

    def lost_by_a_kill() -> set[str]:
        """Request ids answered 250 ms before the kill, or earlier, that have no row."""
        site = gateway.start()
        answered: dict[str, float] = {}
        began = time.monotonic()
        while time.monotonic() < began + 0.6:
            request_id = ask(site, gateway.key, chat("m", 1)).headers["x-request-id"]
            answered[request_id] = time.monotonic()
        killed = time.monotonic()
        gateway.kill()
        old = {request_id for request_id, at in answered.items() if at < killed - 0.25}
        assert old
        return old - {row["request_id"] for row in gateway.rows()}

    with Gateway(tmp_path, models=[model("m", server)]) as gateway:
        # Once may be the fault of a machine that has no time for us; three times is ours.
        assert any(not lost_by_a_kill() for _ in range(3))
        before = told()
        gateway.start()
        assert told() == before + 1
        assert gateway.stop() == 0
        gateway.start()
        assert told() == before + 1


def test_a_change_from_the_host_binds_within_a_second_and_drops_no_stream(server: str, tmp_path: Path) -> None:
    def binds(change: Callable[[], Callable[[], bool]]) -> None:
        """`change` makes a change and tells how to see it; a busy machine may be late, but not three times."""
        late = []
        for _ in range(3):
            holds = change()
            made = time.monotonic()
            eventually(holds)
            late.append(time.monotonic() - made)
            if late[-1] <= BOUND:
                return
        pytest.fail(f"changes bound after {late} seconds")

    def status(key: str, name: str) -> int:
        return ask(site, key, chat(name, 1)).status_code

    def new_key() -> Callable[[], bool]:
        made.append(site.run("keys", "create", f"k{len(made)}", "--model", "*"))
        return lambda: status(made[-1]["key"], "m") == 200

    def revoked_key() -> Callable[[], bool]:
        gone = made.pop()
        assert gateway.run("keys", "revoke", gone["id"]).returncode == 0
        return lambda: status(gone["key"], "m") == 401

    def new_deployment() -> Callable[[], bool]:
        name = f"new-{time.monotonic_ns()}"
        site.deploy(f"{name}/a", "vllm", server, "tiny")
        return lambda: status(gateway.key, name) == 200

    def gone_deployment() -> Callable[[], bool]:
        assert gateway.run("models", "delete", "m").returncode == 0
        return lambda: status(gateway.key, "m") == 404

    made: list[dict[str, str]] = []
    with Gateway(tmp_path, models=[model("m", server)], stop={"drain_seconds": 0.2}) as gateway:
        site = gateway.start()
        with streaming(site, gateway.key, "m", LONG) as stream:
            for change in (new_key, revoked_key, new_deployment, gone_deployment):
                binds(change)
            gateway.stop()
            events = list(stream.rest())

        assert code_of(events[-1]) == "shutting_down"  # so it was there until then
        assert all(code_of(event) is None for event in events[:-1])


@pytest.fixture(scope="module")
def nobody() -> Iterator[str]:
    """An address that refuses connections: the port is taken, and nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


@pytest.fixture(scope="module")
def living(server: str, nobody: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Site]]:
    """A gateway that no test stops. `half` has a dead deployment before a good one, `dead` none that is good."""
    half = model("half", nobody, server)
    half["deployments"][0]["weight"] = 1000  # nearly always asked first
    models = [model("m", server), half, model("dead", nobody, nobody)]
    with Gateway(tmp_path_factory.mktemp("living"), models=models) as gateway:
        yield gateway, gateway.start()


def test_a_second_gateway_on_one_folder_says_so_and_leaves(living: tuple[Gateway, Site]) -> None:
    gateway, site = living

    second = gateway.launch()
    out, _ = second.communicate(timeout=60)

    assert second.returncode == 1
    assert out == ""
    told = gateway.log.read_text()
    assert f"another gateway serves `{gateway.data}` already" in told
    assert f"(process {gateway.process.pid})" in told
    assert ask(site, gateway.key, chat("m", 1)).status_code == 200


def test_a_dead_deployment_costs_an_attempt_and_no_answer(living: tuple[Gateway, Site]) -> None:
    gateway, site = living

    answers = [ask(site, gateway.key, chat("half", 1)) for _ in range(10)]
    with streaming(site, gateway.key, "half", 2) as stream:
        events = list(stream.rest())

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-redoubt-deployment"] for answer in answers} == {"b"}
    assert "2" in {answer.headers["x-redoubt-attempts"] for answer in answers}
    assert events[-1] == "[DONE]"


def test_when_every_deployment_is_dead_the_client_is_told_and_learns_no_address(
    living: tuple[Gateway, Site], nobody: str
) -> None:
    gateway, site = living

    answer = ask(site, gateway.key, chat("dead"))

    assert (answer.status_code, code_of(answer)) == (502, "upstream_failed")
    assert answer.headers["x-should-retry"] == "true"
    assert nobody.rpartition(":")[2] not in answer.text


def test_the_gateway_listens_only_where_it_was_told(living: tuple[Gateway, Site]) -> None:
    gateway, site = living
    assert ask(site, gateway.key, chat("m", 1)).status_code == 200  # whatever opens late is open now

    found = listening(gateway.process.pid)

    told = {tuple(url.removeprefix("http://").split(":")) for url in (site.url, site.admin_url)}
    assert found == {("tcp", host, int(port)) for host, port in told}


def listening(pid: int) -> set[tuple[str, str, int]]:
    """Every place where a process can be reached from outside: listening TCP, bound UDP and raw, named Unix sockets."""
    links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    own = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    found: set[tuple[str, str, int]] = set()
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if inode in own and (not kind.startswith("tcp") or state == "0A"):  # 0A: LISTEN
                found.add((kind, *_address(local)))
    for line in Path(f"/proc/{pid}/net/unix").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[6] in own and len(fields) > 7:
            found.add(("unix", fields[7], 0))
    return found


def _address(local: str) -> tuple[str, int]:
    """`0100007F:0FA0` of /proc/net: the address in words of the machine's byte order."""
    address, port = local.split(":")
    words = [
        bytes.fromhex(address[at : at + 8])[:: 1 if sys.byteorder == "big" else -1] for at in range(0, len(address), 8)
    ]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words)), int(port, 16)
