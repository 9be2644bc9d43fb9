"""What every adapter to the data path and the control path promises (`ports.upstream`), against an emulated vLLM."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from appliance.domain.ids import ModelName, ProviderName
from appliance.domain.model import Deployment, Timeouts
from appliance.domain.secret import Secret
from appliance.domain.upstream import FailureKind, Part, UpstreamError
from appliance.egress.client import EgressFetch, EgressUpstream
from appliance.egress.guard import AllowList, Guard
from appliance.egress.transport import PooledTransport
from appliance.ports.upstream import Exchange, Fetch, Upstream
from providers.simulated import Fault, Simulated, VllmSettings, vllm

CEILING = 20.0
LIMIT = 1_000_000


@pytest.fixture
async def server() -> AsyncIterator[Simulated]:
    async with vllm(VllmSettings(models=("tiny",), api_keys=("s3cret",), tokens=8)) as emulated:
        yield emulated


@pytest.fixture
async def transport() -> AsyncIterator[PooledTransport]:
    made = PooledTransport(Guard(AllowList()))
    yield made
    await made.aclose()


@pytest.fixture(params=["egress"])
def upstream(request: pytest.FixtureRequest, transport: PooledTransport) -> Upstream:
    return EgressUpstream(transport)


@pytest.fixture(params=["egress"])
def fetch(request: pytest.FixtureRequest, transport: PooledTransport) -> Fetch:
    return EgressFetch(transport)


@pytest.fixture
def to(server: Simulated) -> Deployment:
    return deployment(server.url)


def deployment(url: str, **changes: float) -> Deployment:
    return Deployment(
        model=ModelName("m"),
        label="a",
        provider=ProviderName("vllm"),
        url=url,
        upstream_model="tiny",
        timeouts=Timeouts(**{"connect": CEILING, "between_chunks": CEILING} | changes),
        secret=Secret("s3cret"),
    )


def chat(*, stream: bool) -> Part:
    body = {"model": "tiny", "messages": [{"role": "user", "content": "hello"}], "stream": stream}
    return Part(path="/v1/chat/completions", headers=((b"x-request-id", b"req_1"),), body=json.dumps(body).encode())


async def drain(exchange: Exchange) -> bytes:
    heard = b""
    while data := await exchange.next():
        heard += data
    return heard


async def test_a_whole_answer_is_read(upstream: Upstream, server: Simulated, to: Deployment) -> None:
    exchange = await upstream.open(to, chat(stream=False))
    body = json.loads(await exchange.read(LIMIT))
    exchange.close()

    assert exchange.status == 200
    assert exchange.header("content-type") == "application/json"
    assert exchange.header("x-not-there") is None
    assert body["choices"][0]["finish_reason"]
    assert server.seen[-1].headers["x-request-id"] == "req_1"
    assert server.seen[-1].headers["content-type"] == "application/json"


async def test_a_stream_is_read_to_its_clean_end(upstream: Upstream, server: Simulated, to: Deployment) -> None:
    exchange = await upstream.open(to, chat(stream=True))
    heard = await drain(exchange)

    assert heard.endswith(b"data: [DONE]\n\n")
    assert await exchange.next() == b""
    exchange.close()
    exchange.close()
    assert server.stats.finished == 1
    assert server.stats.aborted == 0


async def test_an_error_status_is_an_answer_like_any_other(
    upstream: Upstream, server: Simulated, to: Deployment
) -> None:
    server.faults.set(Fault.OVERLOAD)

    exchange = await upstream.open(to, chat(stream=False))

    assert exchange.status == 503
    assert json.loads(await exchange.read(LIMIT))["error"]


async def test_a_redirect_is_not_followed(upstream: Upstream, server: Simulated, to: Deployment) -> None:
    server.faults.set(Fault.REDIRECT)

    exchange = await upstream.open(to, chat(stream=False))
    exchange.close()

    assert exchange.status == 307
    assert server.stats.requests == 1


async def test_closing_early_aborts_the_generation(upstream: Upstream, server: Simulated, to: Deployment) -> None:
    server.faults.set(Fault.STALL_MID_STREAM)

    exchange = await upstream.open(to, chat(stream=True))
    assert await exchange.next()
    exchange.close()

    async with asyncio.timeout(CEILING):
        await server.until(lambda stats: stats.aborted == 1 and stats.live == 0)


@pytest.mark.parametrize("fault", [Fault.STALL_BEFORE_HEADERS, Fault.STALL_MID_STREAM])
async def test_cancelling_a_wait_aborts_the_generation(
    upstream: Upstream, server: Simulated, to: Deployment, fault: Fault
) -> None:
    server.faults.set(fault)

    async def ask() -> None:
        exchange = await upstream.open(to, chat(stream=True))
        try:
            await drain(exchange)
        finally:
            exchange.close()

    task = asyncio.create_task(ask())
    async with asyncio.timeout(CEILING):
        await server.until(lambda stats: stats.live == 1)
        task.cancel()
        await server.until(lambda stats: stats.aborted == 1 and stats.live == 0)

    assert task.cancelled() or task.cancelling()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.RESET_BEFORE_HEADERS, FailureKind.DEAD),
        (Fault.CLOSE_BEFORE_HEADERS, FailureKind.DEAD),
        (Fault.GARBAGE, FailureKind.PROTOCOL),
        (Fault.HUGE_HEADERS, FailureKind.PROTOCOL),
        (Fault.BOTH_LENGTHS, FailureKind.PROTOCOL),
        (Fault.GZIP, FailureKind.PROTOCOL),
    ],
)
async def test_an_answer_that_never_begins_is_told_by_its_kind(
    upstream: Upstream, server: Simulated, to: Deployment, fault: Fault, kind: FailureKind
) -> None:
    server.faults.set(fault)

    with pytest.raises(UpstreamError) as caught:
        await upstream.open(to, chat(stream=False))

    assert caught.value.failure.kind is kind


@pytest.mark.parametrize("fault", [Fault.RESET_MID_STREAM, Fault.CLOSE_MID_CHUNK])
async def test_a_stream_that_breaks_gives_what_came_and_is_dead(
    upstream: Upstream, server: Simulated, to: Deployment, fault: Fault
) -> None:
    server.faults.set(fault)

    exchange = await upstream.open(to, chat(stream=True))
    with pytest.raises(UpstreamError) as caught:
        await drain(exchange)
    exchange.close()

    assert caught.value.failure.kind is FailureKind.DEAD


async def test_a_body_shorter_than_promised_is_dead(upstream: Upstream, server: Simulated, to: Deployment) -> None:
    server.faults.set(Fault.SHORT_BODY)

    exchange = await upstream.open(to, chat(stream=False))
    with pytest.raises(UpstreamError) as caught:
        await exchange.read(LIMIT)

    assert caught.value.failure.kind is FailureKind.DEAD


@pytest.mark.parametrize("fault", [Fault.CLOSE_DELIMITED, Fault.EARLY_HINTS, Fault.SLOW_DRIP])
async def test_odd_but_sound_framing_gives_the_same_answer(
    upstream: Upstream, server: Simulated, to: Deployment, fault: Fault
) -> None:
    plain = json.loads(await (await upstream.open(to, chat(stream=False))).read(LIMIT))
    server.faults.set(fault, times=1)

    exchange = await upstream.open(to, chat(stream=False))
    odd = json.loads(await exchange.read(LIMIT))
    exchange.close()
    after = await upstream.open(to, chat(stream=False))

    assert (exchange.status, odd["choices"]) == (200, plain["choices"])
    assert json.loads(await after.read(LIMIT))["choices"] == plain["choices"]


async def test_bytes_beyond_what_was_promised_are_nobodys_answer(
    upstream: Upstream, server: Simulated, to: Deployment
) -> None:
    server.faults.set(Fault.LONG_BODY, times=1)

    exchange = await upstream.open(to, chat(stream=False))
    body = await exchange.read(LIMIT)
    exchange.close()
    after = await upstream.open(to, chat(stream=False))

    assert str(len(body)) == exchange.header("content-length")
    assert json.loads(await after.read(LIMIT))["choices"]
    assert server.stats.connections == 2


async def test_silence_between_chunks_is_a_timeout(upstream: Upstream, server: Simulated) -> None:
    server.faults.set(Fault.STALL_MID_STREAM)

    exchange = await upstream.open(deployment(server.url, between_chunks=0.05), chat(stream=True))
    with pytest.raises(UpstreamError) as caught:
        await drain(exchange)

    assert caught.value.failure.kind is FailureKind.TIMEOUT


async def test_an_answer_longer_than_its_limit_is_refused_and_cut(
    upstream: Upstream, server: Simulated, to: Deployment
) -> None:
    exchange = await upstream.open(to, chat(stream=False))
    with pytest.raises(UpstreamError) as caught:
        await exchange.read(10)

    assert caught.value.failure.kind is FailureKind.PROTOCOL


async def test_an_idle_connection_closed_as_it_is_used_again_costs_nobody_an_answer(
    upstream: Upstream, server: Simulated, to: Deployment
) -> None:
    await (await upstream.open(to, chat(stream=False))).read(LIMIT)
    server.faults.set(Fault.CLOSE_IDLE, times=1)

    exchange = await upstream.open(to, chat(stream=False))

    assert json.loads(await exchange.read(LIMIT))["choices"]
    assert server.stats.connections == 2


async def test_an_endpoint_that_is_gone_is_dead(upstream: Upstream, server: Simulated, to: Deployment) -> None:
    await server.stop()

    with pytest.raises(UpstreamError) as caught:
        await upstream.open(to, chat(stream=False))

    assert caught.value.failure.kind is FailureKind.DEAD


async def test_one_connection_serves_one_request_after_another(
    upstream: Upstream, server: Simulated, to: Deployment
) -> None:
    for _ in range(10):
        exchange = await upstream.open(to, chat(stream=True))
        await drain(exchange)
        exchange.close()

    assert server.stats.connections == 1


async def test_what_is_no_longer_configured_keeps_no_idle_connection(
    upstream: Upstream, server: Simulated, to: Deployment
) -> None:
    for keep, connections in ((frozenset({to.url}), 1), (frozenset[str](), 2)):
        await (await upstream.open(to, chat(stream=False))).read(LIMIT)
        upstream.forget(keep)
        await (await upstream.open(to, chat(stream=False))).read(LIMIT)
        assert server.stats.connections == connections


async def test_a_control_request_is_fetched_whole(fetch: Fetch, to: Deployment) -> None:
    models = await fetch.fetch(to, "/v1/models")
    health = await fetch.fetch(to, "/health")

    assert models.status == 200
    assert models.headers["content-type"] == "application/json"
    assert json.loads(models.body)["data"][0]["id"] == "tiny"
    assert health.status == 200


async def test_a_stranger_is_told_so(fetch: Fetch, to: Deployment) -> None:
    assert (await fetch.fetch(to, "/v1/models", credential=False)).status == 401


async def test_a_body_makes_it_a_post(fetch: Fetch, server: Simulated, to: Deployment) -> None:
    got = await fetch.fetch(to, "/tokenize", body=b'{"model": "tiny", "prompt": "hello"}')

    assert got.status == 200
    assert server.seen[-1].method == "POST"


async def test_a_control_request_to_nobody_is_dead(fetch: Fetch, server: Simulated, to: Deployment) -> None:
    await server.stop()

    with pytest.raises(UpstreamError) as caught:
        await fetch.fetch(to, "/health")

    assert caught.value.failure.kind is FailureKind.DEAD
