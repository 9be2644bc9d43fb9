"""Calendar windows, UTC, computed from the time: no job has to run for a budget to renew."""

from datetime import UTC, datetime

from appliance.domain.identity import Window

HOUR = 3600  # seconds
DAY = 24 * HOUR

ORDER = (Window.HOUR, Window.DAY, Window.MONTH, Window.TOTAL)
"""The order of everything that is kept for each window."""


class Periods:
    """The hour, the day and the month of a moment, numbered, with their ends. `ids` follows `ORDER`."""

    __slots__ = ("_ends", "ids", "until")

    def __init__(self, at: datetime) -> None:
        at = at.astimezone(UTC)
        hour = int(at.timestamp()) // HOUR
        month = at.year * 12 + at.month - 1
        next_month = datetime((month + 1) // 12, (month + 1) % 12 + 1, 1, tzinfo=UTC)
        self.ids = (hour, hour // 24, month, 0)
        self.until = float((hour + 1) * HOUR)  # from here on, another Periods
        self._ends = (self.until, float((hour // 24 + 1) * DAY), next_month.timestamp())

    def end(self, window: int) -> float | None:
        """Seconds since 1970 at which a window (by its place in `ORDER`) ends; None: never."""
        return self._ends[window] if window < len(self._ends) else None


class Calendar:
    """Hands out the current periods.

    When the wall clock is set back they stay as they are until it has caught up (or the process starts again and is
    seeded from the ledger): an allowance is never given twice.
    """

    def __init__(self, at: datetime) -> None:
        self._current = Periods(at)

    def periods(self, at: datetime) -> Periods:
        if at.timestamp() >= self._current.until:
            self._current = Periods(at)
        return self._current
