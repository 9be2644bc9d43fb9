"""Least busy: fewest requests in flight for its weight; ties are drawn by lot."""

from collections.abc import Mapping, Sequence
from random import Random

from appliance.domain.ids import DeploymentId
from appliance.domain.model import Deployment
from appliance.domain.view import View


class LeastBusy:
    """A deployment of weight 2 counts as half as busy. Weight 0 comes last."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def choose(
        self, candidates: Sequence[Deployment], view: View, in_flight: Mapping[DeploymentId, int]
    ) -> list[Deployment]:
        del view

        def busy(to: Deployment) -> tuple[float, float]:
            load = in_flight.get(to.id, 0)
            return (load / to.weight if to.weight else float("inf"), self._random.random())

        return sorted(candidates, key=busy)
