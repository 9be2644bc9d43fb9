"""What was measured on the way across the gap, as Markdown."""

from collections.abc import Mapping, Sequence
from statistics import median

import msgspec

from tests.bench.bars import Bar, Measured
from tests.bench.bundle_time import Timed
from tests.bench.report import bars_table, table

PARTS = 12  # shown one by one


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run found, as it is written to JSON."""

    when: str
    machine: str
    load_average: list[float]  # at the start and at the end, over a minute
    commit: str
    rounds: int
    sizes: Mapping[str, tuple[int, int]]  # files, bytes
    figures: Mapping[str, list[Timed]]
    steps: Mapping[str, list[float]]  # of an install, seconds
    parts: Mapping[str, Mapping[str, int]]  # of an update of six packages, bytes
    bars: Sequence[tuple[Bar, Measured]]


def text(run: Run) -> str:
    load = " to ".join(f"{one:.1f}" for one in run.load_average)
    head = f"{run.when}; {run.machine}; load average {load}; commit {run.commit}; medians of {run.rounds} rounds."
    sizes = [(name, str(files), f"{size / 1e6:.1f} MB") for name, (files, size) in run.sizes.items()]
    deeds = [(name, *_wall(some), f"{_cpu(some):.1f}") for name, some in run.figures.items()]
    steps = [(name, *_seconds(some)) for name, some in run.steps.items()]
    parts = [
        head,
        bars_table(run.bars),
        table(("bundle for", "files", "size"), sizes),
        table(("deed", "s", "least - most", "CPU s"), deeds),
        "An install, step by step:",
        table(("step", "s", "least - most"), steps),
    ]
    for name, listed in run.parts.items():
        parts += [f"An update of six packages carries, in a bundle for {name}:", _carried(listed)]
    return "\n\n".join(parts) + "\n"


def _carried(listed: Mapping[str, int]) -> str:
    rows = [(path.rpartition("/")[2], f"{size / 1e3:,.0f}") for path, size in list(listed.items())[:PARTS]]
    rest = list(listed.values())[PARTS:]
    return table(("file", "kB"), [*rows, (f"{len(rest)} others", f"{sum(rest) / 1e3:,.0f}")])


def _cpu(times: Sequence[Timed]) -> float:
    return median(one.cpu for one in times)


def _wall(times: Sequence[Timed]) -> tuple[str, str]:
    return _seconds([one.seconds for one in times])


def _seconds(values: Sequence[float]) -> tuple[str, str]:
    spread = "" if len(values) == 1 else f"{min(values):.1f} - {max(values):.1f}"
    return f"{median(values):.1f}", spread
