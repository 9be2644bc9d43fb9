import asyncio

import pytest

from appliance.domain.ledger import Status
from appliance.http.live import Live, Running
from tests.fakes.gate import PATIENCE, Gate


class Request:
    """A task that waits to be ended."""

    def __init__(self, live: Live) -> None:
        self._gate = Gate()
        self.task = asyncio.ensure_future(self._gate.wait())
        self.running: Running = live.add(self.task)

    async def over(self) -> bool:
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([self.task])
        return self.task.cancelled()


async def test_a_request_is_known_until_it_is_removed() -> None:
    live = Live()
    request = Request(live)

    assert (len(live), list(live)) == (1, [request.running])
    live.remove(request.running)
    live.remove(request.running)
    assert len(live) == 0
    request.task.cancel()


async def test_a_stop_ends_every_request_and_says_why() -> None:
    live = Live()
    requests = [Request(live) for _ in range(3)]

    live.stop()

    assert [await request.over() for request in requests] == [True] * 3
    assert [request.running.reason for request in requests] == [Status.STOPPED] * 3


async def test_the_first_reason_counts() -> None:
    live = Live()
    request = Request(live)

    request.running.end(Status.GONE)
    request.running.end(Status.STOPPED)

    assert await request.over()
    assert request.running.reason is Status.GONE


async def test_an_answered_request_is_not_ended() -> None:
    live = Live()
    request = Request(live)
    request.running.answered = True

    live.stop()

    await asyncio.sleep(0)
    assert not request.task.done()
    assert request.running.reason is None
    request.task.cancel()


async def test_draining_refuses_new_requests_and_leaves_the_others() -> None:
    live = Live()
    request = Request(live)

    live.drain()

    assert live.stopping
    assert not request.task.done()
    request.task.cancel()


async def test_the_watch_ends_what_has_outlived_its_deadline_and_nothing_else() -> None:
    live = Live()
    late, timely, endless = Request(live), Request(live), Request(live)
    now = asyncio.get_running_loop().time()
    late.running.until, timely.running.until = now - 1, now + 1000

    watch = asyncio.ensure_future(live.watch(every=0))

    assert await late.over()
    assert late.running.reason is Status.FAILED
    assert not timely.task.done()
    assert not endless.task.done()
    for task in (watch, timely.task, endless.task):
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watch
