"""Keeps N workers running and hands them tasks, one at a time each. Never blocks the loop: all of the CPU is theirs.

A task waits in one queue for whichever worker is free first, so that none stands behind a worker that hangs.

    seat:  waiting -> serving -> worn (it goes on until its successor is ready) -> retired
              ^         | overran, died, said nonsense: killed; its task fails
              +---------+

A seat that waits takes a worker from the reserve, where a spare may be ready.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from appliance.domain.errors import RedactionUnavailable, Unable
from appliance.domain.privacy import Analysis, Finding
from appliance.redaction.pool.child import Child, Gone, TaskFailed, WillNotRun
from appliance.redaction.pool.reserve import Reserve
from appliance.redaction.pool.settings import PoolSettings

log = logging.getLogger(__name__)
Findings = list[tuple[Finding, ...]]


class Job:
    """A task, who waits for it, and what to call when a worker takes it."""

    __slots__ = ("analysis", "answer", "digest", "taken", "texts")

    def __init__(self, analysis: Analysis, digest: str, texts: Sequence[str], taken: Callable[[], None]) -> None:
        self.analysis, self.digest, self.texts, self.taken = analysis, digest, texts, taken
        self.answer: asyncio.Future[Findings] = asyncio.get_running_loop().create_future()

    def __repr__(self) -> str:
        return f"Job({len(self.texts)} texts)"

    def fail(self, message: str, why: Unable = Unable.WORKER, *, retry_after: float | None = None) -> None:
        if not self.answer.done():
            self.answer.set_exception(RedactionUnavailable(f"privacy: {message}", why=why, retry_after=retry_after))


class Supervisor:
    def __init__(self, settings: PoolSettings, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._settings, self._command, self._environment = settings, tuple(command), environment
        self._waiting: deque[Job] = deque()
        self._free: dict[asyncio.Future[Job | None], None] = {}  # seats that wait for a job, longest first
        self._seats: list[asyncio.Task[None]] = []
        self._serving: dict[Child, Job | None] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._reserve = Reserve(settings.spares, self._started, self._lost)
        self._last_refusal = ""
        self.model = ""
        self.replaced = 0  # workers that were killed or died

    @property
    def ready(self) -> bool:
        """Whether a task given now would find a worker that has loaded."""
        return bool(self._serving)

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(child.pid for child in self._serving)

    @property
    def spares(self) -> tuple[int, ...]:
        """Workers that have loaded and wait for another to be lost."""
        return self._reserve.pids

    def start(self) -> None:
        """Begin to start the workers; `ready` says when the first has loaded."""
        self._seats = [asyncio.create_task(self._seat()) for _ in range(self._settings.workers)]

    async def close(self) -> None:
        """Fail what waits, end every worker. A second call does nothing."""
        seats, self._seats = self._seats, []
        while self._waiting:
            self._waiting.popleft().fail("the gateway stops")
        for job in self._serving.values():
            if job is not None:
                job.fail("the gateway stops")
        for seat in seats:
            seat.cancel()
        await asyncio.gather(*seats, *self._retiring, return_exceptions=True)
        await self._reserve.close()

    async def run(self, job: Job) -> Findings:
        """Raises RedactionUnavailable. Cancelled: a task that still waits gives up its place."""
        if not self._seats:
            raise RedactionUnavailable("privacy: no worker runs", why=Unable.WORKER)
        self._offer(job)
        waited = asyncio.get_running_loop().call_later(self._settings.wait_s, self._overdue, job)
        try:
            return await job.answer
        finally:
            waited.cancel()
            with contextlib.suppress(ValueError):
                self._waiting.remove(job)

    def _offer(self, job: Job) -> None:
        for seat in self._free:
            if not seat.done():
                seat.set_result(job)
                return
        if self._last_refusal and not self.ready:
            raise RedactionUnavailable(f"privacy: no worker runs: {self._last_refusal}", why=Unable.WORKER)
        if len(self._waiting) >= self._settings.queue:
            raise RedactionUnavailable(
                "privacy: too many texts wait to be analysed; try again", why=Unable.BUSY, retry_after=1.0
            )
        self._waiting.append(job)

    def _overdue(self, job: Job) -> None:
        """A job that no worker has taken yet has waited long enough; one that runs has its own deadline."""
        if job in self._waiting:
            job.fail(f"no worker became free within {self._settings.wait_s:g} s", Unable.BUSY, retry_after=1.0)

    async def _seat(self) -> None:
        """One worker after the other, for ever."""
        child = await self._reserve.take()
        successor: asyncio.Task[Child] | None = None
        try:
            while True:
                if child.over:
                    self._leave(child)
                    await child.bury()
                    self._lost()
                    child = await (successor or self._reserve.take(int(child.served == 0)))
                    successor = None
                elif successor is not None and successor.done():
                    self._leave(child)
                    self._retire(child)
                    child, successor = successor.result(), None
                self._serving.setdefault(child, None)
                job = await self._next(child, successor)
                if job is not None and not await self._serve(child, job):
                    continue
                if successor is None and self._worn(child):
                    successor = asyncio.create_task(self._reserve.take())
        finally:
            self._leave(child)
            if successor is not None:
                successor.cancel()
                await asyncio.gather(successor, return_exceptions=True)
                if not successor.cancelled() and successor.exception() is None:
                    await successor.result().bury()
            await child.bury()

    def _retire(self, child: Child) -> None:
        """It ends by itself while its successor works."""
        retiring = asyncio.create_task(child.retire(self._settings.deadline_s))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    def _leave(self, child: Child) -> None:
        self._serving.pop(child, None)

    def _lost(self) -> None:
        self.replaced += 1

    def _worn(self, child: Child) -> bool:
        return child.served >= self._settings.most_tasks or child.resident > self._settings.most_resident

    async def _next(self, child: Child, successor: "asyncio.Task[Child] | None") -> Job | None:
        """The next job; None when the child has ended or its successor is there."""
        while self._waiting:
            job = self._waiting.popleft()
            if not job.answer.done():
                return job
        given: asyncio.Future[Job | None] = asyncio.get_running_loop().create_future()

        def wake(*_: object) -> None:
            if not given.done():
                given.set_result(None)

        self._free[given] = None
        child.when_over(wake)
        if successor is not None:
            successor.add_done_callback(wake)
        try:
            return await given
        except asyncio.CancelledError:
            if not given.cancelled() and (handed := given.result()) is not None:
                handed.fail("the gateway stops")
            raise
        finally:
            del self._free[given]

    async def _serve(self, child: Child, job: Job) -> bool:
        """Whether the child may go on. Whatever happens, the job has its answer."""
        if job.answer.done():  # given up between the queue and here
            return True
        self._serving[child] = job
        job.taken()
        deadline = self._settings.deadline_s
        try:
            found = await child.ask(job.analysis, job.digest, job.texts, deadline)
        except TaskFailed as failed:
            job.fail(str(failed), Unable.ANALYSIS)
            return True
        except TimeoutError:
            log.warning("privacy: a worker did not finish within %g s and was killed", deadline)
            job.fail(f"a text could not be analysed within {deadline:g} s", Unable.DEADLINE, retry_after=1.0)
        except Gone as gone:
            log.warning("privacy: a worker was lost: %s", gone)
            job.fail("a worker was lost while it analysed; try again", why=Unable.BUSY, retry_after=1.0)
        else:
            if not job.answer.done():
                job.answer.set_result(found)
            return True
        finally:
            self._serving[child] = None
        child.kill()
        self._leave(child)
        await child.bury()
        return False

    def _refuse_waiting(self) -> None:
        """Another try would say the same, so nobody waits for it."""
        while self._waiting:
            self._waiting.popleft().fail(f"no worker runs: {self._last_refusal}")

    async def _started(self, failures: int) -> Child:
        """A worker that is ready, however often it takes; after each failure twice as late."""
        while True:
            if failures:
                await asyncio.sleep(min(self._settings.backoff_s * 2 ** (failures - 1), self._settings.most_backoff_s))
            try:
                child = await Child.start(self._command, self._environment, self._settings.start_s)
            except (WillNotRun, Gone, OSError, TimeoutError) as error:
                failures += 1
                self._last_refusal = str(error) or "it did not load in time"
                log.error("privacy: a worker could not be started: %s", self._last_refusal)  # noqa: TRY400 -- no trace: the reason is told
                if isinstance(error, WillNotRun) and not self.ready:
                    self._refuse_waiting()
                continue
            self.model, self._last_refusal = child.model, ""
            return child
