"""How an answer is written: its framing, its end, and what is no answer."""

from collections.abc import Sequence
from typing import Any

import pytest
import uvicorn

from appliance.http.server.cycle import TOGETHER
from tests.appliance.http.server.harness import read_all, serving

Messages = Sequence[dict[str, Any]]
LARGE = b"x" * (TOGETHER + 1)


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def piece(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def length(of: int) -> tuple[bytes, bytes]:
    return b"Content-Length", b"%d" % of


class Saying:
    """Sends these messages, and keeps the error that one of them met."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self.error: RuntimeError | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        try:
            for message in self._messages:
                await send(message)
        except RuntimeError as error:
            self.error = error


def asked(messages: Messages, method: str = "GET", version: str = "1.1") -> tuple[bytes, RuntimeError | None]:
    app = Saying(messages)
    with serving(app) as served, served.connect() as sock:
        sock.sendall(f"{method} / HTTP/{version}\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
        return read_all(sock), app.error


@pytest.mark.parametrize("body", [b"", b"hi", LARGE], ids=["empty", "small", "large"])
def test_a_body_of_a_known_length_goes_out_as_it_is(body: bytes) -> None:
    said, error = asked([start(length(len(body))), piece(body)])

    assert error is None
    assert said == b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body)


def test_a_body_of_unknown_length_goes_out_in_chunks() -> None:
    said, _ = asked([start(), piece(b"", more=True), piece(b"hello", more=True), piece(LARGE, more=True), piece(b"!")])

    head, _, body = said.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert body == b"5\r\nhello\r\n%x\r\n%b\r\n1\r\n!\r\n0\r\n\r\n" % (len(LARGE), LARGE)


def test_a_client_of_http_1_0_is_sent_no_chunks() -> None:
    said, error = asked([start(), piece(b"hello ", more=True), piece(b"there")], version="1.0")

    assert error is None
    assert said == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello there"


@pytest.mark.parametrize("more", [[], [start(length(5)), piece(b"hello")]], ids=["nothing", "body"])
def test_an_answer_to_head_has_no_body(more: Messages) -> None:
    said, error = asked(more or [start(length(5)), piece(b"")], method="HEAD")

    assert error is None
    assert said == b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_may_have_no_body_has_no_framing(status: int) -> None:
    said, _ = asked([start(status=status), piece(b"")])

    assert b"transfer-encoding" not in said
    assert said.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "header",
    [
        (b"x", b"a\r\nset-cookie: b"),
        (b"x", b"a\nb"),
        (b"x", b"a\r"),
        (b"x", b"a\x00"),
        (b"x", b"a\x7f"),
        (b"x\r\ny", b"a"),
        (b"x y", b"a"),
        (b"x:y", b"a"),
        (b"x\xe9", b"a"),
        (b"transfer-encoding", b"chunked"),
    ],
)
def test_a_header_that_would_be_read_otherwise_is_never_sent(header: tuple[bytes, bytes]) -> None:
    said, error = asked([start(header, length(2)), piece(b"hi")])

    assert error is not None
    assert header[1] not in said


@pytest.mark.parametrize("value", ["caf\u00e9".encode("latin-1"), b"tab\there", b""])
def test_a_value_may_hold_what_rfc_9110_lets_it(value: bytes) -> None:
    said, _ = asked([start((b"x", value), length(0)), piece(b"")])

    assert b"x: %b\r\n" % value in said


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([piece(b"hi")], "begins"),
        ([start(), start()], "body belongs"),
        ([start(length(1)), piece(b"hi")], "longer"),
        ([start(length(3)), piece(b"hi")], "shorter"),
        ([start(length(2)), piece(b"hi"), piece(b"hi")], "after the end"),
    ],
    ids=["no head", "two heads", "longer", "shorter", "after"],
)
def test_what_is_no_answer_is_the_apps_fault(messages: Messages, says: str) -> None:
    _, error = asked(messages)

    assert says in str(error)


@pytest.mark.parametrize("first", [False, True], ids=["answered", "read and answered"])
def test_after_the_answer_an_app_is_told_that_its_client_is_done(*, first: bool) -> None:
    told: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if first:
            told.append((await receive())["type"])
        await send(start(length(2)))
        await send(piece(b"ok"))
        told.append((await receive())["type"])

    with serving(app) as served, served.connect() as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi")
        assert read_all(sock).endswith(b"ok")

    assert told == ["http.request"] * first + ["http.disconnect"]


def test_the_uvicorn_that_is_repeated_here_is_the_one_that_was_read() -> None:
    # A newer one: read what changed in `protocols/http/httptools_impl.py`, follow it in `Cycle`, `Connection` and
    # `Patience`, then raise this.
    assert uvicorn.__version__ == "0.54.0"
