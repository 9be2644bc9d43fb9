"""The supervisor's own logic, over scripted workers: real processes, no libraries in them."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.errors import RedactionUnavailable, Unable
from appliance.domain.privacy import Analysis, Entity, Finding
from appliance.redaction.pool import PooledAnalyser, PoolSettings, environment
from appliance.redaction.wire import MOST_ANALYSES
from tests.fakes.privacy_worker import MARK, command

NAMES = Analysis(entities=(Entity("PERSON"),))
FOUND = (Finding(6, 6 + len(MARK), Entity("PERSON"), 0.9),)
HELLO = f"Dear, {MARK}"
LONG = 60.0  # seconds nobody waits for


@asynccontextmanager
async def pool(*arguments: str, **settings: Any) -> AsyncIterator[PooledAnalyser]:
    told = PoolSettings(**{"wait_s": LONG, "deadline_s": LONG, "backoff_s": 0.01, **settings})
    async with PooledAnalyser(told, command("scripted", *arguments), environment()) as made:
        yield made


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 -- a process ends when it ends
        await asyncio.sleep(0.01)


async def test_findings_come_back_for_each_text_in_order() -> None:
    async with pool() as analyser:
        assert await analyser.find(NAMES, ["nobody", HELLO, "", HELLO]) == [(), FOUND, (), FOUND]
        assert analyser.model == "fake-1@abc"


async def test_a_large_request_is_split_over_the_workers() -> None:
    async with pool(task_chars=40) as analyser:
        texts = [f"{number:6}{MARK}" for number in range(100)]

        assert await analyser.find(NAMES, texts) == [FOUND] * 100


@pytest.mark.parametrize("fault", ["die", "garbage", "huge", "closed", "stale", "outside", "unknown", "crossing"])
async def test_a_worker_that_dies_or_speaks_nonsense_is_replaced_and_its_task_fails(fault: str) -> None:
    async with pool(workers=1) as analyser:
        await analyser.find(NAMES, ["first"])
        before = analyser.pids

        with pytest.raises(RedactionUnavailable):
            await analyser.find(NAMES, [fault])

        assert await analyser.find(NAMES, [HELLO]) == [FOUND]
        assert before != analyser.pids
        with pytest.raises(ProcessLookupError):
            os.kill(before[0], 0)


async def test_a_worker_that_overruns_is_killed_while_the_others_go_on() -> None:
    async with pool(workers=2, deadline_s=0.4) as analyser:
        await until(lambda: len(analyser.pids) == 2)
        hung = asyncio.create_task(analyser.find(NAMES, ["hang"]))
        await asyncio.sleep(0)

        for number in range(20):
            assert await analyser.find(NAMES, [f"{number:6}{MARK}"]) == [FOUND]
        with pytest.raises(RedactionUnavailable, match="could not be analysed within") as refused:
            await hung

        assert (refused.value.retry_after, refused.value.why) == (1.0, Unable.DEADLINE)
        await until(lambda: len(analyser.pids) == 2)


async def test_what_waits_behind_a_worker_that_hangs_is_done_by_the_next() -> None:
    async with pool(workers=1, deadline_s=0.5) as analyser:
        await until(lambda: analyser.ready)
        hung = asyncio.create_task(analyser.find(NAMES, ["hang"]))
        behind = [asyncio.create_task(analyser.find(NAMES, [f"{number:6}{MARK}"])) for number in range(5)]

        assert await asyncio.gather(*behind) == [[FOUND]] * 5
        with pytest.raises(RedactionUnavailable):
            await hung


async def test_a_request_has_one_deadline_for_all_of_its_tasks() -> None:
    async with pool(workers=1, deadline_s=0.6, task_chars=10) as analyser:
        await until(lambda: analyser.ready)
        with pytest.raises(RedactionUnavailable, match="texts of a request") as refused:
            await analyser.find(NAMES, [f"slow {number}" for number in range(10)])

        assert refused.value.retry_after == 1.0
        assert analyser.replaced == 0


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_again() -> None:
    async with pool("silent", workers=1, queue=2) as analyser:
        waiting = [asyncio.create_task(analyser.find(NAMES, [f"text {number}"])) for number in range(2)]
        await asyncio.sleep(0)

        with pytest.raises(RedactionUnavailable, match="try again") as refused:
            await analyser.find(NAMES, ["one too many"])

        assert (refused.value.retry_after, refused.value.why) == (1.0, Unable.BUSY)
        for one in waiting:
            one.cancel()


async def test_a_cancelled_request_gives_up_its_place() -> None:
    async with pool("silent", workers=1, queue=1) as analyser:
        first = asyncio.create_task(analyser.find(NAMES, ["first"]))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)

        second = asyncio.create_task(analyser.find(NAMES, ["second"]))
        await asyncio.sleep(0)

        assert not second.done()
        second.cancel()


async def test_a_task_no_worker_takes_in_time_is_refused() -> None:
    async with pool("silent", workers=1, wait_s=0.05) as analyser:
        with pytest.raises(RedactionUnavailable, match="no worker became free"):
            await analyser.find(NAMES, ["hello"])
        assert not analyser.ready


async def test_what_waits_for_a_worker_that_will_not_run_is_told_why_at_once() -> None:
    async with pool("refuse", workers=1, wait_s=600) as analyser:
        with pytest.raises(RedactionUnavailable, match="no worker runs: the model is another") as refused:
            await analyser.find(NAMES, ["hello"])

    assert refused.value.why is Unable.WORKER


@pytest.mark.parametrize(("start", "told"), [("refuse", "the model is another"), ("die", "exit 3; last words")])
async def test_a_worker_that_will_not_start_says_why_and_is_tried_again_ever_later(
    start: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    def tries() -> int:
        return sum("could not be started" in one.message for one in caplog.records)

    async with pool(start, workers=1) as analyser:
        began = asyncio.get_running_loop().time()
        await until(lambda: tries() == 5)
        took = asyncio.get_running_loop().time() - began

        with pytest.raises(RedactionUnavailable, match=told):
            await analyser.find(NAMES, ["hello"])

    assert took > 0.01 + 0.02 + 0.04 + 0.08


async def test_a_worker_is_replaced_after_so_many_tasks_by_one_that_is_ready() -> None:
    async with pool(workers=1, most_tasks=3) as analyser:
        seen: list[int] = []
        for number in range(400):
            assert await analyser.find(NAMES, [f"{number:6}{MARK}"]) == [FOUND]
            if (pid := analyser.pids[0]) not in seen:
                seen.append(pid)
            if len(seen) == 3:
                break
            await asyncio.sleep(0.01)

        assert len(seen) == 3
        assert analyser.replaced == 0


async def test_a_worker_that_holds_too_much_memory_is_replaced() -> None:
    async with pool("fat", workers=1) as analyser:
        await analyser.find(NAMES, ["first"])
        before = analyser.pids

        await until(lambda: bool(analyser.pids) and analyser.pids != before)


async def test_a_worker_killed_while_it_waits_is_replaced() -> None:
    async with pool(workers=1) as analyser:
        await until(lambda: analyser.ready)
        before = analyser.pids
        os.kill(before[0], signal.SIGKILL)

        await until(lambda: bool(analyser.pids) and analyser.pids != before)
        assert await analyser.find(NAMES, [HELLO]) == [FOUND]


async def test_a_worker_that_is_lost_is_replaced_by_the_spare_and_the_spare_by_another() -> None:
    async with pool(workers=1, spares=1) as analyser:
        for _ in range(3):
            await until(lambda: bool(analyser.pids and analyser.spares))
            [lost], [spare] = analyser.pids, analyser.spares
            os.kill(lost, signal.SIGKILL)
            await ended(lost)

            assert await analyser.find(NAMES, [HELLO]) == [FOUND]
            assert analyser.pids == (spare,)
        assert analyser.replaced == 3


async def ended(pid: int) -> None:
    """Until the pool has buried it."""
    await until(lambda: str(pid) not in children())


async def test_a_spare_is_nobody_s_to_ask_and_is_kept_once_every_worker_runs() -> None:
    async with pool(workers=2, spares=2) as analyser:
        await until(lambda: len(analyser.spares) == 2)

        assert len(analyser.pids) == 2
        assert not set(analyser.spares) & set(analyser.pids)


async def test_a_spare_that_dies_is_replaced_and_no_request_sees_it() -> None:
    async with pool(workers=1, spares=1) as analyser:
        await until(lambda: bool(analyser.spares))
        serving, spare = analyser.pids, analyser.spares
        os.kill(spare[0], signal.SIGKILL)
        await until(lambda: bool(analyser.spares) and analyser.spares != spare)

        assert (analyser.pids, analyser.replaced) == (serving, 1)
        with pytest.raises(ProcessLookupError):
            os.kill(spare[0], 0)


async def test_more_workers_lost_than_there_are_spares_are_all_replaced() -> None:
    async with pool(workers=3, spares=1) as analyser:
        await until(lambda: len(analyser.pids) == 3 and bool(analyser.spares))
        lost, spare = analyser.pids, analyser.spares
        for pid in lost:
            os.kill(pid, signal.SIGKILL)
        await until(lambda: len(set(analyser.pids) - set(lost)) == 3 and bool(analyser.spares))

        assert spare[0] in analyser.pids
        assert analyser.replaced == 3


async def test_a_worn_worker_is_replaced_by_the_spare() -> None:
    async with pool(workers=1, spares=1, most_tasks=3) as analyser:
        await until(lambda: bool(analyser.pids and analyser.spares))
        spare = analyser.spares
        for number in range(3):
            await analyser.find(NAMES, [f"{number:6}{MARK}"])

        await until(lambda: analyser.pids == spare)
        assert analyser.replaced == 0


@pytest.mark.parametrize("start", ["well", "silent"])
async def test_closing_leaves_no_spare_loaded_or_loading(start: str) -> None:
    before = children()
    async with pool(start, workers=1, spares=1) as analyser:
        await until(lambda: bool(analyser.spares if start == "well" else children() - before))
        await analyser.close()

        assert (analyser.pids, analyser.spares) == ((), ())
    assert children() - before == set()


def children() -> set[str]:
    """Of this process, whichever thread started them."""
    return {pid for told in Path("/proc/self/task").glob("*/children") for pid in told.read_text().split()}


async def test_closing_fails_what_waits_and_leaves_no_process() -> None:
    async with pool(workers=2) as analyser:
        await until(lambda: len(analyser.pids) == 2)
        pids = analyser.pids
        stuck = [asyncio.create_task(analyser.find(NAMES, [f"hang {number}"])) for number in range(4)]
        await asyncio.sleep(0.05)
        await analyser.close()

        ended = await asyncio.gather(*stuck, return_exceptions=True)

    assert {type(one) for one in ended} == {RedactionUnavailable}
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(RedactionUnavailable):
        await analyser.find(NAMES, ["too late"])


async def test_more_analyses_than_a_worker_keeps_are_told_again() -> None:
    async with pool(workers=1) as analyser:
        for number in [*range(MOST_ANALYSES + 3), 0, 1]:
            analysis = Analysis(entities=(Entity("PERSON"),), allow=(str(number),))
            assert await analyser.find(analysis, [HELLO + "!" * number]) == [FOUND]


async def test_a_text_seen_before_asks_no_worker() -> None:
    async with pool(workers=1) as analyser:
        await analyser.find(NAMES, [HELLO, "nobody"])
        await analyser.close()

        with pytest.raises(RedactionUnavailable):
            await analyser.find(NAMES, ["another"])
        assert await analyser.find(NAMES, [HELLO, "nobody", HELLO]) == [FOUND, (), FOUND]


@pytest.mark.parametrize("text", ["x" * 2000, "half a pair \ud83d"])
async def test_a_text_that_cannot_be_analysed_is_refused(text: str) -> None:
    async with pool(most_chars=1000) as analyser:
        with pytest.raises(RedactionUnavailable):
            await analyser.find(NAMES, [text])


@pytest.mark.parametrize("languages", [("xx",), (), ("en", "klingon")])
async def test_an_unknown_language_is_refused(languages: tuple[str, ...]) -> None:
    async with pool() as analyser:
        with pytest.raises(RedactionUnavailable, match="no language") as refused:
            await analyser.find(Analysis(entities=(Entity("PERSON"),), languages=languages), ["hello"])

    assert refused.value.why is Unable.LANGUAGE


async def test_no_text_is_in_a_log_an_error_or_a_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    canary = "Zacharias-Canary"
    said: list[str] = []
    async with pool(workers=1, deadline_s=0.3, wait_s=5.0) as analyser:
        for fault in ("talks", "hang", "die", "garbage", "outside", "closed", "fail"):
            try:
                await analyser.find(NAMES, [f"{fault} {canary}"])
            except RedactionUnavailable as error:
                said += [str(error), repr(error), repr(error.__cause__), repr(error.__context__)]
        said.append(repr(vars(analyser)))

    assert len(said) > 20
    assert canary not in "".join(said) + caplog.text
