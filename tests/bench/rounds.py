"""Interleaved rounds: A B C, then C B A, so that a noisy machine hurts all alike."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.gateway import Gateway, Place
from tests.bench.measure import Bench, Figures, measure
from tests.bench.peers import KNOWN
from tests.bench.scenario import Scenario

Results = dict[str, dict[str, list[Figures]]]
"""[scenario][gateway][round]"""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def started(names: Sequence[str], home: Path, work: Path, bench: Bench, core: str) -> Iterator[list[Gateway]]:
    """Those that could be started; the others are reported. All are stopped at the end."""
    running: list[Gateway] = []
    try:
        for offset, name in enumerate(names, start=10):
            place = Place(home=home, work=work / name, upstream=bench.upstream.url, port=bench.upstream.port + offset)
            if (gateway := _started(name, place, bench, core)) is not None:
                running.append(gateway)
        yield running
    finally:
        for gateway in running:
            gateway.stop()


def _started(name: str, place: Place, bench: Bench, core: str) -> Gateway | None:
    before = bench.upstream.stats()["generations"]
    try:
        gateway = Gateway(name, KNOWN[name], place, core)
        gateway.start()
    except subprocess.CalledProcessError as error:
        say(f"!! {name} is left out: {error}: {error.stderr}")
        return None
    except (OSError, RuntimeError) as error:
        say(f"!! {name} is left out: {error}")
        return None
    gateway.generations = bench.upstream.settled()["generations"] - before
    if gateway.started_in is not None:
        say(f"started {name} {gateway.described.version} in {gateway.started_in:.1f} s, {gateway.memory():.0f} MB")
    return gateway


def play(gateways: Sequence[Gateway], scenarios: Sequence[Scenario], bench: Bench, rounds: int) -> Results:
    """Raises RuntimeError when the load generator fails."""
    results: Results = {scenario.name: {one.name: [] for one in gateways} for scenario in scenarios}
    for number in range(rounds):
        for scenario in scenarios:
            for gateway in gateways if number % 2 == 0 else reversed(gateways):
                figures = measure(gateway, scenario, bench)
                results[scenario.name][gateway.name].append(figures)
                if figures.bad:
                    say(f"!! {gateway.name} {scenario.name}: {figures.bad} bad answers, {figures.first_error[:200]!r}")
        say(f"round {number + 1} of {rounds} done")
    return results
