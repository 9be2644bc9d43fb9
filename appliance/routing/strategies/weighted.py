"""Weighted shuffle: a deployment comes first with the probability its weight has among all."""

from collections.abc import Mapping, Sequence
from math import log
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
        # Efraimidis & Spirakis 2006: the order of u^(1/w), greatest first, draws without replacement in proportion
        # to w. Taken as -log(u)/w, least first: u^(1/w) itself underflows to 0 for small weights.
        del view, in_flight
        drawn = [
            (0, -log(1.0 - self._random.random()) / to.weight) if to.weight else (1, self._random.random())
            for to in candidates
        ]
        return [candidates[index] for index in sorted(range(len(candidates)), key=drawn.__getitem__)]
