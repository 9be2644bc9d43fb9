import asyncio
from typing import NamedTuple

import pytest

from tests.real import compare, emulated, record
from tests.real.allowed import ALLOWED
from tests.real.compare import Difference
from tests.real.setups import SERVERS, Server

by_name = pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)


class Held(NamedTuple):
    """An emulator held to the recording of its original."""

    server: Server
    found: list[Difference]


@pytest.fixture(scope="module", params=SERVERS, ids=lambda server: server.name)
def held(request: pytest.FixtureRequest) -> Held:
    return Held(request.param, asyncio.run(emulated.differences(request.param)))


def test_an_emulator_answers_in_the_shapes_its_original_was_recorded_with(held: Held) -> None:
    left, _ = compare.unexplained(held.server.name, held.found, ALLOWED)

    assert not left, "\n" + "\n".join(compare.grouped(left))


def test_every_allowed_difference_is_still_there(held: Held) -> None:
    _, stale = compare.unexplained(held.server.name, held.found, ALLOWED)

    assert stale == []


@by_name
def test_a_recording_holds_every_case_of_every_set_up(server: Server) -> None:
    shapes = record.committed(server)["shapes"]

    assert isinstance(shapes, dict)
    assert {name: set(cases) for name, cases in shapes.items()} == {
        setup.name: {*(case.name for case in setup.asked), *setup.measures} for setup in server.setups
    }


@by_name
def test_a_recording_says_what_made_it_and_names_no_place_on_a_machine(server: Server) -> None:
    recording = record.committed(server)

    assert isinstance(recording["provenance"], dict)
    assert {"server", "package", "version", "python", "day", "commands"} <= set(recording["provenance"])
    assert "site-packages" not in str(recording)
    assert "/tmp" not in str(recording)
