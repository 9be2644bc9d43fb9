"""`redoubt smoke` against real gateways: what it proves, what it leaves behind, and how it says no."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.store.running import Running, tell
from tests.e2e.site import eventually
from tests.e2e.test_tls import write_certificate
from tests.fakes.clock import NOON
from tests.system.house import House
from tests.system.releases import Release, this_release


@pytest.fixture(scope="module")
def now() -> Release:
    return this_release()


@pytest.fixture
def house(now: Release, tmp_path: Path) -> Iterator[House]:
    with House(tmp_path, now) as house:
        yield house


def refusal(house: House, release: Release, *words: str) -> list[dict[str, Any]]:
    """What was wrong."""
    ran = house.run(release, "smoke", "--json", *words)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert not told["fit"]
    return [check for check in told["checks"] if check["level"] != "ok"]


def test_a_fit_gateway_is_found_by_its_folder_and_nothing_is_left_behind(house: House, now: Release) -> None:
    site = house.start(now)
    keys, total = house.verb(now, "keys", "list"), house.total(now)

    told = house.verb(now, "smoke", "--within", "20")

    assert told["fit"]
    assert (told["running"]["api"], told["running"]["admin"]) == (site.url, site.admin_url)
    assert [check["check"] for check in told["checks"]] == ["process", "version", "api", "admin", "request"]
    assert house.verb(now, "keys", "list") == keys
    assert house.total(now) == total
    actions = [event["action"] for event in house.verb(now, "events", "list")]
    assert actions[:2] == ["key.remove", "key.create"]
    assert not any(action.startswith("refused") for action in actions)
    house.stop()
    assert not (house.data / "gateway.json").exists()


def test_another_release_than_the_expected_one_is_said_within_the_time(house: House, now: Release) -> None:
    house.start(now)

    began = time.monotonic()
    wrong = refusal(house, now, "--expect", "9.9.9", "--within", "1")

    assert [check["check"] for check in wrong] == ["version"]
    assert wrong[0]["text"] == f"release {now.version} serves, not 9.9.9; restart the service"
    assert time.monotonic() - began < 30  # the machine may be slow; it does not wait for ever


def test_nobody_who_serves_and_a_killed_gateways_file_are_told(house: House, now: Release) -> None:
    assert "no gateway serves" in refusal(house, now, "--within", "1")[0]["text"]

    house.start(now)
    house.kill()

    assert (house.data / "gateway.json").exists()
    assert "no gateway serves" in refusal(house, now, "--within", "1")[0]["text"]


def test_a_gateway_that_answers_nobody_is_told_for_both_listeners(house: House, now: Release) -> None:
    site = house.start(now)
    house.process.send_signal(signal.SIGSTOP)  # it holds its folder and answers nobody
    try:
        wrong = refusal(house, now, "--within", "2")
    finally:
        house.process.send_signal(signal.SIGCONT)

    assert [check["check"] for check in wrong] == ["api", "admin"]
    assert wrong[0]["text"].startswith(f"the api listener at {site.url} does not answer: ")


@contextmanager
def impostor(status: str = "200 OK", body: bytes = b"{}") -> Iterator[str]:
    """Says the same to everything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        stop = threading.Event()

        def answer() -> None:
            while not stop.is_set():
                try:
                    peer = listening.accept()[0]
                except TimeoutError:
                    continue
                with peer:
                    healthy = b"/healthz" in peer.recv(65536)
                    said, told = ("200 OK", b"{}") if healthy else (status, body)
                    head = f"HTTP/1.1 {said}\r\ncontent-length: {len(told)}\r\nconnection: close\r\n\r\n"
                    peer.sendall(head.encode() + told)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        stop.set()
        thread.join(10)


def test_a_server_that_only_says_ok_is_not_taken_for_the_gateway(house: House, now: Release) -> None:
    site = house.start(now)
    with impostor() as url:
        tell(
            house.data,
            Running(process=house.process.pid, version=now.version, api=url, admin=site.admin_url, since=NOON),
        )

        wrong = refusal(house, now, "--within", "3")

    assert [check["check"] for check in wrong] == ["request"]
    assert [key["name"] for key in house.verb(now, "keys", "list")] == ["admin", "member"]


def test_a_gateway_that_takes_no_new_work_is_told_with_its_own_reason(house: House, now: Release) -> None:
    house.start(now)
    body = b'{"ready": false, "checks": {"store": "ok", "ledger": "cannot be written", "serving": "ok"}}'
    with impostor("503 Service Unavailable", body) as url:
        tell(house.data, Running(process=house.process.pid, version=now.version, api=url, admin=url, since=NOON))

        wrong = refusal(house, now, "--within", "1")

    assert [check["text"] for check in wrong] == [
        f"the {name} listener at {url} takes no new work: ledger cannot be written" for name in ("api", "admin")
    ]


def test_a_listener_with_a_certificate_of_any_name_is_asked_and_another_certificate_is_not_believed(
    now: Release, tmp_path: Path
) -> None:
    write_certificate(tmp_path, "gateway.site.example")
    tls = {"cert": "cert.pem", "key": "key.pem"}
    with House(tmp_path, now, listen={"api": {"port": 0, "tls": tls}, "admin": {"port": 0}}) as house:
        house.start(now)
        assert house.verb(now, "smoke")["running"]["api"].startswith("https://")
        (tmp_path / "other").mkdir()
        write_certificate(tmp_path / "other", "gateway.site.example")
        house.file.write_text(house.file.read_text().replace('"cert.pem"', '"other/cert.pem"'))

        [wrong] = refusal(house, now, "--within", "1")

    assert "CERTIFICATE_VERIFY_FAILED" in wrong["text"]


def test_it_waits_for_a_gateway_that_is_still_starting(house: House, now: Release) -> None:
    answers: list[Any] = []
    waiting = threading.Thread(target=lambda: answers.append(house.run(now, "smoke", "--json", "--within", "30")))

    waiting.start()
    house.start(now)
    waiting.join(60)

    assert answers[0].returncode == 0, answers[0].stdout
    eventually(lambda: house.verb(now, "smoke")["fit"])
