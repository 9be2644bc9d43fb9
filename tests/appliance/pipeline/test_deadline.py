"""A deadline of many tasks behaves as `asyncio.timeout` does, but for its grain."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.pipeline.deadline import Deadlines

TICK = 0.001
NEVER = 3600.0


async def test_a_block_that_takes_longer_ends_with_a_time_out() -> None:
    deadlines = Deadlines(TICK)

    with pytest.raises(TimeoutError), deadlines.within(0.005):
        await asyncio.sleep(NEVER)

    await asyncio.sleep(0)  # the task itself is not left cancelled


async def test_a_block_in_time_is_let_be() -> None:
    deadlines = Deadlines(TICK)

    with deadlines.within(0.005):
        await asyncio.sleep(0)
    await asyncio.sleep(0.02)


async def test_a_deadline_that_is_over_when_the_block_begins_ends_it() -> None:
    with pytest.raises(TimeoutError), Deadlines(TICK).within(-1.0):
        await asyncio.sleep(NEVER)


async def test_the_errors_of_a_block_are_its_own() -> None:
    with pytest.raises(KeyError), Deadlines(TICK).within(NEVER):
        raise KeyError


async def test_a_task_cancelled_by_somebody_else_stays_cancelled() -> None:
    async def work() -> None:
        with Deadlines(TICK).within(NEVER):
            await asyncio.sleep(NEVER)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_cancelled_by_both_stays_cancelled() -> None:
    async def work() -> None:
        with Deadlines(TICK).within(-1.0):
            try:
                await asyncio.sleep(NEVER)
            finally:
                task.cancel()

    task = asyncio.create_task(work())

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_of_two_blocks_the_one_that_is_late_ends() -> None:
    deadlines = Deadlines(TICK)
    with deadlines.within(NEVER), pytest.raises(TimeoutError), deadlines.within(0.005):
        await asyncio.sleep(NEVER)
    with pytest.raises(TimeoutError), deadlines.within(0.005), deadlines.within(NEVER):
        await asyncio.sleep(NEVER)


async def test_many_tasks_each_meet_their_own() -> None:
    deadlines = Deadlines(TICK)

    async def work(seconds: float) -> bool:
        try:
            with deadlines.within(seconds):
                await asyncio.sleep(0.2)
        except TimeoutError:
            return False
        return True

    assert await asyncio.gather(*(work(seconds) for seconds in (0.01, NEVER, 0.02, NEVER))) == [
        False,
        True,
        False,
        True,
    ]


async def test_without_work_there_is_no_timer() -> None:
    deadlines = Deadlines(TICK)
    with deadlines.within(NEVER):
        pass
    for _ in range(100):
        if not deadlines.ticking:
            break
        await asyncio.sleep(TICK)

    assert not deadlines.ticking


@settings(deadline=None)
@given(st.lists(st.sampled_from(["inner", "outer", "cancel", "error"]), max_size=3))
def test_it_ends_a_task_as_asyncios_own_does(faults: list[str]) -> None:
    def block(within: Callable[[float], AbstractAsyncContextManager[object]]) -> str:
        async def work() -> None:
            task = asyncio.current_task()
            assert task is not None
            outer, inner = (within(-1.0 if which in faults else NEVER) for which in ("outer", "inner"))
            async with outer, inner:
                try:
                    if "inner" in faults or "outer" in faults:
                        await asyncio.sleep(NEVER)
                finally:
                    if "cancel" in faults:
                        task.cancel()
                    if "error" in faults:
                        raise KeyError
                await asyncio.sleep(0)

        async def outcome() -> str:
            try:
                await asyncio.create_task(work())
            except BaseException as error:  # noqa: BLE001 -- what it is, is what is compared
                return type(error).__name__
            return "done"

        return asyncio.run(outcome())

    deadlines = Deadlines(TICK)

    assert block(lambda seconds: _awaited(deadlines.within(seconds))) == block(asyncio.timeout)


@asynccontextmanager
async def _awaited(block: AbstractContextManager[None]) -> AsyncIterator[None]:
    with block:
        yield
