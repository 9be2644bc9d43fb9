"""Clients that take their time: every connection ends by its deadline, whatever drips in.

Deadlines are short here; what is asserted is which end comes, never how soon. A connection that does not end fails its
test by the harness's patience.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from appliance.http.server.bounds import Bounds
from tests.appliance.http.server.harness import (
    PATIENCE,
    Echo,
    Holding,
    Pouring,
    Served,
    exchange,
    read_all,
    read_answer,
    serving,
)

SHORT = Bounds(
    header_seconds=0.3,
    body_seconds=5.0,
    body_grace_seconds=0.3,
    idle_seconds=0.3,
    stall_seconds=0.3,
    drain_seconds=0.3,
    linger_seconds=0.2,
)
HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture(scope="module")
def echo() -> Echo:
    return Echo()


@pytest.fixture(scope="module")
def served(echo: Echo) -> Iterator[Served]:
    with serving(echo, SHORT) as it:
        yield it


@contextlib.contextmanager
def dripping(sock: socket.socket, drop: bytes) -> Iterator[None]:
    """A drop every few milliseconds, until the block ends or the other side has gone."""
    enough = threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError):
            while not enough.wait(0.02):
                sock.sendall(drop)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join(PATIENCE)


def test_a_connection_without_a_byte_is_closed_without_a_word(served: Served) -> None:
    assert exchange(served, b"") == b""


def test_empty_lines_do_not_keep_a_connection(served: Served) -> None:
    with served.connect() as sock, dripping(sock, b"\r\n"):
        assert b"200" not in read_all(sock)


@pytest.mark.parametrize("drop", [b"a", b"X: y\r\n"], ids=["a byte", "a field"])
def test_a_header_that_drips_is_answered_408_and_closed(served: Served, drop: bytes) -> None:
    with served.connect() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        with dripping(sock, drop):
            assert read_all(sock).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("head", "drop"),
    [(b"Content-Length: 100000", b"a"), (b"Transfer-Encoding: chunked", b"1\r\na\r\n")],
    ids=["by length", "chunked"],
)
def test_a_body_that_drips_is_answered_408_and_closed_and_its_app_told(head: bytes, drop: bytes) -> None:
    echo = Echo()
    with serving(echo, SHORT) as served, served.connect() as sock:
        sock.sendall(HEAD + head + b"\r\n\r\n")
        with dripping(sock, drop):
            answer = read_all(sock)

        assert answer.startswith(b"HTTP/1.1 408 ")
        assert echo.gone.wait(PATIENCE)
        assert served.refused == {"request_timeout": 1}


def test_a_body_that_comes_fast_enough_but_never_ends_has_an_end(echo: Echo) -> None:
    bounds = Bounds(body_seconds=0.4, body_grace_seconds=0.1, body_min_rate=1, linger_seconds=0.1)
    with serving(echo, bounds) as served, served.connect() as sock:
        sock.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        with dripping(sock, b"64\r\n" + b"a" * 100 + b"\r\n"):
            assert read_all(sock).startswith(b"HTTP/1.1 408 ")


def test_half_a_body_and_silence_is_answered_408(served: Served, echo: Echo) -> None:
    ran = len(echo.bodies)

    answer = exchange(served, HEAD + b"Content-Length: 1000\r\n\r\n" + b"a" * 500)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert len(echo.bodies) == ran


def test_an_idle_connection_is_closed(served: Served) -> None:
    answer = exchange(served, b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_an_idle_connection_may_be_used_again_before_that(echo: Echo) -> None:
    with serving(echo) as served, served.connect() as sock:
        for _ in range(3):
            sock.sendall(b"GET /again HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_answer(sock).endswith(b"GET /again 0")


@pytest.mark.parametrize(
    "wish", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"], ids=["plain", "after an ignored upgrade"]
)
def test_an_answer_in_progress_has_no_deadline_of_the_server(wish: bytes) -> None:
    holding = Holding()
    with serving(holding, SHORT) as served, served.connect() as sock:
        sock.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n" + wish + b"\r\n")
        assert holding.begun.wait(PATIENCE)
        with served.connect() as other:
            assert read_all(other) == b"", "every deadline has passed once this one is closed"

        holding.release()

        assert read_all(sock).endswith(b"3\r\nend\r\n0\r\n\r\n")


def test_a_client_that_does_not_read_its_answer_is_cut_off() -> None:
    pouring = Pouring()
    with serving(pouring, SHORT) as served, served.connect() as sock:
        sock.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")

        assert pouring.stopped.wait(PATIENCE)
        assert served.refused == {"client_stalled": 1}


def test_a_body_answered_before_it_was_read_is_not_read_for_ever() -> None:
    async def refusing(scope: object, receive: object, send: object) -> None:
        if scope["type"] == "http":  # type: ignore[index]  # an app in its shortest form
            await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})  # type: ignore[operator]  # the same
            await send({"type": "http.response.body"})  # type: ignore[operator]  # the same

    with serving(refusing, SHORT) as served, served.connect() as sock:
        sock.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
        with dripping(sock, b"a"):
            answer = read_all(sock)

        assert answer.count(b"HTTP/1.1") == 1, "one request has one answer"
        assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_client_that_stays_after_its_refusal_is_cut_off(served: Served) -> None:
    with served.connect() as sock:
        sock.sendall(b"nonsense\r\n\r\n")
        with dripping(sock, b"more"), contextlib.suppress(ConnectionError):
            read_all(sock)
            while sock.send(b"x"):
                pass
