"""The pool's book-keeping, with connections that are none."""

import asyncio

import pytest

from appliance.egress.pool import Pool, PoolLimits, Route
from appliance.egress.url import Origin
from appliance.egress.wire import Connection
from tests.appliance.egress.peer import OK
from tests.appliance.egress.test_wire import Socket

HERE = Route(Origin("http", "127.0.0.1", 1), None)
THERE = Route(Origin("http", "127.0.0.1", 2), None)


def pool(**limits: float) -> Pool:
    async def dial(origin: Origin, ca_file: str | None, timeout: float | None) -> Connection:
        connection = Connection(asyncio.get_running_loop(), origin)
        connection.connection_made(Socket())
        return connection

    return Pool(dial, PoolLimits(**limits))  # type: ignore[arg-type]  # msgspec takes whole floats for the caps


async def served(pool: Pool, route: Route = HERE) -> Connection:
    """A connection that has received one whole answer."""
    connection = await pool.fresh(route, None, None)
    answer(connection)
    return connection


def answer(connection: Connection) -> None:
    connection.send(b"GET")
    connection.data_received(OK)
    connection.take()


async def test_a_connection_too_old_is_not_given_out_even_before_it_was_swept() -> None:
    held = pool(idle=4.0)
    for now, young in ((3.9, True), (4.0, False)):
        connection = await served(held)
        held.give_back(connection, 0.0)

        assert (held.reuse(HERE, now) is connection) is young
    held.close()


async def test_a_connection_is_given_only_to_its_own_route() -> None:
    held = pool()
    held.give_back(await served(held), 0.0)

    assert held.reuse(THERE, 0.0) is None
    assert held.reuse(Route(HERE.origin, "other-ca.pem"), 0.0) is None
    assert held.reuse(HERE, 0.0) is not None
    held.close()


@pytest.mark.parametrize("handed", ["place", "connection"])
async def test_what_a_waiter_was_handed_as_it_left_goes_to_the_next(handed: str) -> None:
    held = pool(per_origin=1)
    first = await served(held)
    leaving, staying = (asyncio.create_task(held.fresh(HERE, None, None)) for _ in range(2))
    await asyncio.sleep(0)

    if handed == "place":
        first.connection_lost(None)
    else:
        held.give_back(first, 0.0)
    leaving.cancel()
    got = await staying

    assert leaving.cancelled()
    assert (got is first) is (handed == "connection")
    assert held.open == 1


async def test_a_connection_lost_while_idle_frees_its_place() -> None:
    held = pool()
    connection = await served(held)
    held.give_back(connection, 0.0)
    connection.connection_lost(None)

    assert held.open == 0
    assert held.reuse(HERE, 0.0) is None
    held.close()


async def test_an_unfinished_exchange_is_not_kept() -> None:
    held = pool()
    connection = await held.fresh(HERE, None, None)
    connection.send(b"GET")
    held.give_back(connection, 0.0)

    assert connection.aborted
    assert held.reuse(HERE, 0.0) is None
