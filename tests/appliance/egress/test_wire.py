"""The connection against bytes alone: no socket, every split, every cap."""

import asyncio
from collections.abc import Iterable
from itertools import pairwise

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.egress.url import Origin
from appliance.egress.wire import HEAD_BYTES, HEAD_FIELDS, UNREAD_BYTES, Connection

ORIGIN = Origin("http", "127.0.0.1", 1)


class Socket(asyncio.Transport):
    """Counts what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = False
        self.paused = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def pause_reading(self) -> None:
        self.paused += 1

    def resume_reading(self) -> None:
        self.paused -= 1

    def get_write_buffer_size(self) -> int:
        return 0


def asked() -> tuple[Connection, Socket]:
    loop = asyncio.new_event_loop()
    loop.close()  # nothing here waits
    connection, socket = Connection(loop, ORIGIN), Socket()
    connection.connection_made(socket)
    connection.send(b"GET")
    return connection, socket


Outcome = tuple[int, tuple[tuple[bytes, bytes], ...], bytes, bool, bool, str]


def outcome(packets: Iterable[bytes], *, closed: bool) -> Outcome:
    """Status, headers, body, done, reusable and failure after the packets and perhaps a close."""
    connection, socket = asked()
    body = b""
    for packet in packets:
        if not socket.aborted:
            connection.data_received(packet)
            body += connection.take() if connection.pieces else b""
    if closed:
        connection.connection_lost(None)
    failure = "" if connection.failure is None else type(connection.failure).__name__
    return connection.status, tuple(connection.headers), body, connection.done, connection.reusable, failure


H = b"HTTP/1.1 200 OK\r\n"
CHUNKED = H + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = {
    "length": H + b"Content-Length: 5\r\nX-A: b\r\n\r\nhello",
    "empty": H + b"Content-Length: 0\r\n\r\n",
    "chunked": CHUNKED + b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
    "trailer": CHUNKED + b"5\r\nhello\r\n0\r\nX-Load: 9\r\nX-T: t\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\n"
    + H
    + b"Content-Length: 5\r\n\r\nhello",
    "close": H + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello",
    "eof": H + b"X-A: b\r\n\r\nhello",
    "old": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
    "identity": H + b"Content-Encoding: Identity\r\nContent-Length: 5\r\n\r\nhello",
    "error": b"HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nhello",
}


def cut(data: bytes, at: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in at}), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges) if end > begin]


@pytest.mark.parametrize("name", WHOLE)
@given(at=st.lists(st.integers(0, 400), max_size=12), closed=st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_split_of_an_answer_gives_the_same(name: str, at: list[int], closed: bool) -> None:  # noqa: FBT001  hypothesis passes by name
    data = WHOLE[name]

    assert outcome(cut(data, at), closed=closed) == outcome([data], closed=closed)
    assert outcome([bytes([byte]) for byte in data], closed=closed) == outcome([data], closed=closed)


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_answer_is_done(name: str) -> None:
    status, headers, body, done, reusable, failure = outcome([WHOLE[name]], closed=name == "eof")

    assert (done, failure) == (True, "")
    assert body == (b"" if name in {"empty", "nothing"} else b"hello")
    assert status == {"nothing": 204, "error": 503}.get(name, 200)
    assert reusable == (name not in {"close", "eof", "old"})
    assert not {b"x-t", b"x-early"} & {key for key, _ in headers}


@pytest.mark.parametrize("name", ["length", "chunked", "trailer", "interim", "close", "eof", "identity"])
def test_an_answer_cut_short_is_never_whole(name: str) -> None:
    data = WHOLE[name]
    body_at = data.rindex(b"\r\n\r\n") + 4 if name == "eof" else len(data)

    for length in range(body_at):
        *_, done, reusable, failure = outcome([data[:length]], closed=True)
        assert (done, reusable, failure) == (False, False, "ReadError"), data[:length]


BROKEN = {
    "not http": b"SSH-2.0-OpenSSH\r\n",
    "tls alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "http/2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "http/0.9": b"HTTP/0.9 200 OK\r\n\r\n",
    "status 99": b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
    "status 600": b"HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n",
    "upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx",
    "bare 101": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "length and chunked": H + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunked and length": H + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
    "two lengths": H + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
    "list of lengths": H + b"Content-Length: 2, 2\r\n\r\nhi",
    "signed length": H + b"Content-Length: +2\r\n\r\nhi",
    "huge length": H + b"Content-Length: 99999999999999999999\r\n\r\n",
    "chunked twice": H + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "gzip, chunked": H + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "chunked, identity": H + b"Transfer-Encoding: chunked, identity\r\n\r\n",
    "identity framing": H + b"Transfer-Encoding: identity\r\n\r\n",
    "gzip": H + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi",
    "deflate": H + b"content-encoding: DEFLATE\r\nContent-Length: 2\r\n\r\nhi",
    "bare lf": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
    "folded": H + b"A: b\r\n c\r\n\r\n",
    "space before colon": H + b"Content-Length : 2\r\n\r\nhi",
    "nul": H + b"A: b\0c\r\n\r\n",
    "bad chunk size": CHUNKED + b"xyz\r\n",
    "chunk overrun": CHUNKED + b"2\r\nhixx\r\n",
    "chunk bare lf": CHUNKED + b"2\nhi\n0\n\n",
    "huge chunk": CHUNKED + b"FFFFFFFFFFFFFFFFF\r\n",
    "many fields": H + b"".join(b"x-%d: y\r\n" % number for number in range(HEAD_FIELDS + 1)) + b"\r\n",
    "long field": H + b"x: " + b"y" * HEAD_BYTES + b"\r\n\r\n",
    "endless field": H + b"x: " + b"y" * (HEAD_BYTES + 1),
    "endless status": b"HTTP/1.1 200 " + b"y" * (HEAD_BYTES + 1),
    "many trailers": CHUNKED + b"0\r\n" + b"".join(b"x: %d\r\n" % number for number in range(20_000)),
    "endless extension": CHUNKED + b"2;" + b"x" * HEAD_BYTES * 3,
    "length in a trailer": CHUNKED + b"0\r\nContent-Length: 9\r\n\r\n",
    "endless interim": b"HTTP/1.1 102 Processing\r\n\r\n" * 4000,
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("size", [100_000, 997])
def test_bytes_that_are_not_an_answer_cost_the_connection(name: str, size: int) -> None:
    connection, socket = asked()
    data = BROKEN[name]
    for begin in range(0, len(data), size):
        if not socket.aborted:
            connection.data_received(data[begin : begin + size])

    assert isinstance(connection.failure, httpx.RemoteProtocolError)
    assert socket.aborted
    assert not connection.done


@given(data=st.binary(max_size=300), head=st.sampled_from([b"", H, CHUNKED, H + b"Content-Length: 9\r\n\r\n"]))
@settings(deadline=None)
def test_no_bytes_make_the_connection_raise(data: bytes, head: bytes) -> None:
    outcome([head + data], closed=True)


@pytest.mark.parametrize("after", [b"X", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"\0"])
@pytest.mark.parametrize("together", [True, False])
def test_anything_after_an_answer_costs_the_connection_and_not_the_answer(after: bytes, together: bool) -> None:  # noqa: FBT001  a parameter of the table
    packets = [WHOLE["length"] + after] if together else [WHOLE["length"], after]

    status, _, body, done, reusable, failure = outcome(packets, closed=False)

    assert (status, body, done, failure) == (200, b"hello", True, "")
    assert not reusable


def test_bytes_on_an_idle_connection_close_it() -> None:
    connection, socket = asked()
    connection.data_received(WHOLE["length"])
    assert connection.reusable
    connection.rest(0.0)

    connection.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")

    assert socket.aborted
    assert connection.aborted


def test_a_reset_ends_no_body_that_only_the_close_would_frame() -> None:
    connection, _ = asked()
    connection.data_received(WHOLE["eof"])
    connection.connection_lost(ConnectionResetError())

    assert not connection.done
    assert isinstance(connection.failure, httpx.ReadError)


def test_a_reader_that_lags_pauses_the_peer_and_lets_it_go_on() -> None:
    connection, socket = asked()
    connection.data_received(H + b"Content-Length: 9999999\r\n\r\n")
    connection.data_received(b"x" * UNREAD_BYTES)
    connection.data_received(b"x")

    assert socket.paused == 1
    assert len(connection.take()) == UNREAD_BYTES + 1
    assert socket.paused == 0


def test_chunks_of_one_byte_weigh_more_than_a_byte() -> None:
    connection, socket = asked()
    connection.data_received(CHUNKED + b"1\r\nx\r\n" * (UNREAD_BYTES // 16))

    assert socket.paused == 1


async def test_a_wait_without_a_deadline_outlives_the_deadline_of_the_wait_before() -> None:
    connection = Connection(asyncio.get_running_loop(), ORIGIN)
    connection.connection_made(Socket())
    asyncio.get_running_loop().call_soon(connection.resume_writing)
    await connection.change(0.02)

    patient = connection.change(None)
    _, waiting = await asyncio.wait({patient}, timeout=0.1)
    assert waiting

    connection.resume_writing()
    await patient
    assert not connection.late


async def test_a_nearer_deadline_moves_the_timer_forward() -> None:
    connection = Connection(asyncio.get_running_loop(), ORIGIN)
    connection.connection_made(Socket())
    asyncio.get_running_loop().call_soon(connection.resume_writing)
    await connection.change(3600)

    await connection.change(0.02)
    assert connection.late
    connection.abort()


def test_only_a_used_connection_closed_by_its_peer_before_any_byte_is_stale() -> None:
    fresh, _ = asked()
    fresh.connection_lost(None)
    assert not fresh.stale

    for received, ours, stale in ((b"", False, True), (b"HTTP", False, False), (b"", True, False)):
        used, _ = asked()
        used.data_received(WHOLE["length"])
        used.rest(0.0)
        used.send(b"GET")
        if received:
            used.data_received(received)
        if ours:
            used.abort()
        used.connection_lost(None)
        assert used.stale is stale
