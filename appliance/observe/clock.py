"""The machine's clocks, behind the port."""

import time
from datetime import UTC, datetime


class SystemClock:
    """`monotonic` is also right while somebody sets the wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
