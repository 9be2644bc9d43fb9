"""How many workers there are, how they are started, how long anything may take. Seconds and bytes."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec


class PoolSettings(msgspec.Struct, frozen=True, kw_only=True):
    workers: int = 2
    spares: int = 0  # that are loaded and wait: one that is lost or worn is replaced at once
    deadline_s: float = 2.0  # of one task on a worker; one that overruns is killed
    wait_s: float = 2.0  # that a task may wait for a worker
    start_s: float = 60.0  # that a worker may take to load
    queue: int = 64  # tasks that wait; one more is refused at once
    most_tasks: int = 20_000  # a worker is replaced after so many
    most_resident: int = 700 * 1024 * 1024  # and after a task that left it larger than this
    backoff_s: float = 0.25  # before a worker is started again that could not start; doubles
    most_backoff_s: float = 30.0
    task_chars: int = 16_384  # of texts in one task, about
    core_chars: int = 24_576  # of a piece of a text longer than this and a margin: it is analysed in several tasks
    margin_chars: int = 4_096  # of its neighbours each piece is read with; a private key has 3,300
    most_chars: int = 4 * 1024 * 1024  # of one text
    cache_entries: int = 100_000
    cache_bytes: int = 64 * 1024 * 1024


def worker_command(models: Iterable[tuple[Path, str]] = ()) -> tuple[str, ...]:
    """The program that analyses. `models`: folders of unpacked NER models, and the sha256 that each one's manifest has.

    No model: patterns only. The same command for a process's whole life, so that the egress fuse can allow exactly it.
    """
    program = (sys.executable, "-I", "-B", "-m", "appliance.redaction.worker")
    return (*program, *(word for folder, digest in models for word in (str(folder), digest)))


def environment() -> Mapping[str, str]:
    """All that a worker finds in its environment."""
    return {
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS": "",  # a dependency of Presidio would fetch this list
        "REGEX_TIMEOUT_SECONDS": "86400",  # Presidio skips a pattern that times out; ours is the task's deadline
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
