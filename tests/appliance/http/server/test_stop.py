"""A stop that drains: doors shut, answers finished, the rest ended in order."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.http.server.bounds import Bounds
from tests.appliance.http.server.harness import PATIENCE, Echo, Holding, Served, read_all, read_answer, serving

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


def wait_for_close_of_door(served: Served) -> None:
    assert served.drained.wait(PATIENCE)
    while True:
        try:
            served.connect().close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            pass  # it stood in the queue when the door was shut


def test_an_answer_in_progress_is_finished_and_then_its_connection_closed() -> None:
    holding = Holding()
    with serving(holding) as served, served.connect() as sock:
        sock.sendall(GET)
        assert holding.begun.wait(PATIENCE)

        served.ask_to_stop()
        wait_for_close_of_door(served)
        assert not served.ended.is_set()
        holding.release()

        assert read_all(sock).endswith(b"3\r\nend\r\n0\r\n\r\n")
        assert served.ended.wait(PATIENCE)
        assert not served.deadline.is_set()


def test_idle_connections_are_closed_at_once_and_nobody_new_is_let_in() -> None:
    with serving(Echo()) as served, served.connect() as sock:
        sock.sendall(GET)
        read_answer(sock)

        served.ask_to_stop()

        assert read_all(sock) == b""
        assert served.ended.wait(PATIENCE)
        with pytest.raises(ConnectionRefusedError):
            served.connect()


def test_a_body_on_its_way_is_still_read_and_answered() -> None:
    with serving(Echo()) as served, served.connect() as sock:
        sock.sendall(b"POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 100 "), "the app is reading"

        served.ask_to_stop()
        wait_for_close_of_door(served)
        sock.sendall(b"abc")
        answer = read_all(sock)

        assert answer.endswith(b"POST /x 3")
        assert b"connection: close\r\n" in answer


def test_what_does_not_finish_in_time_is_told_and_then_cut_off() -> None:
    holding = Holding()
    with serving(holding, drain_seconds=0.1) as served, served.connect() as sock:
        sock.sendall(GET)
        assert holding.begun.wait(PATIENCE)

        served.ask_to_stop()

        assert served.deadline.wait(PATIENCE)
        assert b"end" not in read_all(sock)
        assert served.ended.wait(PATIENCE)


def test_asked_twice_it_does_not_wait() -> None:
    holding = Holding()
    with serving(holding, drain_seconds=3600) as served, served.connect() as sock:
        sock.sendall(GET)
        assert holding.begun.wait(PATIENCE)

        served.ask_to_stop()
        served.ask_to_stop()

        assert served.deadline.wait(PATIENCE)
        assert served.ended.wait(PATIENCE)


def test_an_app_that_works_on_after_its_answer_is_waited_for() -> None:
    """Settlement comes after the last byte; a connection that has gone is not yet the end."""
    settled: list[str] = []
    answered = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = [(b"content-length", b"0"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body"})
            await answered.wait()
            settled.append("settled")

    with serving(app) as served:
        with served.connect() as sock:
            sock.sendall(GET)
            read_all(sock)
        served.ask_to_stop()
        wait_for_close_of_door(served)
        served.loop.call_soon_threadsafe(answered.set)
        assert served.ended.wait(PATIENCE)

    assert settled == ["settled"]


def test_an_app_that_fails_in_its_answer_leaves_no_connection_behind() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x" * 60000, "more_body": True})
            raise LookupError("lost")

    with serving(app, Bounds(stall_seconds=0.2)) as served:
        with served.connect() as sock:
            sock.sendall(GET)
            answer = read_all(sock)
        served.ask_to_stop()
        assert served.ended.wait(PATIENCE)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert not answer.endswith(b"0\r\n\r\n"), "an answer that broke must not look whole"


PROGRAM = """
import asyncio, sys, uvloop
from appliance.http.server.run import Listener, run, serve
from appliance.http.server.sockets import bind, port_of
from tests.appliance.http.server.harness import Holding, render

async def main():
    sock = bind("127.0.0.1", 0)
    async def ended():
        print("deadline", flush=True)
    await serve(
        [Listener(sock=sock, app=Holding(), render=render, refused=print)],
        drain_seconds=3600, settle_seconds=0.2,
        on_ready=lambda: print(port_of(sock), flush=True),
        on_drain=lambda: print("drain", flush=True),
        on_drain_deadline=ended,
    )
    print("closed", flush=True)

run(main(), uvloop.new_event_loop)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_a_second_one_ends_at_once(number: signal.Signals) -> None:
    root = Path(__file__).parents[4]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    with process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
            sock.sendall(GET)
            assert b"200" in sock.recv(1000)

            process.send_signal(signal.SIGHUP)  # reads certificates again: not a reason to die
            process.send_signal(number)
            assert process.stdout.readline() == "drain\n"
            process.send_signal(number)

            assert process.stdout.read() == "deadline\nclosed\n"
    assert process.returncode == 0
