"""Time, as a port, so that tests can stop it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """UTC wall clock: for records and calendar windows."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back: for deadlines and rates."""
        ...
