"""Bytes that two servers could read differently. The first 35 cases are the probes of this project's own survey."""

import re
from collections.abc import Iterator

import pytest

from appliance.http.server.bounds import Bounds
from appliance.http.server.target import Targets
from tests.appliance.http.server.harness import Echo, Served, exchange, serving

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /x HTTP/1.1"
LENGTH = b"Host: a\r\nContent-Length: 3"
CHUNKED = b"Host: a\r\nTransfer-Encoding: chunked"


def request(headers: bytes, body: bytes = b"", line: bytes = POST) -> bytes:
    return line + b"\r\n" + headers + b"\r\n\r\n" + body


ACCEPTED = {
    "a plain request": request(LENGTH, b"abc"),
    "a get with a body": request(LENGTH, b"abc", b"GET /x HTTP/1.1"),
    "a header name with underscores": request(b"Host: a\r\nX_Forwarded_For: 1\r\nContent-Length: 3", b"abc"),
    "two pipelined requests": request(LENGTH, b"abc") + b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n",
    "an upgrade to h2c with a body": request(
        b"Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 3",
        b"abc",
    ),
    "an upper-case host with a port": request(b"Host: LOCALHOST:4000\r\nContent-Length: 3", b"abc"),
    "a chunked body with an extension": request(CHUNKED, b"3;name=value\r\nabc\r\n0\r\n\r\n"),
    "an escaped path": request(LENGTH, b"abc", b"POST /models/a%2Fb HTTP/1.1"),
    "empty lines before the request": b"\r\n\r\n" + request(LENGTH, b"abc"),
}

REFUSED = {
    "content-length before transfer-encoding": request(
        b"Host: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked", b"0\r\n\r\n" + SMUGGLED
    ),
    "transfer-encoding before content-length": request(
        b"Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4", b"0\r\n\r\n" + SMUGGLED
    ),
    "two lengths that differ": request(b"Host: a\r\nContent-Length: 3\r\nContent-Length: 0", b"abc"),
    "two lengths that agree": request(b"Host: a\r\nContent-Length: 3\r\nContent-Length: 3", b"abc"),
    "a list of lengths": request(b"Host: a\r\nContent-Length: 3, 3", b"abc"),
    "a length with a sign": request(b"Host: a\r\nContent-Length: +3", b"abc"),
    "a hexadecimal length": request(b"Host: a\r\nContent-Length: 0x3", b"abc"),
    "a negative length": request(b"Host: a\r\nContent-Length: -1", b"abc"),
    "a length in arabic digits": request("Host: a\r\nContent-Length: \u0663".encode(), b"abc"),
    "a length beyond 64 bits": request(b"Host: a\r\nContent-Length: 18446744073709551619", b"abc"),
    "an unknown transfer coding": request(b"Host: a\r\nTransfer-Encoding: xchunked", b"0\r\n\r\n"),
    "chunked that is not last": request(b"Host: a\r\nTransfer-Encoding: chunked, identity", b"0\r\n\r\n"),
    "chunked behind gzip": request(b"Host: a\r\nTransfer-Encoding: gzip, chunked", b"0\r\n\r\n"),
    "chunked twice": request(b"Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
    "chunked over http 1.0": request(CHUNKED, b"0\r\n\r\n", b"POST /x HTTP/1.0"),
    "a space before the colon": request(b"Host: a\r\nTransfer-Encoding : chunked", b"0\r\n\r\n"),
    "a folded transfer-encoding": request(b"Host: a\r\nTransfer-Encoding:\r\n chunked", b"0\r\n\r\n"),
    "a vertical tab before chunked": request(b"Host: a\r\nTransfer-Encoding: \x0bchunked", b"0\r\n\r\n"),
    "a chunk size with 0x": request(CHUNKED, b"0x3\r\nabc\r\n0\r\n\r\n"),
    "a chunk size that overflows": request(CHUNKED, b"FFFFFFFFFFFFFFFFF1\r\nabc\r\n0\r\n\r\n"),
    "a chunk size with a space": request(CHUNKED, b"3 \r\nabc\r\n0\r\n\r\n"),
    "chunks ended by bare LF": request(CHUNKED, b"3\nabc\n0\n\n"),
    "a chunk longer than it says": request(CHUNKED, b"3\r\nabcd\r\n0\r\n\r\n"),
    "a bare LF in a chunk extension": request(CHUNKED, b"2;\nxx\r\nabc\r\n0\r\n\r\n"),
    "header lines ended by bare LF": b"POST /x HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc",
    "a bare CR in a value": request(b"Host: a\r\nX: a\rb\r\nContent-Length: 3", b"abc"),
    "a NUL in a value": request(b"Host: a\r\nX: a\x00b\r\nContent-Length: 3", b"abc"),
    "two hosts": request(b"Host: a\r\nHost: b\r\nContent-Length: 3", b"abc"),
    "the same host twice": request(b"Host: a\r\nHost: a\r\nContent-Length: 3", b"abc"),
    "no host": request(b"X: a\r\nContent-Length: 3", b"abc"),
    "no host over http 1.0": request(b"X: a\r\nContent-Length: 3", b"abc", b"POST /x HTTP/1.0"),
    "an empty host": request(b"Host:\r\nContent-Length: 3", b"abc"),
    "a host with a path": request(b"Host: a/admin?\r\nContent-Length: 3", b"abc"),
    "a host with userinfo and fragment": request(b"Host: a:1/#@b\r\nContent-Length: 3", b"abc"),
    "a host with userinfo": request(b"Host: b@a\r\nContent-Length: 3", b"abc"),
    "a list of hosts": request(b"Host: a, b\r\nContent-Length: 3", b"abc"),
    "a host with a port out of range": request(b"Host: a:65536\r\nContent-Length: 3", b"abc"),
    "a host of somebody else": request(b"Host: evil\r\nContent-Length: 3", b"abc"),
    "a host that ours is a suffix of": request(b"Host: b.a\r\nContent-Length: 3", b"abc"),
    "the absolute form with another host": request(LENGTH, b"abc", b"POST http://evil/x HTTP/1.1"),
    "the absolute form with our host": request(LENGTH, b"abc", b"POST http://a/x HTTP/1.1"),
    "the authority form": request(b"Host: a:1", b"", b"CONNECT a:1 HTTP/1.1"),
    "the asterisk form": request(b"Host: a", b"", b"OPTIONS * HTTP/1.1"),
    "a target that starts with two slashes": request(LENGTH, b"abc", b"POST //evil/x HTTP/1.1"),
    "a space in the path": request(LENGTH, b"abc", b"POST /x y HTTP/1.1"),
    "a fragment in the target": request(LENGTH, b"abc", b"POST /x#y HTTP/1.1"),
    "a backslash in the path": request(LENGTH, b"abc", b"POST /x\\y HTTP/1.1"),
    "an escaped backslash in the path": request(LENGTH, b"abc", b"POST /x%5cy HTTP/1.1"),
    "an escaped NUL in the path": request(LENGTH, b"abc", b"POST /x%00 HTTP/1.1"),
    "an escaped line end in the path": request(LENGTH, b"abc", b"POST /x%0d%0aX:%20y HTTP/1.1"),
    "a broken escape in the path": request(LENGTH, b"abc", b"POST /x%zz HTTP/1.1"),
    "a path that is not utf-8": request(LENGTH, b"abc", b"POST /x%ff HTTP/1.1"),
    "raw bytes above ascii in the path": request(LENGTH, b"abc", b"POST /\xff HTTP/1.1"),
    "a segment of two dots": request(LENGTH, b"abc", b"POST /v1/../admin HTTP/1.1"),
    "an escaped segment of two dots": request(LENGTH, b"abc", b"POST /v1/%2e%2e/admin HTTP/1.1"),
    "escaped slashes around two dots": request(LENGTH, b"abc", b"POST /v1%2f..%2fadmin HTTP/1.1"),
    "a space in a header name": request(b"Host: a\r\nX Y: 1\r\nContent-Length: 3", b"abc"),
    "a header without a name": request(b"Host: a\r\n: 1\r\nContent-Length: 3", b"abc"),
    "two keys": request(b"Host: a\r\nAuthorization: Bearer x\r\nAuthorization: Bearer y\r\nContent-Length: 3", b"abc"),
    "a header of 64 KiB": request(b"Host: a\r\nX: " + b"a" * 65536 + b"\r\nContent-Length: 3", b"abc"),
    "a thousand headers": request(
        b"Host: a\r\n" + b"".join(b"X%d: 1\r\n" % i for i in range(1000)) + b"Content-Length: 3", b"abc"
    ),
    "a target of 64 KiB": request(LENGTH, b"abc", b"POST /" + b"a" * 65536 + b" HTTP/1.1"),
    "a compressed body": request(b"Host: a\r\nContent-Encoding: gzip\r\nContent-Length: 3", b"abc"),
    "an expectation nobody knows": request(b"Host: a\r\nExpect: 200-ok\r\nContent-Length: 3", b"abc"),
    "an upgrade to websocket": request(
        b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13", b"", b"GET /x HTTP/1.1"
    ),
    "the http 2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http 2.0 in words": request(LENGTH, b"abc", b"POST /x HTTP/2.0"),
    "http 0.9": b"GET /x\r\n\r\n",
    "a lower-case method": request(LENGTH, b"abc", b"post /x HTTP/1.1"),
    "a method that is not served": request(LENGTH, b"abc", b"PROPFIND /x HTTP/1.1"),
    "trace": request(b"Host: a", b"", b"TRACE /x HTTP/1.1"),
    "a tls greeting on the plain port": bytes.fromhex("16030100a5010000a10303") + b"\x00" * 100,
    "noise": bytes(range(256)) * 4,
}


@pytest.fixture(scope="module")
def echo() -> Echo:
    return Echo()


@pytest.fixture(scope="module")
def served(echo: Echo) -> Iterator[Served]:
    with serving(echo, Bounds(idle_seconds=0.1, linger_seconds=0.2, drain_seconds=0.2, body_grace_seconds=0.2)) as it:
        yield it


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_sound_request_is_answered(served: Served, case: str) -> None:
    answer = exchange(served, ACCEPTED[case])

    assert re.findall(rb"HTTP/1\.1 (\d+)", answer)[0] == b"200", answer
    assert b"x 3" in answer or b"a/b 3" in answer


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_that_could_mean_two_things_is_refused_and_nothing_in_it_is_run(
    served: Served, echo: Echo, case: str
) -> None:
    seen = len(echo.bodies)

    answer = exchange(served, REFUSED[case])

    statuses = re.findall(rb"HTTP/1\.\d (\d+)", answer)
    assert len(statuses) == 1, answer
    assert statuses[0].startswith(b"4"), answer
    assert b'{"error":{"message":"' in answer
    assert len(echo.bodies) == seen, "the app ran a request to its end"
    assert "/smuggled" not in echo.paths


def test_a_fault_of_ours_while_reading_is_logged_and_does_not_look_like_an_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_self: Targets, _target: bytes) -> str | None:
        raise LookupError("ours")

    monkeypatch.setattr(Targets, "objection", fail)

    with serving(Echo()) as served:
        answer = exchange(served, request(LENGTH, b"abc"))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert "LookupError: ours" in caplog.text
