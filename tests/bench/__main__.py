"""The benchmark, run: `sh tests/bench/run.sh`, or `python -m tests.bench --help`. `… bundle`: see bundle.py."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.bench.bars import OURS, Bar, Measured, held
from tests.bench.bundle import main as bundle
from tests.bench.gateway import Gateway
from tests.bench.machine import machine
from tests.bench.measure import Bench
from tests.bench.peers import KNOWN
from tests.bench.report import bars_table, gateways_table, scenario_table, soak_table
from tests.bench.rounds import Results, play, say, started
from tests.bench.scenario import SCENARIOS
from tests.bench.soak import Soaked, soak
from tests.bench.upstream import Upstream, build


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run found, as it is written to JSON."""

    when: str
    machine: str
    load_average: list[float]  # at the start and at the end, over a minute
    rounds: int
    seconds: float
    results: Results
    soaked: Soaked | None
    rows: Measured


def main() -> None:
    if sys.argv[1:2] == ["bundle"]:
        sys.argv.pop(1)
        bundle()
        return
    told = _arguments()
    home, work = Path(told.home), Path(told.work)
    build(work / "bin")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a killed run stops its gateways
    scenarios = [SCENARIOS[name] for name in told.scenarios.split(",") if name]
    before = os.getloadavg()[0]
    with Upstream(work / "bin" / "mockup", told.port, told.load_core) as upstream:
        bench = Bench(
            upstream=upstream,
            loadgen=work / "bin" / "loadgen",
            load_core=told.load_core,
            seconds=told.seconds,
            warm_up=told.warm_up,
        )
        with started(told.gateways.split(","), home, work, bench, told.gateway_core) as gateways:
            results = play(gateways, scenarios, bench, told.rounds)
            ours = next((one for one in gateways if one.name == OURS), None)
            soaked = soak(ours, bench, told.soak) if ours is not None and told.soak else None
    run = Run(
        when=time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        machine=machine(),
        load_average=[before, os.getloadavg()[0]],
        rounds=told.rounds,
        seconds=told.seconds,
        results=results,
        soaked=soaked,
        rows=_rows(ours),
    )
    bars = held(results, ours.peak if ours else None, run.rows, soaked)
    _write(run, gateways, bars, Path(told.out))


def _rows(ours: Gateway | None) -> Measured:
    """Looked at after the stop: every row is on disk by then."""
    if ours is None or ours.described.attempts is None:
        return Measured(value=None, why="it was not run")
    kept = ours.described.attempts()
    say(f"ledger: {kept} upstream requests by its rows, {ours.generations} seen by the upstream")
    return Measured(value=kept / max(1, ours.generations))


def _write(run: Run, gateways: Sequence[Gateway], bars: Sequence[tuple[Bar, Measured]], out: Path) -> None:
    load = " to ".join(f"{one:.1f}" for one in run.load_average)
    parts = [
        f"{run.when}; {run.machine}; load average {load}; {run.rounds} rounds of {run.seconds:g} s.",
        gateways_table(gateways),
        *(scenario_table(SCENARIOS[name], run.results, run.rounds, run.seconds) for name in run.results),
    ]
    if run.soaked is not None:
        parts += ["### Soak", soak_table(run.soaked)]
    parts += ["### Bars", bars_table(bars)]
    text = "\n\n".join(parts) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    (out / "table.md").write_text(text)
    (out / "figures.json").write_bytes(msgspec.json.format(msgspec.json.encode(run)))
    print(text)
    say(f"written to {out}")


def _arguments() -> argparse.Namespace:
    home = os.environ.get("BENCH_HOME") or str(Path.home() / ".cache" / "redoubt-bench")
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--gateways", default="direct,nginx,sglang,litellm,ours", help=f"of: {', '.join(KNOWN)}")
    parser.add_argument("--scenarios", default="ns_c1,ns_c64,st_c32", help=f"of: {', '.join(SCENARIOS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="measured in each round")
    parser.add_argument("--warm-up", type=float, default=1.0, help="seconds before that")
    parser.add_argument("--soak", type=int, default=10_000, help="streams; 0: none")
    parser.add_argument("--home", default=home, help="where peers.sh installed them")
    parser.add_argument("--work", default=f"{home}/work", help="emptied for each gateway")
    parser.add_argument("--out", default=f"{home}/results", help="where table.md and figures.json go")
    parser.add_argument("--port", type=int, default=9100, help="of the mock; gateways follow from 10 above it")
    parser.add_argument("--gateway-core", default="0")
    parser.add_argument("--load-core", default="1")
    return parser.parse_args()


if __name__ == "__main__":
    main()
