"""What the gateway itself sees of its deployments. Lost on restart by design."""

from collections.abc import Mapping
from types import MappingProxyType

from appliance.domain.ids import DeploymentId


class RoutingState:
    """Requests in flight, exact on every exit: `begin` returns the one object that may end what it began."""

    def __init__(self) -> None:
        self._in_flight: dict[DeploymentId, int] = {}
        self.in_flight: Mapping[DeploymentId, int] = MappingProxyType(self._in_flight)

    def begin(self, to: DeploymentId) -> "Flight":
        self._in_flight[to] = self._in_flight.get(to, 0) + 1
        return Flight(self._in_flight, to)


class Flight:
    """One request at one deployment. Ending it twice ends it once."""

    __slots__ = ("_counts", "_to")

    def __init__(self, counts: dict[DeploymentId, int], to: DeploymentId) -> None:
        self._counts: dict[DeploymentId, int] | None = counts
        self._to = to

    def end(self) -> None:
        counts, self._counts = self._counts, None
        if counts is None:
            return
        left = counts[self._to] - 1
        if left:
            counts[self._to] = left
        else:
            del counts[self._to]  # a removed deployment leaves nothing behind
