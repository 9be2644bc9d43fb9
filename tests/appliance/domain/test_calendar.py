from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.calendar import window_end, window_start
from appliance.domain.identity import Window

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 -- hypothesis takes naive bounds
RENEWED = st.sampled_from([Window.HOUR, Window.DAY, Window.MONTH])


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        (Window.HOUR, datetime(2028, 2, 29, 23, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        (Window.DAY, datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        (Window.MONTH, datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        (Window.TOTAL, None, None),
    ],
)
def test_windows_follow_the_calendar(window: Window, start: datetime | None, end: datetime | None) -> None:
    now = datetime(2028, 2, 29, 23, 30, 15, 7, tzinfo=UTC)

    assert window_start(window, now) == start
    assert window_end(window, now) == end


def test_december_ends_in_january() -> None:
    assert window_end(Window.MONTH, datetime(2026, 12, 31, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)


@settings(deadline=None)
@given(RENEWED, MOMENTS)
def test_every_moment_lies_in_one_window(window: Window, now: datetime) -> None:
    start, end = window_start(window, now), window_end(window, now)

    assert start is not None
    assert end is not None
    assert start <= now < end
    assert window_start(window, end) == end
    assert window_start(window, end - timedelta(microseconds=1)) == start
