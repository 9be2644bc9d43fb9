"""The mock inference server and the load generator: built from C, pinned to the load's core."""

import json
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

SOURCES = Path(__file__).parent / "src"
PATIENCE = 5.0  # seconds until the mock must answer
PADDING = 512  # characters beside the stamp in a whole answer, which is then about 1 KB


def build(folder: Path) -> None:
    """Compile what is missing or older than its source into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("mockup", "loadgen"):
        source, built = SOURCES / f"{name}.c", folder / name
        if not built.exists() or built.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["cc", "-O2", "-Wall", "-o", str(built), str(source)], check=True)


def ask(url: str, *, body: bytes | None = None, headers: dict[str, str] | None = None, timeout: float = 5.0) -> bytes:
    """GET, or POST when there is a body. Raises OSError (urllib's errors are)."""
    with urllib.request.urlopen(urllib.request.Request(url, body, headers or {}), timeout=timeout) as answer:
        told: bytes = answer.read()
        return told


class Upstream:
    """A running mock. Use as a context."""

    def __init__(self, binary: Path, port: int, core: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self._argv = ["taskset", "-c", core, str(binary), "--port", str(port), "--pad", str(PADDING)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._argv)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.stats()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def set(self, query: str) -> None:
        """`latency_us=..&interval_us=..`: see the head of mockup.c."""
        ask(f"{self.url}/__set?{query}")

    def stats(self) -> dict[str, int]:
        told: dict[str, int] = json.loads(ask(f"{self.url}/__stats"))
        return told

    def settled(self, quiet: float = 0.3, within: float = 10.0) -> dict[str, int]:
        """Counters once no stream is live and nothing has come for `quiet` seconds, or the time is up."""
        until = time.monotonic() + within
        before = self.stats()
        while True:
            time.sleep(quiet)
            now = self.stats()
            if (now["generations"] == before["generations"] and not now["live_streams"]) or time.monotonic() > until:
                return now
            before = now


def load(binary: Path, core: str, argv: list[str]) -> "subprocess.Popen[str]":
    """Start the load generator; its result is one JSON object on stdout."""
    command = ["taskset", "-c", core, str(binary), *argv]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result_of(running: "subprocess.Popen[str]") -> dict[str, Any]:
    """Raises RuntimeError when the generator failed."""
    out, err = running.communicate()
    if running.returncode:
        raise RuntimeError(f"loadgen: {err.strip()}")
    told: dict[str, Any] = json.loads(out)
    return told
