import asyncio
import errno
import logging
from typing import Any, cast

import pytest

from appliance.http.server.accept import Acceptor
from appliance.http.server.bounds import Bounds
from appliance.http.server.door import Door
from tests.appliance.http.server.harness import render


class Exhausted:
    """A listening socket of a process without a free descriptor."""

    def __init__(self) -> None:
        self.asked = 0

    def fileno(self) -> int:
        return 7

    def accept(self) -> Any:
        self.asked += 1
        raise OSError(errno.EMFILE, "Too many open files")

    def close(self) -> None: ...


class Loop:
    """Keeps what it was asked to watch and to call later."""

    def __init__(self) -> None:
        self.watched: dict[int, tuple[Any, ...]] = {}
        self.later: list[tuple[Any, ...]] = []

    def add_reader(self, number: int, *call: Any) -> None:
        self.watched[number] = call

    def remove_reader(self, number: int) -> None:
        del self.watched[number]

    def call_later(self, _delay: float, *call: Any) -> None:
        self.later.append(call)


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def refused() -> list[str]:
    return []


@pytest.fixture
def acceptor(loop: Loop, refused: list[str]) -> Acceptor:
    door = Door(Bounds(), render, refused.append)
    made = Acceptor(cast("Any", Exhausted()), door, cast("Any", None), lambda: None)
    made.open(cast("asyncio.AbstractEventLoop", loop))
    return made


def run(call: tuple[Any, ...]) -> None:
    call[0](*call[1:])


def test_without_a_descriptor_it_pauses_instead_of_spinning_and_says_so(
    acceptor: Acceptor, loop: Loop, refused: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        run(loop.watched[7])

    assert loop.watched == {}
    assert refused == ["no_descriptor"]
    assert "raise LimitNOFILE" in caplog.text

    run(loop.later.pop())
    assert 7 in loop.watched, "and it tries again"


def test_a_pause_does_not_reopen_a_door_that_was_shut_meanwhile(acceptor: Acceptor, loop: Loop) -> None:
    run(loop.watched[7])
    loop.watched[7] = ()  # a shut acceptor stops watching, whether it paused or not

    acceptor.close()
    run(loop.later.pop())

    assert loop.watched == {}
