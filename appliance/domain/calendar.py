"""Calendar windows of budgets, in UTC. Computed from the time, so that no job has to reset anything."""

from datetime import datetime, timedelta

from appliance.domain.identity import Window


def window_start(window: Window, now: datetime) -> datetime | None:
    """When the window that `now` lies in began; None for `total`, which began with the key."""
    if window is Window.TOTAL:
        return None
    hour = now.replace(minute=0, second=0, microsecond=0)
    if window is Window.HOUR:
        return hour
    day = hour.replace(hour=0)
    return day if window is Window.DAY else day.replace(day=1)


def window_end(window: Window, now: datetime) -> datetime | None:
    """When the next window begins; None for `total`."""
    start = window_start(window, now)
    if start is None:
        return None
    if window is Window.HOUR:
        return start + timedelta(hours=1)
    if window is Window.DAY:
        return start + timedelta(days=1)
    return (start + timedelta(days=32)).replace(day=1)
