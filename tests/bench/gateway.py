"""A gateway under test: how it is described, started and stopped."""

import os
import shutil
import signal
import subprocess
import time
import urllib.error
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from tests.bench.process import Family
from tests.bench.scenario import request
from tests.bench.upstream import ask

PATIENCE = 180.0  # seconds until the first 200
STOPPING = 20.0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a gateway runs: a fresh folder, a port on loopback, the mock's base url, the folder of installed peers."""

    home: Path
    work: Path
    upstream: str
    port: int

    def installed(self, name: str) -> Path:
        """A program below `home`. Raises FileNotFoundError."""
        path = self.home / name
        if not path.exists():
            raise FileNotFoundError(f"`{name}` is not in `{self.home}`; see peers.sh")
        return path


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """How to start it, how to call it, and what it leaves out (so that nobody compares what differs).

    No `argv`: nothing is started, the load goes to the mock. `attempts`, asked after the stop, is the number of
    upstream calls the gateway's own ledger knows.
    """

    version: str
    lacks: str
    argv: tuple[str, ...] = ()
    port: int
    key: str = "sk-bench"
    headers: tuple[str, ...] = ()  # `name: value`
    env: Mapping[str, str] = {}
    attempts: Callable[[], int] | None = None


Describe = Callable[[Place], Described]


class Gateway:
    """One gateway of a run. `start` returns when it has answered a request; `stop` may be called at any time."""

    def __init__(self, name: str, describe: Describe, place: Place, core: str) -> None:
        """Raises what `describe` raises when the peer is not installed: FileNotFoundError, CalledProcessError."""
        shutil.rmtree(place.work, ignore_errors=True)
        place.work.mkdir(parents=True)
        self.name = name
        self.described = describe(place)
        self.family: Family | None = None
        self.started_in: float | None = None  # seconds
        self.peak = 0.0  # most resident megabytes seen
        self.generations = 0  # upstream calls made for it
        self._place = place
        self._core = core
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.described.port}/v1/chat/completions"

    def start(self) -> None:
        """Raises RuntimeError when it ends, or gives no 200 in time; its log stays in the work folder."""
        if not self.described.argv:
            return
        began = time.monotonic()
        with (self._place.work / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(
                ["taskset", "-c", self._core, *self.described.argv],
                env={**os.environ, **self.described.env},
                cwd=self._place.work,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.family = Family(self._process.pid)
        while (trouble := self._trouble()) is not None:
            if self._process.poll() is not None or time.monotonic() - began > PATIENCE:
                self.stop()
                raise RuntimeError(f"no answer: {trouble}; see {self._place.work}/log.txt")
            time.sleep(0.05)
        self.started_in = time.monotonic() - began

    def memory(self) -> float:
        """Resident megabytes now."""
        if self.family is None:
            return 0.0
        now = self.family.memory()
        self.peak = max(self.peak, now)
        return now

    def cpu(self) -> float:
        return self.family.cpu() if self.family else 0.0

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _trouble(self) -> str | None:
        """Why it gives no 200 yet."""
        told = dict(header.split(": ", 1) for header in self.described.headers)
        headers = {"authorization": f"Bearer {self.described.key}", "content-type": "application/json", **told}
        try:
            ask(self.url, body=request().encode(), headers=headers)
        except urllib.error.HTTPError as error:
            return f"{error.code} {error.read(200)!r}"
        except OSError as error:
            return str(error)
        return None


def load_argv(gateway: Gateway, body: str) -> list[str]:
    """The load generator's arguments that say whom to call, and how."""
    told = gateway.described
    argv = ["--port", str(told.port), "--path", "/v1/chat/completions", "--key", told.key, "--body", body]
    for header in told.headers:
        argv += ["--header", header]
    return argv
