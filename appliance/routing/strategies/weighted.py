"""Weighted shuffle: a deployment comes first with the probability its weight has among all."""

from collections.abc import Mapping, Sequence
from random import Random

from appliance.domain.ids import DeploymentId
from appliance.domain.model import Deployment
from appliance.domain.view import View


class Weighted:
    """Weight 0 comes last: asked only when nothing else answers."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def choose(
        self, candidates: Sequence[Deployment], view: View, in_flight: Mapping[DeploymentId, int]
    ) -> list[Deployment]:
        # Efraimidis & Spirakis 2006: sorting by u^(1/w) draws without replacement in proportion to w.
        del view, in_flight
        drawn = [
            (self._random.random() ** (1 / to.weight) if to.weight else -self._random.random()) for to in candidates
        ]
        order = sorted(range(len(candidates)), key=drawn.__getitem__, reverse=True)
        return [candidates[index] for index in order]
