"""Moments as the databases hold them: integer microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = 3_600_000_000  # µs
DAY = 24 * HOUR


def micros(at: datetime) -> int:
    """Raises ValueError for a moment without a time zone: it could mean anything."""
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    # Exact: a double holds microseconds of this century with room to spare, and rounding takes the rest.
    return round(at.timestamp() * 1_000_000)


def moment(at: int) -> datetime:
    """The last moment there is for one beyond the calendar: a row that cannot be read would hide all others."""
    try:
        return EPOCH + timedelta(microseconds=at)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def maybe_micros(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def maybe_moment(at: int | None) -> datetime | None:
    return None if at is None else moment(at)
