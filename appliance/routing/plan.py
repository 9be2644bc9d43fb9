"""The ordered attempts of one request."""

from collections.abc import Mapping

from appliance.domain.errors import NoDeployment, QueueFull
from appliance.domain.ids import DeploymentId
from appliance.domain.model import Deployment, Model
from appliance.domain.view import View
from appliance.routing.strategies import Strategy


def plan(
    model: Model, view: View, in_flight: Mapping[DeploymentId, int], strategies: Mapping[str, Strategy]
) -> list[Deployment]:
    """At most `model.attempts` deployments, the first to be asked first.

    Raises NoDeployment when none is enabled, QueueFull when every one is at its `max_parallel`.
    """
    enabled = [to for to in model.deployments if to.enabled]
    if not enabled:
        raise NoDeployment(f"model `{model.name}` has no deployment that is enabled", retry_after=30)
    free = [to for to in enabled if to.max_parallel is None or in_flight.get(to.id, 0) < to.max_parallel]
    if not free:
        raise QueueFull(f"every deployment of `{model.name}` is at its limit of parallel requests", retry_after=1)
    if len(free) == 1:
        return free
    strategy = strategies.get(model.strategy)
    if strategy is None:
        raise NoDeployment(f"model `{model.name}` names the strategy `{model.strategy}`, which is not known here")
    return strategy.choose(free, view, in_flight)[: max(1, model.attempts)]
