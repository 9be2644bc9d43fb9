"""The same data behind the OSV API: an unmodified pip-audit must come to the same ids as we do."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from offline.audit.osv import MOST_BODY, Server
from tests.offline.audit.subjects import KNOWN_BAD, audited, data, lock, seed, standing
from tests.offline.channel import advisory


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    given = data(tmp_path, advisory(), advisory("PYSEC-2026-2", "leaky-name"))
    yield from running(Server(given.snapshot))


def running(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def ask(server: Server, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    content = None if body is None else json.dumps(body)
    connection.request("GET" if body is None else "POST", path, content, headers)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return answer.status, told


def named(name: str, version: str = "1.0", ecosystem: str = "PyPI") -> dict[str, Any]:
    return {"package": {"name": name, "ecosystem": ecosystem}, "version": version}


def test_a_query_finds_what_holds_the_version_and_nothing_else(server: Server) -> None:
    status, told = ask(server, "/v1/query", named("leaky"))

    assert (status, [one["id"] for one in told["vulns"]]) == (200, ["PYSEC-2026-1"])
    assert ask(server, "/v1/query", named("leaky", "2.0")) == (200, {})
    assert ask(server, "/v1/query", named("unknown")) == (200, {})


def test_a_name_in_any_spelling_and_a_purl_mean_the_same(server: Server) -> None:
    for asked in (named("Leaky_Name"), {"package": {"purl": "pkg:pypi/leaky-name@1.0"}}):
        assert [one["id"] for one in ask(server, "/", asked)[1]["vulns"]] == ["PYSEC-2026-2"]


def test_a_batch_answers_every_query_in_order(server: Server) -> None:
    asked = {"queries": [named("sound"), named("leaky")]}

    brief = {"id": "PYSEC-2026-1", "modified": "2026-11-20T10:00:00Z"}
    assert ask(server, "/v1/querybatch", asked) == (200, {"results": [{}, {"vulns": [brief]}]})


def test_an_advisory_is_found_by_its_id(server: Server) -> None:
    assert ask(server, "/v1/vulns/PYSEC-2026-1")[1]["details"] == "leaky leaks"
    assert ask(server, "/v1/vulns/PYSEC-1-1")[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/query", {"commit": "abc"}, 400),
        ("/v1/query", {}, 400),
        ("/v1/query", [], 400),
        ("/v1/query", {"package": {"name": 7}}, 400),
        ("/v1/query", {"package": {"purl": "pkg:npm/x@1"}}, 400),
        ("/v1/query", {"package": {"purl": "pkg:pypi/x@1"}, "version": "1"}, 400),
        ("/v1/query", named("serde", ecosystem="crates.io"), 400),
        ("/v1/querybatch", {"queries": [named("x")] * 1001}, 400),
        ("/v2/query", {}, 404),
        ("/v1/vulns/../../etc/passwd", None, 404),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(server: Server, path: str, body: object, status: int) -> None:
    assert ask(server, path, body)[0] == status


def test_a_body_larger_than_any_question_is_refused_unread(server: Server) -> None:
    assert ask(server, "/v1/query", {}, **{"Content-Length": str(MOST_BODY + 1)})[0] == 413


def test_a_body_in_chunks_is_refused(server: Server) -> None:
    assert ask(server, "/v1/query", {}, **{"Transfer-Encoding": "chunked"})[0] == 411


def test_a_foreign_host_name_is_refused(server: Server) -> None:
    assert ask(server, "/v1/vulns/PYSEC-2026-1", Host="rebound.example")[0] == 421


def test_it_listens_on_loopback_only(server: Server, tmp_path: Path) -> None:
    assert server.server_address[0] == "127.0.0.1"
    with pytest.raises(ValueError, match="not loopback"):
        Server(data(tmp_path / "other").snapshot, host="0.0.0.0")


def pip_audit(server: Server, file: Path, home: Path) -> dict[str, Any]:
    """The real program, in an environment of its own."""
    command = [
        *(sys.executable, "-m", "pip_audit", "-s", "osv", "--osv-url", server.url, "-r", str(file)),
        *("--require-hashes", "--disable-pip", "--strict", "-f", "json", "--progress-spinner", "off"),
    ]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode in {0, 1}, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def test_an_unmodified_pip_audit_finds_the_same_ids_as_we_do(tmp_path: Path) -> None:
    bad = lock(tmp_path / "known-bad.txt", *KNOWN_BAD)
    given = standing(seed(tmp_path / "seed"))

    ours = audited([bad], given)
    for server in running(Server(given.snapshot)):
        theirs = pip_audit(server, bad, tmp_path)

    found = {(normal(one["name"]), vuln["id"], *sorted(vuln["aliases"])) for one, vuln in told(theirs)}
    assert len(found) > 50
    assert {(one.package, one.id, *one.aliases) for one in ours.findings} == found
    assert len(theirs["dependencies"]) == ours.counts.audited == len(KNOWN_BAD)


def told(theirs: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(one, vuln) for one in theirs["dependencies"] for vuln in one["vulns"]]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_an_audit_opens_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(socket.socket):
        def __init__(self, *args: Any, **more: Any) -> None:
            pytest.fail("a socket was opened")

    monkeypatch.setattr(socket, "socket", Closed)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: pytest.fail("a name was looked up"))

    report = audited([lock(tmp_path / "l", "leaky==1.0")], data(tmp_path))

    assert report.counts.audited == 1
