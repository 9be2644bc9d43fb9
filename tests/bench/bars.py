"""The bars of the issue, and what was measured held against them."""

from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from tests.bench.measure import Figures
from tests.bench.rounds import Results
from tests.bench.soak import Soaked

OURS = "ours"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with the least and the greatest of its rounds. `value` None: could not be measured, `why` says why."""

    value: float | None
    least: float = 0.0
    most: float = 0.0
    why: str = ""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """`must` and `aim` are upper bounds; with `exact` the figure must be `must` itself."""

    told: str
    must: float
    aim: float | None = None
    exact: bool = False
    unit: str = ""

    def verdict(self, found: Measured) -> str:
        if found.value is None:
            return f"not measured: {found.why}"
        if self.exact:
            return "met" if found.value == self.must else "**not met**"
        if found.value > self.must:
            return "**not met**"
        return "met, and the aim" if self.aim is not None and found.value <= self.aim else "met"


def _request_cpu(figures: Figures) -> float | None:
    return figures.cpu_per_request


def _event_cpu(figures: Figures) -> float | None:
    return figures.cpu_per_event


def ratio(results: Results, scenario: str, peer: str, of: Callable[[Figures], float | None]) -> Measured:
    """Ours to the peer's, round by round; the median of the rounds."""
    ours, theirs = results.get(scenario, {}).get(OURS), results.get(scenario, {}).get(peer)
    if not ours or not theirs:
        return Measured(value=None, why=f"{scenario} was not run with both")
    return _of([a / b for a, b in zip(map(of, ours), map(of, theirs), strict=True) if a is not None and b])


def added(results: Results, gateway: str, scenario: str = "ns_c1") -> list[float]:
    """Microseconds that a gateway adds to the median latency, by round; empty when it was not run beside `direct`."""
    through, straight = results.get(scenario, {}).get(gateway, []), results.get(scenario, {}).get("direct", [])
    return [a.latency["p50"] - b.latency["p50"] for a, b in zip(through, straight, strict=False) if a.latency]


def held(results: Results, memory: float | None, rows: Measured, soaked: Soaked | None) -> list[tuple[Bar, Measured]]:
    """All bars, in the order of the issue's table."""
    ours, theirs = added(results, OURS), added(results, "litellm")
    waits = [a / b for a, b in zip(ours, theirs, strict=False) if b > 0]
    unsoaked = Measured(value=None, why="the soak was not run")
    resident = Measured(value=None, why="it was not run") if memory is None else _of([memory])
    request, event = "CPU per request at 64 connections / ", "CPU per stream event at 32 streams / "
    return [
        (Bar(told=f"{request}LiteLLM", must=0.03, aim=0.015), ratio(results, "ns_c64", "litellm", _request_cpu)),
        (Bar(told=f"{request}nginx", must=15, aim=8), ratio(results, "ns_c64", "nginx", _request_cpu)),
        (Bar(told=f"{request}sglang-router", must=2, aim=1.3), ratio(results, "ns_c64", "sglang", _request_cpu)),
        (Bar(told=f"{event}LiteLLM", must=0.2, aim=0.1), ratio(results, "st_c32", "litellm", _event_cpu)),
        (Bar(told=f"{event}nginx", must=6, aim=4), ratio(results, "st_c32", "nginx", _event_cpu)),
        (
            Bar(told="added p50 at one connection / LiteLLM's", must=0.05, aim=0.025),
            _of(waits) if waits else Measured(value=None, why="ns_c1 was not run with `direct` and both"),
        ),
        (Bar(told="resident memory, one worker", must=140, aim=100, unit=" MB"), resident),
        (
            Bar(told="upstream aborts seen / client drops", must=1, exact=True),
            unsoaked if soaked is None else _of([soaked.seen]),
        ),
        (
            Bar(told="growth of memory over the last three blocks", must=5, unit=" MB"),
            unsoaked if soaked is None else _of([soaked.memory_growth]),
        ),
        (
            Bar(told="growth of descriptors over the same", must=0),
            unsoaked if soaked is None else _of([soaked.descriptor_growth]),
        ),
        (Bar(told="ledger rows / upstream requests", must=1, exact=True), rows),
    ]


def _of(values: Sequence[float]) -> Measured:
    if not values:
        return Measured(value=None, why="no round gave a figure")
    return Measured(value=median(values), least=min(values), most=max(values))
