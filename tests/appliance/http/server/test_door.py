import asyncio

from appliance.http.server.bounds import Bounds
from appliance.http.server.door import Door, neighbourhood
from tests.appliance.http.server.harness import render


def door(**bounds: int) -> Door:
    return Door(Bounds(**bounds), render, lambda kind: None)


def test_seats_are_counted_over_all_and_for_each_peer() -> None:
    it = door(connections=3, per_peer=2)

    assert [it.enter(peer) for peer in ("a", "a", "a", "b", "b")] == [True, True, False, True, False]

    it.leave("a")
    assert it.enter("b")
    assert it.taken == 3


def test_nothing_is_kept_of_a_peer_that_has_gone() -> None:
    it = door()

    for number in range(100):
        it.enter(str(number))
        it.leave(str(number))

    assert it._peers == {}
    assert it.quiet


async def test_whoever_waits_for_the_house_to_empty_is_told_when_the_last_one_leaves() -> None:
    it = door()
    it.enter("a")
    it.enter("b")
    waiting = asyncio.ensure_future(it.emptied())

    it.leave("a")
    await asyncio.sleep(0)
    assert not waiting.done()
    it.leave("b")

    await waiting


def test_neighbours_in_one_v6_site_are_counted_together_and_v4_in_v6_is_v4() -> None:
    assert neighbourhood("192.0.2.1") == "192.0.2.1"
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:1") == "2001:db8::"
    assert neighbourhood("2001:db8:0:1::1") != neighbourhood("2001:db8::1")
    assert neighbourhood("::ffff:192.0.2.1") == "192.0.2.1"
    assert neighbourhood("fe80::1%eth0") == "fe80::"


def test_the_shortest_deadline_sets_how_often_deadlines_are_looked_at() -> None:
    assert Bounds().tick == 0.5
    assert Bounds(header_seconds=0.2).tick == 0.05
    assert Bounds(header_seconds=0.001).tick == 0.02
