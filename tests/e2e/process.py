"""Processes that tests start: real servers and the real gateway, ended by their own id."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
REDOUBT = Path(sys.executable).with_name("redoubt")


@contextmanager
def running(command: Sequence[str], log: Path, stop_seconds: float = 20.0) -> Iterator[str]:
    """Run a program until the block ends; yields its first line of output, which says that it serves."""
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT)
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first, f"{command} ended at once: {log.read_text()[-2000:]}"
            yield first.strip()
        finally:
            process.terminate()
            try:
                process.communicate(timeout=stop_seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def redoubt(*words: str, config: Path) -> str:
    """Run a verb; its output. Fails the test with what it said."""
    ran = subprocess.run(
        [str(REDOUBT), "--config", str(config), *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, f"redoubt {' '.join(words)}: {ran.stderr}{ran.stdout}"
    return ran.stdout


@contextmanager
def simulated(kind: str, log: Path, *flags: str) -> Iterator[str]:
    """An emulated inference server in its own process; yields its url."""
    with running([sys.executable, "-m", "providers.simulated", kind, *flags], log) as url:
        yield url
