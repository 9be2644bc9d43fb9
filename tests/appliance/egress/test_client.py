import asyncio
import gc
import traceback

import pytest

from appliance.domain.model import Timeouts
from appliance.domain.upstream import FailureKind, Part, UpstreamError
from appliance.egress.client import EgressFetch, EgressUpstream
from appliance.egress.guard import AllowList, Guard
from appliance.egress.pool import PoolLimits
from appliance.egress.transport import PooledTransport
from appliance.egress.wire import Connection
from tests.appliance.egress.peer import CEILING, OK, Talk, deployment, peer, settled, transport

HELLO = Part(path="/v1/chat", body=b'{"a":1}')


async def test_a_part_is_sent_with_its_headers_body_and_credential() -> None:
    seen: list[bytes] = []

    async def script(talk: Talk) -> None:
        seen.append(await talk.request())
        await talk.send(OK)

    async with peer(script) as server, transport() as wire:
        exchange = await EgressUpstream(wire).open(
            server.deployment(), Part(path="/v1/chat", headers=((b"x-request-id", b"r1"),), body=b"{}")
        )
        body = await exchange.read(10)

    head, _, sent = seen[0].partition(b"\r\n\r\n")
    assert (exchange.status, body, sent) == (200, b"hi", b"{}")
    assert head.split(b"\r\n")[0] == b"POST /v1/chat HTTP/1.1"
    assert sorted(head.lower().split(b"\r\n")[1:]) == [
        b"accept-encoding: identity",
        b"accept: */*",
        b"authorization: bearer s3cret-value",
        b"content-length: 2",
        b"content-type: application/json",
        b"host: 127.0.0.1:%d" % server.port,
        b"x-request-id: r1",
    ]


async def test_a_stream_is_handed_over_as_it_comes_and_its_connection_is_used_again() -> None:
    async def script(talk: Talk) -> None:
        for _ in range(2):
            await talk.request()
            await talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Load: 1\r\nX-Load: 2\r\n\r\n")
            for word in (b"one", b"two"):
                await talk.send(b"3\r\n" + word + b"\r\n")
            await talk.send(b"0\r\n\r\n")
        await talk.left()

    async with peer(script) as server, transport() as wire:
        upstream = EgressUpstream(wire)
        for _ in range(2):
            exchange = await upstream.open(server.deployment(), HELLO)
            heard = b""
            while data := await exchange.next():
                heard += data
            assert heard == b"onetwo"
            assert await exchange.next() == b""
            assert exchange.header("x-load") == "1"
            assert exchange.header("x-none") is None

    assert server.accepted == 1


async def test_closing_a_stream_early_aborts_the_generation() -> None:
    seen = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await talk.left()
        seen.set()

    async with peer(script) as server, transport() as wire:
        exchange = await EgressUpstream(wire).open(server.deployment(), HELLO)
        assert await exchange.next() == b"one"
        exchange.close()
        exchange.close()
        async with asyncio.timeout(CEILING):
            await seen.wait()
        assert await exchange.next() == b""


async def _ask(url: str, wire: PooledTransport) -> bytes:
    return await (await EgressUpstream(wire).open(deployment(url), HELLO)).read(1000)


async def _kind(url: str, wire: PooledTransport) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await _ask(url, wire)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", FailureKind.DEAD),
        (b"HTTP/1.1 200 OK\r\ncontent-le", FailureKind.DEAD),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhi", FailureKind.DEAD),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhi", FailureKind.DEAD),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n", FailureKind.DEAD),
        (b"SSH-2.0-x\r\n", FailureKind.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nhi", FailureKind.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n" + b"x" * 2000, FailureKind.PROTOCOL),
    ],
)
async def test_a_broken_answer_is_told_by_its_kind(answer: bytes, kind: FailureKind) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.send(answer)

    async with peer(script) as server, transport() as wire:
        error = await _kind(server.url, wire)

    assert error.failure.kind is kind


async def test_a_port_nobody_listens_on_is_dead() -> None:
    async with peer(lambda talk: talk.left()) as server:
        pass
    async with transport() as wire:
        error = await _kind(server.url, wire)

    assert error.failure.kind is FailureKind.DEAD
    assert f"127.0.0.1:{server.port}" in error.failure.message


@pytest.mark.parametrize("url", ["http://10.0.0.1:8000", "http://gpu.site.example:80", "http://u@127.0.0.1", "ftp://x"])
async def test_what_the_guard_refuses_is_never_dialled(url: str) -> None:
    async with transport() as wire:
        error = await _kind(url, wire)

    assert error.failure.kind in {FailureKind.DEAD, FailureKind.PROTOCOL}


async def test_a_silent_stream_times_out_and_a_slow_first_byte_does_not() -> None:
    gate = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.request()
        await gate.wait()
        await talk.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
        await talk.left()

    async with peer(script) as server, transport() as wire:
        to = server.deployment(timeouts=Timeouts(connect=CEILING, between_chunks=0.05))
        opening = asyncio.create_task(EgressUpstream(wire).open(to, HELLO))
        done, _ = await asyncio.wait({opening}, timeout=0.2)
        assert not done
        gate.set()
        exchange = await opening
        assert await exchange.next() == b"hi"
        with pytest.raises(UpstreamError) as caught:
            await exchange.next()

    assert caught.value.failure.kind is FailureKind.TIMEOUT


async def test_a_full_pool_says_overload() -> None:
    async with peer(lambda talk: talk.left()) as server, transport(PoolLimits(per_origin=1)) as wire:
        upstream = EgressUpstream(wire)
        first = asyncio.create_task(upstream.open(server.deployment(), HELLO))
        await settled(lambda: server.accepted == 1)
        with pytest.raises(UpstreamError) as caught:
            await upstream.open(server.deployment(), HELLO)
        first.cancel()
        await asyncio.wait({first})

    assert caught.value.failure.kind is FailureKind.OVERLOAD


async def test_the_credential_is_in_no_error_and_no_repr() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.send(b"nonsense\r\n\r\n")

    async with peer(script) as server, transport() as wire:
        error = await _kind(server.url, wire)
        with pytest.raises(UpstreamError) as fetched:
            await EgressFetch(wire).fetch(server.deployment(), "/health")

    for caught in (error, fetched.value):
        told = "".join(traceback.format_exception(caught)) + repr(caught) + repr(caught.failure)
        assert "s3cret" not in told


async def test_a_header_with_a_line_break_is_not_sent() -> None:
    async with peer(lambda talk: talk.left()) as server, transport() as wire:
        with pytest.raises(UpstreamError) as caught:
            await EgressUpstream(wire).open(
                server.deployment(), Part(path="/v1", headers=((b"x-a", b"b\r\nx-c: d"),), body=b"{}")
            )

    assert caught.value.failure.kind is FailureKind.PROTOCOL


async def test_forgetting_closes_idle_connections_to_what_is_no_longer_configured() -> None:
    async with (
        peer(lambda talk: talk.answer(OK, OK)) as kept,
        peer(lambda talk: talk.answer(OK, OK)) as gone,
        transport() as wire,
    ):
        upstream = EgressUpstream(wire)
        for server in (kept, gone):
            assert await (await upstream.open(server.deployment(), HELLO)).read(10) == b"hi"
        upstream.forget(frozenset({kept.url}))
        async with asyncio.timeout(CEILING):
            await gone.quiet.wait()
        assert await (await upstream.open(kept.deployment(), HELLO)).read(10) == b"hi"

        assert kept.accepted == 1


async def test_a_fetch_reads_a_small_answer_and_can_go_without_the_credential() -> None:
    seen: list[bytes] = []

    async def script(talk: Talk) -> None:
        for _ in range(3):
            seen.append((await talk.request()).lower())
            await talk.send(
                b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nX-A: b\r\ncontent-length: 2\r\n\r\nhi"
            )

    async with peer(script) as server, transport() as wire:
        fetch = EgressFetch(wire)
        got = await fetch.fetch(server.deployment(), "/health")
        await fetch.fetch(server.deployment(), "/health", credential=False)
        await fetch.fetch(server.deployment(url=server.url + "/base/"), "/show", body=b"{}")

    assert (got.status, got.headers["x-a"], got.body) == (307, "b", b"hi")
    assert b"authorization: bearer s3cret-value" in seen[0]
    assert b"authorization" not in seen[1]
    assert seen[2].startswith(b"post /base/show http/1.1")
    assert seen[2].endswith(b"\r\n\r\n{}")
    assert all(b"accept-encoding: identity" in text for text in seen)
    assert all(b"gzip" not in text for text in seen)


async def test_a_fetch_ends_at_its_deadline_however_slowly_bytes_drip() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await talk.send(b"x")
            await asyncio.sleep(0.01)

    async with peer(script) as server, transport() as wire:
        with pytest.raises(UpstreamError) as caught:
            await EgressFetch(wire).fetch(server.deployment(), "/health", timeout=0.2)
        async with asyncio.timeout(CEILING):
            await server.quiet.wait()

    assert caught.value.failure.kind is FailureKind.TIMEOUT


async def test_a_fetch_of_more_than_it_may_hold_is_refused() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000_000)

    async with peer(script) as server, transport() as wire:
        with pytest.raises(UpstreamError) as caught:
            await EgressFetch(wire).fetch(server.deployment(), "/metrics")

    assert caught.value.failure.kind is FailureKind.PROTOCOL


async def test_a_name_is_dialled_at_the_address_that_was_checked_and_keeps_its_host_header() -> None:
    asked: list[str] = []
    seen: list[bytes] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async def script(talk: Talk) -> None:
        seen.append(await talk.request())
        await talk.send(OK)

    guard = Guard(AllowList(["127.0.0.0/8", "gpu.site.example"]), resolve=resolve)
    async with peer(script) as server, transport(guard=guard) as wire:
        to = server.deployment(url=f"http://gpu.site.example:{server.port}")
        assert await (await EgressUpstream(wire).open(to, HELLO)).read(10) == b"hi"

    assert asked == ["gpu.site.example"]
    assert b"host: gpu.site.example:%d\r\n" % server.port in seen[0].lower()


async def test_a_closed_connection_leaves_nothing_to_the_collector() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await talk.left()

    gc.collect()
    gc.disable()
    try:
        async with peer(script) as server, transport() as wire:
            exchange = await EgressUpstream(wire).open(server.deployment(), HELLO)
            assert await exchange.next() == b"one"
            exchange.close()
            await settled(lambda: wire.pool.open == 0)
            del exchange

        left = [one for one in gc.get_objects() if isinstance(one, Connection)]
    finally:
        gc.enable()

    assert left == []
