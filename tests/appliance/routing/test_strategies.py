from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.ids import DeploymentId
from appliance.domain.model import Deployment
from appliance.routing.strategies import Strategy
from appliance.routing.strategies.least_busy import LeastBusy
from appliance.routing.strategies.weighted import Weighted
from tests.fakes.site import a_deployment, a_view

ROUNDS = 4000
VIEW = a_view()
STRATEGIES = [Weighted, LeastBusy]


def fleet(**weights: float) -> list[Deployment]:
    return [a_deployment(label, weight=weight) for label, weight in weights.items()]


def busy(**loads: int) -> dict[DeploymentId, int]:
    return {DeploymentId(f"llama/{label}"): load for label, load in loads.items()}


def shares(strategy: Strategy, candidates: list[Deployment], in_flight: dict[DeploymentId, int]) -> dict[str, float]:
    """How often each came first."""
    first = Counter(strategy.choose(candidates, VIEW, in_flight)[0].label for _ in range(ROUNDS))
    return {label: count / ROUNDS for label, count in first.items()}


@pytest.mark.parametrize("scale", [1e-6, 0.001, 1.0, 1e6])
def test_weighted_converges_to_the_weights_whatever_their_scale(scale: float) -> None:
    share = shares(Weighted(Random(1)), fleet(a=1 * scale, b=2 * scale, c=5 * scale), {})

    assert share == pytest.approx({"a": 0.125, "b": 0.25, "c": 0.625}, abs=0.03)


def test_weighted_draws_its_second_choice_by_weight_too() -> None:
    strategy, candidates = Weighted(Random(2)), fleet(a=1, b=3, huge=10**6)

    second = Counter(strategy.choose(candidates, VIEW, {})[1].label for _ in range(ROUNDS))

    assert second["b"] / ROUNDS == pytest.approx(0.75, abs=0.03)


def test_weighted_does_not_look_at_the_load() -> None:
    share = shares(Weighted(Random(3)), fleet(a=1, b=1), busy(a=1000))

    assert share["a"] == pytest.approx(0.5, abs=0.03)


def test_least_busy_takes_the_fewest_in_flight() -> None:
    assert shares(LeastBusy(Random(4)), fleet(a=1, b=1, c=1), busy(a=2, b=1, c=3)) == {"b": 1.0}


def test_least_busy_counts_load_by_weight() -> None:
    assert shares(LeastBusy(Random(5)), fleet(small=1, big=4), busy(small=2, big=6)) == {"big": 1.0}


def test_least_busy_draws_ties_by_lot() -> None:
    share = shares(LeastBusy(Random(6)), fleet(a=1, b=1, c=1, d=1), busy(a=1, b=1, c=1, d=2))

    assert share == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, abs=0.03)


@pytest.mark.parametrize("kind", STRATEGIES)
def test_weight_zero_comes_last(kind: type[Weighted | LeastBusy]) -> None:
    strategy, candidates = kind(Random(7)), fleet(spare=0, a=1e-9, reserve=0, b=1)

    for _ in range(200):
        order = [to.label for to in strategy.choose(candidates, VIEW, busy(a=10**6, b=10**6))]

        assert set(order[:2]) == {"a", "b"}
        assert set(order[2:]) == {"spare", "reserve"}


@pytest.mark.parametrize("kind", STRATEGIES)
def test_deployments_of_weight_zero_share_by_lot(kind: type[Weighted | LeastBusy]) -> None:
    share = shares(kind(Random(8)), fleet(a=0, b=0), {})

    assert share["a"] == pytest.approx(0.5, abs=0.03)


WEIGHTS = st.one_of(st.just(0.0), st.floats(1e-300, 1e300))


@settings(deadline=None)
@given(
    st.sampled_from(STRATEGIES), st.lists(st.tuples(WEIGHTS, st.integers(0, 9)), min_size=1, max_size=9), st.randoms()
)
def test_every_candidate_is_ranked_once(
    kind: type[Weighted | LeastBusy], weights: list[tuple[float, int]], random: Random
) -> None:
    candidates = [a_deployment(str(index), weight=weight) for index, (weight, _) in enumerate(weights)]
    loads = {to.id: load for to, (_, load) in zip(candidates, weights, strict=True)}

    order = kind(random).choose(candidates, VIEW, loads)

    assert sorted(to.label for to in order) == sorted(to.label for to in candidates)
