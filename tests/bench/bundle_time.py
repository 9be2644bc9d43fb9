"""Wall clock and processor time of a piece of work and of all it started."""

import resource
import time
from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Timed(msgspec.Struct, frozen=True):
    """On a shared machine the second says more than the first."""

    seconds: float
    cpu: float  # user and system, of processes that have ended


def timed(work: Callable[[], T]) -> tuple[T, Timed]:
    used, began = _used(), time.monotonic()
    made = work()
    return made, Timed(time.monotonic() - began, _used() - used)


def _used() -> float:
    told = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told.ru_utime + told.ru_stime
