"""One worker process, as the gateway holds it. Says nothing of what it was asked, in errors and reprs alike."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from appliance.domain.privacy import Analysis, Finding
from appliance.redaction import wire
from appliance.redaction.pool.ear import Drain, Ear, Gone

__all__ = ["Child", "Gone", "TaskFailed", "WillNotRun"]


class WillNotRun(Exception):
    """The worker refused to start, and says why: a model that is not the one named, a library that is missing."""


class TaskFailed(Exception):
    """The worker is well; this task cannot be done. The reason holds nothing of a text."""


_STDERR: Final = 2000  # characters kept of what a worker says before its first task


class Child:
    """Asked one thing at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ear, self._drain = Ear(), Drain(_STDERR)
        self._pipes: list[asyncio.BaseTransport] = []
        self._writer: asyncio.StreamWriter  # once connected
        self._defined: set[str] = set()
        self._number = 0
        self._buried = False
        self.served = 0
        self.resident = 0  # bytes, as of the last task
        self.model = ""

    def __repr__(self) -> str:
        return f"Child(pid {self.pid}, {self.served} tasks)"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def over(self) -> bool:
        return self._buried or self._ear.over

    def when_over(self, call: Callable[[], None]) -> None:
        """Call once when the process ends, or has said nonsense; at once when it has."""
        self._ear.when_over(call)

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str], within: float) -> "Child":
        """A worker that said it is ready. Raises WillNotRun, Gone, TimeoutError; then no process is left."""
        child = cls(await _spawned(command, environment))
        try:
            async with asyncio.timeout(within):
                await child._connect()
                first = await child._ear.hear()
        except Gone as gone:
            raise WillNotRun(f"it ended while it started: {await child._last_words()}") from gone
        except BaseException:
            await child.bury()
            raise
        if not isinstance(first, wire.Ready):
            await child.bury()
            raise WillNotRun(first.reason if isinstance(first, wire.Refused) else "it spoke out of turn")
        child.model = first.model
        return child

    async def _connect(self) -> None:
        loop, process = asyncio.get_running_loop(), self._process
        self._pipes.append((await loop.connect_read_pipe(lambda: self._ear, process.stdout))[0])
        self._pipes.append((await loop.connect_read_pipe(lambda: self._drain, process.stderr))[0])
        # FlowControlMixin is what StreamWriter.drain() talks to; asyncio's own subprocesses use it the same way.
        transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, process.stdin)
        self._pipes.append(transport)
        self._writer = asyncio.StreamWriter(transport, cast(Any, protocol), None, loop)

    async def ask(
        self, analysis: Analysis, digest: str, texts: Sequence[str], within: float
    ) -> list[tuple[Finding, ...]]:
        """Raises TaskFailed, TimeoutError, Gone; after the last two the child must be buried."""
        async with asyncio.timeout(within):
            return await self._ask(analysis, digest, texts, within)

    async def _ask(
        self, analysis: Analysis, digest: str, texts: Sequence[str], within: float
    ) -> list[tuple[Finding, ...]]:
        self._number += 1
        try:
            task = wire.framed(wire.Task(self._number, digest, list(texts), within))
            asked = self._definition(digest, analysis) + task
        except ValueError as error:
            raise TaskFailed(str(error)) from None
        self._drain.forget()
        answer = self._ear.listen()
        try:
            self._writer.write(asked)
            await self._writer.drain()
        except OSError as error:
            raise Gone("it reads no more") from error
        told = await answer
        if isinstance(told, wire.Failed) and told.number == self._number:
            self.served += 1
            raise TaskFailed(told.reason)
        if not isinstance(told, wire.Found) or told.number != self._number or len(told.places) != len(texts):
            raise Gone("it answered something else")
        try:
            found = [
                wire.findings(places, analysis, len(text)) for places, text in zip(told.places, texts, strict=True)
            ]
        except wire.Nonsense as nonsense:
            raise Gone(str(nonsense)) from nonsense
        self.served, self.resident = self.served + 1, told.resident
        return found

    def _definition(self, digest: str, analysis: Analysis) -> bytes:
        if digest in self._defined:
            return b""
        definition = wire.framed(wire.Define(digest, analysis))
        if len(self._defined) == wire.MOST_ANALYSES:
            self._defined.clear()
        self._defined.add(digest)
        return definition

    def kill(self) -> None:
        """At once, with whatever it started. Harmless when it has ended."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    async def retire(self, within: float) -> None:
        """Let it end by itself at the end of its input; kill it when it does not."""
        self._writer.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._ear.ended()
        await self.bury()

    async def bury(self) -> None:
        """Kill it, and leave nothing of it: no zombie, no pipe."""
        self._buried = True
        self.kill()
        await asyncio.shield(asyncio.to_thread(self._process.wait))
        for pipe in self._pipes:
            pipe.close()
        for end in (self._process.stdin, self._process.stdout, self._process.stderr):
            if end is not None:
                end.close()

    async def _last_words(self) -> str:
        await self.bury()
        return f"exit {self._process.returncode}; {self._drain.said()}"


async def _spawned(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """In a thread, since the call returns only when the new program runs; a cancelled start leaves no process."""

    def spawn() -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 -- the program is ours, named by worker_command
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=dict(environment),
            start_new_session=True,
        )

    started = asyncio.ensure_future(asyncio.to_thread(spawn))
    try:
        return await asyncio.shield(started)
    except asyncio.CancelledError:
        with await started as unwanted:
            unwanted.kill()
        raise
