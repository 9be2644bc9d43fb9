"""Too much of something: fields without end, requests without end, connections without end."""

import contextlib
from collections.abc import Iterator

import pytest

from appliance.http.server.bounds import Bounds
from tests.appliance.http.server.harness import (
    PATIENCE,
    Echo,
    Holding,
    Served,
    exchange,
    read_all,
    read_answer,
    serving,
)

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
MIB = b"a" * 1048576


@pytest.fixture(scope="module")
def echo() -> Echo:
    return Echo()


@pytest.fixture(scope="module")
def served(echo: Echo) -> Iterator[Served]:
    with serving(
        echo, Bounds(body_bytes=2 * 1048576, idle_seconds=0.2, drain_seconds=0.2, linger_seconds=0.2, pipelined=4)
    ) as it:
        yield it


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (b"GET /", 431),
        (b"GET /x HTTP/1.1\r\nHost: a\r\nX: ", 431),
        (b"GET /x HTTP/1.1\r\nHost: a\r\nX", 431),
        (CHUNKED + b"1;x=", 431),
        (CHUNKED + b"1\r\na\r\n0\r\nX: ", 431),
    ],
    ids=["target", "value", "name", "chunk extension", "trailer"],
)
def test_one_thing_that_never_ends_is_refused_while_it_is_sent(served: Served, start: bytes, status: int) -> None:
    """The parser keeps such a thing to itself until it ends; 64 MiB would be kept for a client that has no key."""
    answer = exchange(served, start + MIB * 64)

    assert answer.startswith(b"HTTP/1.1 %d " % status) or answer == b"", "refused, or reset before it could be read"
    assert served.refused["headers_too_large"] > 0


def test_as_many_headers_as_allowed_are_read_and_one_more_is_not(served: Served) -> None:
    fields = b"".join(b"X%d: 1\r\n" % number for number in range(99))

    assert exchange(served, b"GET /x HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n").startswith(b"HTTP/1.1 200 ")
    assert exchange(served, b"GET /x HTTP/1.1\r\nHost: a\r\nY: 1\r\n" + fields + b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_a_header_just_inside_the_bound_is_read_beside_a_large_body(served: Served) -> None:
    head = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\nX: " + b"a" * 16000 + b"\r\n\r\n"

    assert exchange(served, head + MIB).endswith(b"POST /x 1048576")


def test_too_many_trailers_are_refused(served: Served) -> None:
    trailers = b"".join(b"X%d: 1\r\n" % number for number in range(101))

    assert exchange(served, CHUNKED + b"0\r\n" + trailers + b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_trailers_do_not_become_headers(served: Served, echo: Echo) -> None:
    answer = exchange(served, CHUNKED + b"1\r\na\r\n0\r\nAuthorization: Bearer x\r\nX-Late: 1\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert {name for name, _ in echo.headers[-1]} == {b"host", b"transfer-encoding"}


def test_a_body_over_the_bound_is_refused_by_its_length_before_it_is_sent(served: Served) -> None:
    answer = exchange(served, b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2097153\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_over_the_bound_is_refused_while_it_is_sent(served: Served, echo: Echo) -> None:
    ran = len(echo.bodies)

    answer = exchange(served, CHUNKED + (b"100000\r\n" + MIB + b"\r\n") * 3 + b"0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert len(echo.bodies) == ran


def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    with served.connect() as sock:
        sock.sendall(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(4)))
        answer = read_all(sock)

    assert answer.count(b"HTTP/1.1 200 ") == 4
    assert answer.index(b"GET /0 0") < answer.index(b"GET /1 0")
    assert answer.index(b"GET /1 0") < answer.index(b"GET /2 0") < answer.index(b"GET /3 0")


def test_a_thousand_pipelined_requests_get_as_many_answers_as_may_wait_and_a_close(served: Served) -> None:
    answer = exchange(served, GET * 1000)

    assert 1 <= answer.count(b"HTTP/1.1 200 ") <= 5


@pytest.mark.parametrize(
    "behind",
    [
        b"nonsense\r\n\r\n",
        b"POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nabc",
        b"POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n" + MIB,
        b"GET /y HTTP/1.1\r\nX: " + MIB,
    ],
    ids=["noise", "two lengths", "a large body", "a large header"],
)
def test_what_is_refused_behind_an_answer_does_not_get_into_the_answer(behind: bytes) -> None:
    holding = Holding()
    with serving(holding, Bounds(linger_seconds=0.2)) as served, served.connect() as sock:
        sock.sendall(GET)
        assert holding.begun.wait(PATIENCE)
        sock.sendall(behind)
        assert served.refusal.wait(PATIENCE)

        holding.release()
        answer = read_all(sock)

    assert answer.partition(b"\r\n\r\n")[2] == b"6\r\nbegin \r\n3\r\nend\r\n0\r\n\r\n"


@pytest.mark.parametrize(("first", "later"), [(GET + GET, b""), (GET, GET)], ids=["together", "later"])
def test_a_client_that_leaves_with_a_request_waiting_is_seen_to_leave(first: bytes, later: bytes) -> None:
    """uvicorn stops reading when a second request comes, and so does not see the client go."""
    holding = Holding()
    with serving(holding) as served:
        with served.connect() as sock:
            sock.sendall(first)
            assert holding.begun.wait(PATIENCE)
            sock.sendall(later)
            with served.connect() as other:
                other.sendall(b"noise\r\n\r\n")
                read_all(other)  # by now what was sent before has been read, too

        assert holding.gone.wait(PATIENCE), "the first request's app was never told"
    assert holding.paths == ["/x"], "the second was run for nobody"


def test_a_body_behind_an_ignored_upgrade_is_a_body_even_when_it_comes_later() -> None:
    """httptools takes what follows such a header for the next request."""
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    head = b"POST /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n"
    echo = Echo()
    with serving(echo) as served, served.connect() as sock:
        sock.sendall(head % len(smuggled))
        with served.connect() as other:
            other.sendall(GET)
            read_answer(other)  # by now the head has been read by itself
        sock.sendall(smuggled)

        assert read_answer(sock).endswith(b"POST /x %d" % len(smuggled))
    assert echo.bodies[-1] == smuggled
    assert "/smuggled" not in echo.paths


def test_many_upgrades_in_one_read_are_bounded(served: Served) -> None:
    upgrade = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

    answer = exchange(served, upgrade * 2000)

    assert 1 <= answer.count(b"HTTP/1.1 200 ") <= 5


def test_connections_beyond_the_cap_are_turned_away_while_the_others_go_on() -> None:
    with serving(Echo(), Bounds(connections=8)) as served, contextlib.ExitStack() as stack:
        inside = []
        for _ in range(8):
            sock = stack.enter_context(served.connect())
            sock.sendall(GET)
            read_answer(sock)
            inside.append(sock)

        answers = [exchange(served, b"") for _ in range(20)]

        assert all(answer.startswith(b"HTTP/1.1 429 ") for answer in answers)
        assert served.refused == {"too_many_connections": 20}
        for sock in inside:
            sock.sendall(GET)
            assert read_answer(sock).startswith(b"HTTP/1.1 200 ")


def test_one_peer_cannot_take_every_connection() -> None:
    with serving(Echo(), Bounds(connections=100, per_peer=2)) as served, contextlib.ExitStack() as stack:
        for _ in range(2):
            sock = stack.enter_context(served.connect())
            sock.sendall(GET)
            read_answer(sock)

        assert exchange(served, b"").startswith(b"HTTP/1.1 429 ")


def test_a_seat_is_free_again_when_its_connection_has_gone() -> None:
    with serving(Echo(), Bounds(connections=1)) as served:
        for _ in range(5):
            answer = b"HTTP/1.1 429 "
            while answer.startswith(b"HTTP/1.1 429 "):
                with served.connect() as sock, contextlib.suppress(ConnectionError):
                    sock.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    answer = read_all(sock) or answer
            assert answer.startswith(b"HTTP/1.1 200 ")
