from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.ids import Seconds
from appliance.domain.money import PER_MILLION, Price, cost
from appliance.domain.usage import Usage

AMOUNTS = st.integers(0, 10**9)
TOKENS = st.integers(0, 10**7)
NO_TIME = Seconds(0.0)


def test_a_million_tokens_cost_the_price() -> None:
    price = Price(input=300, output=700)

    assert cost(price, Usage(prompt=PER_MILLION, completion=PER_MILLION), NO_TIME) == 1000


def test_the_smallest_paid_answer_costs_one_micro() -> None:
    assert cost(Price(input=1), Usage(prompt=1), NO_TIME) == 1


def test_a_free_price_costs_nothing() -> None:
    assert cost(Price(), Usage(prompt=10**6, completion=10**6, cached=5), Seconds(3600)) == 0


def test_cached_tokens_have_their_own_price() -> None:
    price = Price(input=1_000_000, cached=250_000)

    assert cost(price, Usage(prompt=10, cached=8), NO_TIME) == 2 + 2


def test_without_a_price_for_the_cache_cached_tokens_cost_as_others_do() -> None:
    assert cost(Price(input=1_000_000), Usage(prompt=10, cached=8), NO_TIME) == 10


def test_a_server_that_claims_more_cached_tokens_than_there_were_does_not_pay_us_back() -> None:
    assert cost(Price(input=1_000_000, cached=0), Usage(prompt=10, cached=99), NO_TIME) == 0


def test_gpu_seconds_are_paid_by_the_second() -> None:
    assert cost(Price(gpu_second=1000), Usage(), Seconds(2.5)) == 2500


@pytest.mark.parametrize("field", ["input", "cached", "output", "gpu_second"])
def test_a_price_is_never_negative(field: str) -> None:
    with pytest.raises(ValueError, match="never negative"):
        Price(**{field: -1})


@pytest.mark.parametrize("field", ["input", "cached", "output", "gpu_second"])
def test_a_price_of_one_kind_is_not_free(field: str) -> None:
    assert not Price(**{field: 1}).free
    assert Price().free


@settings(deadline=None)
@given(AMOUNTS, AMOUNTS | st.none(), AMOUNTS, TOKENS, TOKENS, TOKENS)
def test_cost_is_the_exact_sum_rounded_up(
    each: int, cached_price: int | None, out: int, prompt: int, cached: int, completion: int
) -> None:
    cached = min(cached, prompt)
    price = Price(input=each, cached=cached_price, output=out)

    paid = cost(price, Usage(prompt=prompt, completion=completion, cached=cached), NO_TIME)

    of_cached = each if cached_price is None else cached_price
    exact = Fraction((prompt - cached) * each + cached * of_cached + completion * out, PER_MILLION)
    assert type(paid) is int
    assert exact <= paid < exact + 1


@settings(deadline=None)
@given(AMOUNTS, AMOUNTS, TOKENS, TOKENS)
def test_an_answer_never_costs_more_than_its_parts_paid_alone(
    each: int, out: int, prompt: int, completion: int
) -> None:
    price = Price(input=each, output=out)

    whole = cost(price, Usage(prompt=prompt, completion=completion), NO_TIME)

    assert whole <= cost(price, Usage(prompt=prompt), NO_TIME) + cost(price, Usage(completion=completion), NO_TIME)
