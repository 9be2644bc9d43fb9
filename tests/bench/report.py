"""The tables, as Markdown."""

from collections.abc import Callable, Sequence
from statistics import median

from tests.bench.bars import Bar, Measured, added
from tests.bench.gateway import Gateway
from tests.bench.measure import Figures
from tests.bench.rounds import Results
from tests.bench.scenario import Scenario
from tests.bench.soak import Soaked

Column = tuple[str, Callable[[Figures], float | None], int]
"""Title, figure, digits after the point."""

WHOLE: tuple[Column, ...] = (
    ("requests/s", lambda one: one.requests_per_s, 0),
    ("CPU µs/request", lambda one: one.cpu_per_request, 1),
    ("p50 µs", lambda one: one.latency.get("p50"), 0),
    ("p99 µs", lambda one: one.latency.get("p99"), 0),
)
STREAMED: tuple[Column, ...] = (
    ("events/s", lambda one: one.events_per_s, 0),
    ("CPU µs/event", lambda one: one.cpu_per_event, 1),
    ("first event p50 µs", lambda one: one.first_event.get("p50"), 0),
    ("delay p50 µs", lambda one: one.delay.get("p50"), 0),
    ("delay p99 µs", lambda one: one.delay.get("p99"), 0),
)
COMMON: tuple[Column, ...] = (
    ("bad answers", lambda one: one.bad, 0),
    ("CPU %", lambda one: one.cpu_share * 100, 0),
    ("RSS MB", lambda one: one.memory, 0),
)


def scenario_table(scenario: Scenario, results: Results, rounds: int, seconds: float) -> str:
    """One line a gateway, medians over the rounds."""
    columns = (*(STREAMED if scenario.stream else WHOLE), *COMMON)
    titles = [title for title, _, _ in columns]
    wants_added = not scenario.stream
    if wants_added:
        titles.append("added p50 µs")
    lines = [
        f"### {scenario.name}: {scenario.told}",
        "",
        f"Medians of {rounds} interleaved rounds of {seconds:g} s.",
        "",
        *_head("gateway", *titles),
    ]
    for name, figures in results[scenario.name].items():
        cells = [_cell([of(one) for one in figures], digits) for _, of, digits in columns]
        if wants_added:
            cells.append(_cell(added(results, name, scenario.name), 0))
        lines.append(_line(name, *cells))
    return "\n".join(lines)


def bars_table(held: Sequence[tuple[Bar, Measured]]) -> str:
    lines = _head("bar", "must", "aim", "measured", "least - most", "verdict")
    for bar, found in held:
        must = f"= {bar.must:g}" if bar.exact else f"≤ {bar.must:g}{bar.unit}"
        aim = "" if bar.aim is None else f"≤ {bar.aim:g}{bar.unit}"
        value = "-" if found.value is None else f"{found.value:.4g}{bar.unit}"
        spread = "" if found.value is None or found.least == found.most else f"{found.least:.3g} - {found.most:.3g}"
        lines.append(_line(bar.told, must, aim, value, spread, bar.verdict(found)))
    return "\n".join(lines)


def gateways_table(gateways: Sequence[Gateway]) -> str:
    lines = _head("gateway", "version", "started in", "RSS, most", "what it does not do")
    for one in gateways:
        start = "" if one.started_in is None else f"{one.started_in:.1f} s"
        peak = f"{one.peak:.0f} MB" if one.peak else ""
        lines.append(_line(one.name, one.described.version, start, peak, one.described.lacks))
    return "\n".join(lines)


def soak_table(soaked: Soaked) -> str:
    titles = ("whole", "dropped by the client", "aborts seen upstream", "bad", "RSS MB", "descriptors", "s")
    lines = _head("block", *titles)
    for number, one in enumerate(soaked.blocks, start=1):
        counts = (one.whole, one.dropped, one.aborted, one.bad)
        cells = [*map(str, counts), f"{one.memory:.1f}", str(one.descriptors), f"{one.seconds:.0f}"]
        lines.append(_line(str(number), *cells))
    return "\n".join(lines)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([*_head(*titles), *(_line(*row) for row in rows)])


def _head(*titles: str) -> list[str]:
    return [_line(*titles), "|" + "---|" * len(titles)]


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(values: Sequence[float | None], digits: int) -> str:
    found = [value for value in values if value is not None]
    return f"{median(found):,.{digits}f}" if found else "-"
