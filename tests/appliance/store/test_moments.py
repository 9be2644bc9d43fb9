from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from appliance.store.moments import micros, moment

THIS_CENTURY = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants them so


@given(at=THIS_CENTURY)
def test_a_moment_comes_back_as_it_was_written(at: datetime) -> None:
    assert moment(micros(at)) == at


def test_a_moment_beyond_the_calendar_is_read_as_the_last_there_is() -> None:
    beyond = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-14)))

    assert moment(micros(beyond)) == datetime.max.replace(tzinfo=UTC)
