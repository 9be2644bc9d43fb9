import pytest

from appliance.domain.errors import BudgetSpent, PriceMissing, RateLimited
from appliance.domain.identity import Grant, Limits, Window
from appliance.domain.ids import Micros
from appliance.domain.model import Deployment
from appliance.domain.money import Price
from appliance.http.errors import render
from appliance.ledger.reserve import WORDS, hold, price_of, refusal
from appliance.ports.counters import Hold, Refusal
from tests.fakes.site import MODEL, a_deployment, a_principal, a_view

DEAR = Price(input=2_000_000, output=3_000_000)
CHEAP = Price(input=1_000_000)


def held(*plan: Deployment, limits: Limits | None = None, default: Price | None = None) -> Hold:
    granted = Grant(principal=a_principal(), model=MODEL, limits=limits or Limits())
    return hold(granted, a_view(max_tokens=10), list(plan), default)


def test_all_tokens_the_answer_may_have_are_held() -> None:
    view = a_view(max_tokens=10)

    assert held(a_deployment()).tokens == view.prompt + 10


def test_the_dearest_deployment_of_the_plan_is_held_for() -> None:
    view = a_view(max_tokens=10)

    assert held(a_deployment("one", price=CHEAP), a_deployment("two", price=DEAR)).cost == 2 * view.prompt + 30


def test_limits_go_with_the_hold() -> None:
    limits = Limits(rpm=1, tpm=2, parallel=3, budget=Micros(4), budget_tokens=5, window=Window.DAY)

    taken = held(a_deployment(), limits=limits)

    assert (taken.rpm, taken.tpm, taken.parallel, taken.budget, taken.budget_tokens) == (1, 2, 3, 4, 5)
    assert taken.window is Window.DAY
    assert taken.key == a_principal().key.id


def test_a_deployment_without_a_price_takes_the_default() -> None:
    assert price_of(a_deployment(price=None), CHEAP) == CHEAP
    assert price_of(a_deployment(price=DEAR), CHEAP) == DEAR


def test_a_free_price_of_its_own_is_not_replaced_by_the_default() -> None:
    assert price_of(a_deployment(price=Price()), DEAR) == Price()


def test_no_price_at_all_refuses_and_never_means_free() -> None:
    with pytest.raises(PriceMissing, match="llama/one"):
        held(a_deployment(price=None))


def test_one_deployment_without_a_price_refuses_the_whole_plan() -> None:
    with pytest.raises(PriceMissing):
        held(a_deployment("one", price=CHEAP), a_deployment("two", price=None))


def refused(limit: str, resets_in: float | None) -> tuple[type[Exception], dict[bytes, bytes], str]:
    error = refusal(Refusal(limit=limit, allowed=10, used=9, resets_in=resets_in), "rdt_abcd…1234")
    return type(error), dict(render(error).headers), error.message


@pytest.mark.parametrize("limit", ["budget", "budget_tokens"])
@pytest.mark.parametrize("resets_in", [None, 3600.0])
def test_a_spent_budget_is_not_to_be_tried_again(limit: str, resets_in: float | None) -> None:
    kind, headers, message = refused(limit, resets_in)

    assert kind is BudgetSpent
    assert headers[b"x-should-retry"] == b"false"
    assert b"retry-after" not in headers
    assert ("3600" in message) is (resets_in is not None)


@pytest.mark.parametrize("limit", ["rpm", "tpm", "parallel"])
@pytest.mark.parametrize(("resets_in", "after"), [(None, b"1"), (0.0, b"1"), (0.2, b"1"), (41.5, b"42")])
def test_a_rate_is_to_be_tried_again_later(limit: str, resets_in: float | None, after: bytes) -> None:
    kind, headers, _ = refused(limit, resets_in)

    assert kind is RateLimited
    assert headers[b"x-should-retry"] == b"true"
    assert headers[b"retry-after"] == after


@pytest.mark.parametrize("limit", sorted(WORDS))
def test_a_refusal_says_which_limit_and_how_far(limit: str) -> None:
    _, _, message = refused(limit, 5.0)

    assert message.startswith(f"key `rdt_abcd…1234`: 9 of 10 {WORDS[limit]}")


def test_every_limit_a_hold_checks_has_its_words() -> None:
    assert set(WORDS) == set(Hold.__struct_fields__) - {"key", "tokens", "cost", "window"}
