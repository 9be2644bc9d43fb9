"""One small file each, one method: candidates in, candidates ranked out."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from appliance.domain.ids import DeploymentId
from appliance.domain.model import Deployment
from appliance.domain.view import View


class Strategy(Protocol):
    def choose(
        self, candidates: Sequence[Deployment], view: View, in_flight: Mapping[DeploymentId, int]
    ) -> list[Deployment]:
        """All candidates, the best first. Called once a request; must not block, must not keep state."""
        ...
