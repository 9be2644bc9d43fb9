"""The machine's clocks, behind the port."""

import time
from datetime import UTC, datetime


class SystemClock:
    """`monotonic` is also right while somebody sets the wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)  # asked ten times a request: without a frame of ours
