from typing import Any

import pytest

from appliance.domain.errors import BadHost, MisdirectedRequest
from appliance.http.server.guard import Guard
from appliance.http.server.hosts import Hosts
from tests.appliance.http.server.harness import render

HOST = (b"host", b"gateway")


class Recorder:
    """An app that keeps the scope it was given, and a sender that keeps what was sent."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] | None = None
        self.sent: list[dict[str, Any]] = []
        self.refused: list[str] = []

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def receive(self) -> Any:
        raise AssertionError("a guard reads no body")


async def ask(*headers: tuple[bytes, bytes], method: str = "POST", version: str = "1.1") -> Recorder:
    seen = Recorder()
    guard = Guard(seen.app, hosts=Hosts(["gateway"]), body_bytes=100, render=render, refused=seen.refused.append)
    scope = {"type": "http", "method": method, "http_version": version, "headers": list(headers)}
    await guard(scope, seen.receive, seen.send)
    return seen


async def test_a_sound_request_reaches_the_app_as_it_came() -> None:
    seen = await ask(HOST, (b"accept", b"a"), (b"accept", b"b"), (b"content-length", b"100"))

    assert seen.scope is not None
    assert seen.scope["headers"] == [HOST, (b"accept", b"a"), (b"accept", b"b"), (b"content-length", b"100")]
    assert seen.refused == []


async def test_what_is_not_http_passes() -> None:
    seen = Recorder()
    guard = Guard(seen.app, hosts=Hosts([]), body_bytes=1, render=render, refused=seen.refused.append)

    await guard({"type": "lifespan"}, seen.receive, seen.send)

    assert seen.scope == {"type": "lifespan"}


@pytest.mark.parametrize(
    ("headers", "kind", "status"),
    [
        ([], "bad_host", 400),
        ([HOST, HOST], "bad_host", 400),
        ([(b"host", b"gate/way")], "bad_host", 400),
        ([(b"host", b"elsewhere")], "misdirected_request", 421),
        ([HOST, (b"authorization", b"a"), (b"authorization", b"a")], "invalid_value", 400),
        ([HOST, (b"content-type", b"a"), (b"content-type", b"b")], "invalid_value", 400),
        ([HOST, (b"content-length", b"101")], "body_too_large", 413),
        ([HOST, (b"transfer-encoding", b"gzip, chunked")], "invalid_value", 400),
        ([HOST, (b"content-encoding", b"gzip")], "unsupported_media_type", 415),
        ([HOST, (b"content-encoding", b"identity"), (b"content-encoding", b"gzip")], "invalid_value", 400),
        ([HOST, (b"expect", b"the-unexpected")], "invalid_value", 400),
    ],
)
async def test_what_is_refused_is_answered_counted_and_kept_from_the_app(
    headers: list[tuple[bytes, bytes]], kind: str, status: int
) -> None:
    seen = await ask(*headers)

    assert seen.scope is None
    assert seen.refused == [kind]
    assert seen.sent[0]["status"] == status
    assert b'"code":"%s"' % kind.encode() in seen.sent[1]["body"]


async def test_a_method_that_is_not_served_is_told_which_are() -> None:
    seen = await ask(HOST, method="TRACE")

    assert seen.sent[0]["status"] == 405
    assert dict(seen.sent[0]["headers"])[b"allow"] == b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


async def test_chunked_over_http_1_0_is_refused() -> None:
    assert (await ask(HOST, (b"transfer-encoding", b"chunked"), version="1.0")).refused == ["invalid_value"]
    assert (await ask(HOST, (b"transfer-encoding", b"Chunked"))).refused == []


async def test_http_2_in_a_request_line_is_refused() -> None:
    assert (await ask(HOST, version="2.0")).refused == ["invalid_value"]


async def test_claims_about_who_asks_and_twins_with_underscores_do_not_reach_the_app() -> None:
    seen = await ask(HOST, (b"x-forwarded-for", b"1"), (b"x_api_key", b"2"), (b"forwarded", b"3"), (b"x-api-key", b"4"))

    assert seen.scope is not None
    assert seen.scope["headers"] == [HOST, (b"x-api-key", b"4")]


@pytest.mark.parametrize("host", [b"gateway", b"GateWay", b"gateway:80", b"gateway:4000", b"[::1]:4000", b"[fd00::2]"])
def test_a_name_on_the_list_is_ours_with_any_port(host: bytes) -> None:
    hosts = Hosts(["Gateway", "::1", "[fd00::2]"])

    assert hosts.objection(host) is None
    assert hosts.objection(host) is None, "and when it is asked for again"


def test_a_name_listed_with_a_port_is_ours_with_that_port_only() -> None:
    hosts = Hosts(["gateway:4000", "[::1]:4000"])

    assert hosts.objection(b"gateway:4000") is None
    assert hosts.objection(b"[::1]:4000") is None
    assert isinstance(hosts.objection(b"gateway"), MisdirectedRequest)
    assert isinstance(hosts.objection(b"gateway:4001"), MisdirectedRequest)


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b":80",
        b"a b",
        b"a:",
        b"a:x",
        b"a:99999",
        b"a@b",
        b"a/b",
        b"::1",
        b"[::1",
        b"[::1]x",
        b"a,a",
        b"a\xff",
        b"a%41",
    ],
)
def test_a_host_that_is_no_host_is_malformed(host: bytes) -> None:
    assert isinstance(Hosts(["a", "::1"]).objection(host), BadHost)


def test_what_is_remembered_of_hosts_is_bounded() -> None:
    hosts = Hosts(["a"])

    for port in range(1000):
        assert hosts.objection(b"a:%d" % port) is None

    assert len(hosts._seen) == 256
