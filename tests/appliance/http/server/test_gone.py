"""A client that leaves before its answer is whole is told of at once, through the scope's extension."""

import asyncio
import gc
import threading
from typing import Any

import pytest

from appliance.http.server.protocol import Connection
from appliance.http.server.wire import GONE
from tests.appliance.http.server.harness import PATIENCE, read_answer, serving

SMALL = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi"
LARGE = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 200000\r\n\r\n" + b"x" * 200_000
NEXT = b"GET /next HTTP/1.1\r\nhost: a\r\n\r\n"


class Told:
    """Reads the body, asks to be told, and answers at once, or never when it is a `POST`."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.gone = threading.Event()
        self.times = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        while (await receive())["more_body"]:
            pass
        left = asyncio.Event()

        def tell() -> None:
            self.times += 1
            left.set()
            self.gone.set()

        scope["extensions"][GONE]["tell"](tell)
        if scope["method"] == "POST":
            self.asked.set()
            await left.wait()
            return
        head = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"ok"})


@pytest.mark.parametrize("asked", [SMALL, LARGE, SMALL + NEXT, NEXT + SMALL], ids=["small", "large", "before", "after"])
def test_a_client_that_leaves_is_told_of_once(asked: bytes) -> None:
    told = Told()
    with serving(told) as served:
        with served.connect() as sock:
            sock.sendall(asked)
            assert told.asked.wait(PATIENCE)

        assert told.gone.wait(PATIENCE), "nobody was told"

    assert told.times == 1


def test_a_client_that_has_its_whole_answer_is_not_told_of() -> None:
    told = Told()
    with serving(told) as served, served.connect() as sock:
        for _ in range(2):
            sock.sendall(NEXT)
            assert read_answer(sock).endswith(b"ok")

    assert told.times == 0


def test_a_connection_leaves_nothing_to_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        with serving(Told()) as served:
            for _ in range(3):
                with served.connect() as sock:
                    sock.sendall(NEXT)
                    assert read_answer(sock).endswith(b"ok")
            with served.connect() as sock:
                sock.sendall(SMALL)

        left = [one for one in gc.get_objects() if isinstance(one, Connection)]
    finally:
        gc.enable()

    assert left == []
