import asyncio
import contextlib
import gc
import random
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import httpx
import pytest

from appliance.egress.guard import AllowList, Guard
from appliance.egress.pool import PoolLimits
from appliance.egress.transport import PooledTransport
from tests.appliance.egress.peer import CEILING, OK, Peer, Talk, peer, settled, transport

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


async def ask(
    wire: PooledTransport, server: Peer, body: bytes = b"{}", timeouts: Mapping[str, float | None] | None = None
) -> httpx.Response:
    request = httpx.Request(
        "POST",
        f"{server.url}/x",
        headers=[(b"host", b"h")],
        stream=httpx.ByteStream(body),
        extensions={"timeout": {"connect": CEILING, "pool": CEILING} | dict(timeouts or {})},
    )
    return await wire.handle_async_request(request)


async def whole(wire: PooledTransport, server: Peer) -> bytes:
    return await (await ask(wire, server)).aread()


async def end(talk: Talk) -> None:
    talk.writer.close()


async def reset(talk: Talk) -> None:
    talk.reset()


@pytest.mark.parametrize("die", [end, reset])
async def test_a_used_connection_closed_before_any_byte_is_tried_once_more(
    die: Callable[[Talk], Awaitable[None]],
) -> None:
    async def script(talk: Talk) -> None:
        await talk.answer(OK)
        if talk.number == 1:
            await talk.request()
            await die(talk)
        else:
            await talk.left()

    async with peer(script) as server, transport() as wire:
        assert await whole(wire, server) == b"hi"
        assert await whole(wire, server) == b"hi"

    assert server.accepted == 2


async def test_a_request_is_repeated_only_once() -> None:
    async def script(talk: Talk) -> None:
        if talk.number == 1:
            await talk.answer(OK)
        await talk.request()

    async with peer(script) as server, transport() as wire:
        await whole(wire, server)
        with pytest.raises(httpx.ReadError, match="without an answer"):
            await whole(wire, server)

    assert server.accepted == 2


async def test_a_fresh_connection_that_dies_is_not_tried_again() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()

    async with peer(script) as server, transport() as wire:
        with pytest.raises(httpx.ReadError):
            await whole(wire, server)

    assert server.accepted == 1


async def test_one_byte_of_an_answer_forbids_the_second_try() -> None:
    async def script(talk: Talk) -> None:
        await talk.answer(OK)
        await talk.request()
        await talk.send(b"H")

    async with peer(script) as server, transport() as wire:
        await whole(wire, server)
        with pytest.raises(httpx.ReadError, match="inside its answer"):
            await whole(wire, server)

    assert server.accepted == 1


async def test_a_deadline_on_a_used_connection_forbids_the_second_try() -> None:
    async def script(talk: Talk) -> None:
        await talk.answer(OK)
        await talk.left()

    async with peer(script) as server, transport() as wire:
        await whole(wire, server)
        with pytest.raises(httpx.ReadTimeout):
            await ask(wire, server, timeouts={"head": 0.05})

    assert server.accepted == 1


async def test_a_connection_closed_by_its_server_while_idle_is_not_used() -> None:
    async with peer(lambda talk: talk.answer(OK)) as server, transport() as wire:
        for count in (1, 2):
            assert await whole(wire, server) == b"hi"
            await settled(lambda: wire.pool.open == 0)
            assert server.accepted == count


async def test_a_connection_that_speaks_while_idle_is_closed() -> None:
    async def script(talk: Talk) -> None:
        await talk.answer(OK)
        if talk.number == 1:
            await talk.send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother")
        await talk.left()

    async with peer(script) as server, transport() as wire:
        assert await whole(wire, server) == b"hi"
        await settled(lambda: wire.pool.open == 0)
        assert await whole(wire, server) == b"hi"


async def test_the_connection_used_last_is_used_first() -> None:
    used: list[int] = []
    gate = asyncio.Event()

    async def script(talk: Talk) -> None:
        while True:
            await talk.request()
            used.append(talk.number)
            if len(used) == 2:
                gate.set()
            await gate.wait()
            await talk.send(OK)

    async with peer(script) as server, transport() as wire:
        await asyncio.gather(whole(wire, server), whole(wire, server))
        for _ in range(3):
            await whole(wire, server)

    assert len(set(used[2:])) == 1
    assert server.accepted == 2


async def test_an_idle_connection_is_closed_when_it_is_too_old() -> None:
    async with peer(lambda talk: talk.answer(OK, OK)) as server, transport(PoolLimits(idle=0.05)) as wire:
        assert await whole(wire, server) == b"hi"
        async with asyncio.timeout(CEILING):
            await server.quiet.wait()

        assert wire.pool.open == 0


async def test_requests_beyond_the_cap_wait_and_are_served_in_turn() -> None:
    async def script(talk: Talk) -> None:
        while True:
            await talk.answer(OK)

    async with peer(script) as server, transport(PoolLimits(per_origin=2)) as wire:
        bodies = await asyncio.gather(*[whole(wire, server) for _ in range(20)])

    assert bodies == [b"hi"] * 20
    assert server.accepted == 2


async def test_who_waits_gets_the_place_of_a_connection_that_died() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        if talk.number > 1:
            await talk.send(OK)

    async with peer(script) as server, transport(PoolLimits(per_origin=1)) as wire:
        first, second = await asyncio.gather(whole(wire, server), whole(wire, server), return_exceptions=True)

    assert isinstance(first, httpx.ReadError)
    assert second == b"hi"


async def test_waiting_for_a_place_has_a_deadline_and_leaves_nothing_behind() -> None:
    gate = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.request()
        await gate.wait()
        await talk.send(OK)
        await talk.left()

    async with peer(script) as server, transport(PoolLimits(per_origin=1)) as wire:
        first = asyncio.create_task(whole(wire, server))
        await settled(lambda: server.accepted == 1)
        with pytest.raises(httpx.PoolTimeout):
            await ask(wire, server, timeouts={"pool": 0.02})
        left = asyncio.create_task(whole(wire, server))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.wait({left})
        gate.set()

        assert await first == b"hi"
        assert wire.pool.open == 1


@pytest.mark.parametrize("seed", range(3))
async def test_no_place_is_lost_however_requests_are_cancelled(seed: int) -> None:
    chance = random.Random(seed)

    async def script(talk: Talk) -> None:
        while True:
            await talk.request()
            if chance.random() < 0.2:
                return
            await talk.send(CHUNKED + b"2\r\nhi\r\n")
            await asyncio.sleep(chance.choice([0, 0.001]))
            await talk.send(b"0\r\n\r\n")

    async with peer(script) as server, transport(PoolLimits(per_origin=3, total=3)) as wire:
        tasks = [asyncio.create_task(whole(wire, server)) for _ in range(150)]
        while running := [task for task in tasks if not task.done()]:
            chance.choice(running).cancel()
            await asyncio.sleep(chance.choice([0, 0, 0.001]))
            assert wire.pool.open <= 3
        await asyncio.wait(tasks)

        assert await whole_or_again(wire, server) == b"hi"
        assert {type(task.exception()) for task in tasks if not task.cancelled()} <= {type(None), httpx.ReadError}


async def whole_or_again(wire: PooledTransport, server: Peer) -> bytes:
    """The script dies at times: a place that works is what is asked for."""
    async with asyncio.timeout(CEILING):
        while True:
            with contextlib.suppress(httpx.ReadError):
                return await whole(wire, server)


async def test_the_cap_of_all_endpoints_makes_room_by_closing_the_oldest_idle_connection() -> None:
    async with (
        peer(lambda talk: talk.answer(OK, OK)) as one,
        peer(lambda talk: talk.answer(OK, OK)) as other,
        transport(PoolLimits(total=1)) as wire,
    ):
        assert await whole(wire, one) == b"hi"
        assert await whole(wire, other) == b"hi"
        async with asyncio.timeout(CEILING):
            await one.quiet.wait()

        assert wire.pool.open == 1


async def head(talk: Talk) -> None:
    await talk.request()
    await talk.left()


async def body(talk: Talk) -> None:
    await talk.request()
    await talk.send(CHUNKED + b"2\r\nhi\r\n")
    await talk.left()


async def unread(talk: Talk) -> None:
    await talk.reader.readexactly(1)
    talk.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a read transport too
    await asyncio.sleep(3600)


@pytest.mark.parametrize("stall", [head, body])
async def test_leaving_at_any_wait_closes_the_connection(stall: Callable[[Talk], Awaitable[None]]) -> None:
    async with peer(stall) as server, transport() as wire:
        task = asyncio.create_task(whole(wire, server))
        await settled(lambda: server.accepted == 1)
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        async with asyncio.timeout(CEILING):
            await server.quiet.wait()

        assert task.cancelled()
        await settled(lambda: wire.pool.open == 0)


async def test_a_peer_that_takes_nothing_meets_the_write_deadline() -> None:
    async with peer(unread) as server, transport() as wire:
        with pytest.raises(httpx.WriteTimeout):
            await ask(wire, server, b"x" * 32_000_000, {"write": 0.05})
        await settled(lambda: wire.pool.open == 0)


async def test_an_answer_before_the_whole_request_was_taken_is_heard_and_costs_the_connection() -> None:
    async def script(talk: Talk) -> None:
        await talk.reader.readexactly(1)
        talk.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a read transport too
        await talk.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await asyncio.sleep(3600)

    async with peer(script) as server, transport() as wire:
        response = await ask(wire, server, b"x" * 32_000_000)

        assert (response.status_code, await response.aread()) == (413, b"no")
        await settled(lambda: wire.pool.open == 0)


async def test_looking_up_a_name_counts_towards_the_connect_deadline() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        await asyncio.sleep(3600)
        return []

    guard = Guard(AllowList(["127.0.0.0/8", "a.example"]), resolve=resolve)
    async with transport(guard=guard) as wire:
        request = httpx.Request("GET", "http://a.example:1/", extensions={"timeout": {"connect": 0.02}})
        with pytest.raises(httpx.ConnectTimeout):
            await wire.handle_async_request(request)

        assert wire.pool.open == 0


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    guard = Guard(AllowList(["127.0.0.0/8", "a.example"]), resolve=resolve)
    async with peer(lambda talk: talk.answer(OK)) as server, transport(guard=guard) as wire:
        server.url = f"http://a.example:{server.port}"

        assert await whole(wire, server) == b"hi"


@pytest.mark.parametrize(
    ("method", "url"),
    [("HEAD", "http://127.0.0.1/"), ("CONNECT", "http://127.0.0.1/"), ("GET", "ws://127.0.0.1/"), ("GET", "/x")],
)
async def test_what_is_not_spoken_is_refused(method: str, url: str) -> None:
    async with transport() as wire:
        with pytest.raises(httpx.UnsupportedProtocol):
            await wire.handle_async_request(httpx.Request(method, url))


@pytest.mark.parametrize(
    "field",
    [
        (b"x y", b"1"),
        (b"x:y", b"1"),
        (b"", b"1"),
        (b"x\r\ny", b"1"),
        (b"x", b"1\n2"),
        (b"x", b"\0"),
        (b"x", b"1\r\ny: 2"),
    ],
)
async def test_a_field_that_is_none_is_not_sent(field: tuple[bytes, bytes]) -> None:
    async with peer(lambda talk: talk.left()) as server, transport() as wire:
        with pytest.raises(httpx.LocalProtocolError):
            await wire.handle_async_request(httpx.Request("GET", server.url, headers=[field]))

    assert server.accepted == 0


async def test_the_environment_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async with peer(lambda talk: talk.answer(OK)) as server, transport() as wire:
        client = httpx.AsyncClient(transport=wire, trust_env=False)
        assert (await client.get(server.url)).content == b"hi"


async def test_an_answer_that_is_forgotten_gives_its_connection_up() -> None:
    async with peer(body) as server, transport() as wire:
        response = await ask(wire, server)
        assert response.status_code == 200
        del response
        gc.collect()
        async with asyncio.timeout(CEILING):
            await server.quiet.wait()

        await settled(lambda: wire.pool.open == 0)


async def test_a_slow_reader_holds_the_peer_back_and_loses_nothing() -> None:
    size = 3_000_000
    sent = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (size * 10) + b"x" * size * 10)
        sent.set()

    async with peer(script) as server, transport() as wire:
        response = await ask(wire, server)
        done, waiting = await asyncio.wait({asyncio.create_task(sent.wait())}, timeout=0.1)
        assert not done
        for task in waiting:
            task.cancel()

        assert len(await response.aread()) == size * 10


async def test_no_descriptor_is_left_whatever_the_fate_of_requests() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        fate = talk.number % 6
        if fate == 0:
            await talk.send(OK)
            await talk.left()
        elif fate == 1:
            await talk.send(CHUNKED + b"2\r\nhi\r\n")
        elif fate == 2:
            talk.reset()
        elif fate == 3:
            await talk.send(b"garbage\r\n\r\n")
        elif fate == 4:
            await talk.send(CHUNKED + b"2\r\nhi\r\n")
            await talk.left()
        else:
            await talk.left()

    async def one() -> None:
        with contextlib.suppress(httpx.TransportError, TimeoutError):
            async with asyncio.timeout(0.05):
                await whole(wire, server)

    async with peer(script) as server, transport() as wire:
        before = descriptors()
        for _ in range(5):
            await asyncio.gather(*[one() for _ in range(24)])
        wire.pool.close()
        await settled(lambda: wire.pool.open == 0 and server.open == 0)

        assert server.accepted >= 24
        assert descriptors() <= before


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
