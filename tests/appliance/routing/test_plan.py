from random import Random

import pytest

from appliance.domain.errors import NoDeployment, QueueFull
from appliance.domain.ids import DeploymentId
from appliance.domain.model import Model
from appliance.pipeline.inference import strategies
from appliance.routing.plan import plan
from tests.fakes.site import a_deployment, a_model, a_view

VIEW = a_view()


def labels(model: Model, **in_flight: int) -> list[str]:
    loads = {DeploymentId(f"llama/{label}"): load for label, load in in_flight.items()}
    return [to.label for to in plan(model, VIEW, loads, strategies(Random(1)))]


def many(count: int, **more: int) -> Model:
    return a_model(*(a_deployment(str(index)) for index in range(count)), **more)


def test_no_more_deployments_are_planned_than_attempts_are_allowed() -> None:
    assert len(labels(many(5, attempts=3))) == 3
    assert len(labels(many(2, attempts=3))) == 2


def test_disabled_deployments_are_never_planned() -> None:
    model = a_model(a_deployment("off", enabled=False), a_deployment("on"))

    assert labels(model) == ["on"]


def test_a_model_with_nothing_enabled_has_no_deployment() -> None:
    with pytest.raises(NoDeployment):
        labels(a_model(a_deployment(enabled=False)))


def test_a_deployment_at_its_limit_is_left_out() -> None:
    model = a_model(a_deployment("one", max_parallel=2), a_deployment("two", max_parallel=2))

    assert labels(model, one=2, two=1) == ["two"]
    assert sorted(labels(model, one=1, two=1)) == ["one", "two"]


def test_when_every_deployment_is_at_its_limit_the_queue_is_full() -> None:
    model = a_model(a_deployment("one", max_parallel=1), a_deployment("two", max_parallel=0))

    with pytest.raises(QueueFull) as refused:
        labels(model, one=1)

    assert refused.value.retry_after == 1


def test_without_a_limit_there_is_always_room() -> None:
    assert labels(a_model(a_deployment("one", max_parallel=None)), one=10**6) == ["one"]


def test_the_strategy_is_the_one_the_model_names() -> None:
    model = a_model(a_deployment("one"), a_deployment("two"), strategy="least-busy")

    assert all(labels(model, one=1) == ["two", "one"] for _ in range(20))


@pytest.mark.parametrize("more", [{"attempts": 0}, {"attempts": -1}])
def test_a_nonsensical_number_of_attempts_still_asks_once(more: dict[str, int]) -> None:
    assert len(labels(many(3, **more))) == 1


def test_an_unknown_strategy_is_an_error_a_client_can_be_told() -> None:
    model = a_model(a_deployment("one"), a_deployment("two"), strategy="by-moonlight")

    with pytest.raises(NoDeployment, match="by-moonlight"):
        labels(model)
