from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from appliance.domain.ids import DeploymentId
from appliance.routing.state import Flight, RoutingState

ONE = DeploymentId("llama/one")


def test_a_flight_counts_until_it_ends() -> None:
    state = RoutingState()

    flight = state.begin(ONE)

    assert state.in_flight == {ONE: 1}
    flight.end()
    assert state.in_flight == {}


def test_ending_a_flight_twice_ends_it_once() -> None:
    state = RoutingState()
    flight, other = state.begin(ONE), state.begin(ONE)

    flight.end()
    flight.end()

    assert state.in_flight == {ONE: 1}
    other.end()


def test_nobody_can_change_the_counts_from_outside() -> None:
    assert not hasattr(RoutingState().in_flight, "__setitem__")


class Flights(RuleBasedStateMachine):
    """Whatever begins and ends in whatever order, the counts are those of the flights under way."""

    def __init__(self) -> None:
        super().__init__()
        self.state = RoutingState()
        self.under_way: list[tuple[DeploymentId, Flight]] = []
        self.over: list[Flight] = []

    @rule(name=st.sampled_from("abc"))
    def begin(self, name: str) -> None:
        to = DeploymentId(name)
        self.under_way.append((to, self.state.begin(to)))

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        if self.under_way:
            _, flight = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
            flight.end()
            self.over.append(flight)

    @rule(data=st.data())
    def end_again(self, data: st.DataObject) -> None:
        if self.over:
            data.draw(st.sampled_from(self.over)).end()

    @invariant()
    def exact(self) -> None:
        counts: dict[DeploymentId, int] = {}
        for to, _ in self.under_way:
            counts[to] = counts.get(to, 0) + 1
        assert self.state.in_flight == counts


TestFlights = Flights.TestCase
TestFlights.settings = settings(max_examples=50, deadline=None)
