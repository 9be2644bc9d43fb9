from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.usage import Usage

COUNT = st.integers(0, 10**9)
USAGES = st.builds(Usage, COUNT, COUNT, COUNT, COUNT, st.booleans())


def test_the_total_is_prompt_and_answer_since_the_others_are_parts_of_them() -> None:
    assert Usage(prompt=7, completion=5, cached=3, reasoning=2).total == 12


def test_a_sum_with_one_estimate_is_an_estimate() -> None:
    assert (Usage(1, 2) + Usage(3, 4, estimated=True)).estimated


@settings(deadline=None)
@given(USAGES, USAGES, USAGES)
def test_sums_do_not_depend_on_their_order(one: Usage, two: Usage, three: Usage) -> None:
    assert one + (two + three) == (three + one) + two
    assert (one + two).total == one.total + two.total
    assert one + Usage() == one
