"""One scenario at one gateway, once."""

import time
from pathlib import Path
from typing import Any

import msgspec

from tests.bench.gateway import Gateway, load_argv
from tests.bench.scenario import Scenario, request
from tests.bench.upstream import Upstream, load, result_of

LOOK = 0.25  # seconds between looks at the memory


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how long is measured. Times in seconds."""

    upstream: Upstream
    loadgen: Path
    load_core: str
    seconds: float
    warm_up: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement. CPU is the gateway's whole family's, over warm-up and measured time, for what came in both."""

    bad: int  # answers that were errors, incomplete, or not 2xx
    first_error: str
    requests_per_s: float
    events_per_s: float
    cpu_per_request: float  # microseconds
    cpu_per_event: float | None  # microseconds; None: nothing was streamed
    cpu_share: float  # of one core
    memory: float  # resident megabytes at the end
    latency: dict[str, float]  # p50, p90, p99 of whole answers, microseconds
    first_event: dict[str, float]
    delay: dict[str, float]  # from the mock's write to the client's read of each token


def measure(gateway: Gateway, scenario: Scenario, bench: Bench) -> Figures:
    """Raises RuntimeError when the load generator fails."""
    bench.upstream.set(scenario.query)
    before = bench.upstream.settled()
    argv = load_argv(gateway, request(stream=scenario.stream))
    argv += ["--conns", str(scenario.connections), "--duration", str(bench.seconds), "--warmup", str(bench.warm_up)]
    if scenario.stream:
        argv.append("--stream")
    cpu, began = gateway.cpu(), time.monotonic()
    running = load(bench.loadgen, bench.load_core, argv)
    while running.poll() is None:
        gateway.memory()
        time.sleep(LOOK)
    wall = time.monotonic() - began
    result = result_of(running)
    after = bench.upstream.settled()  # answers cut off by the end of the load are settled too
    spent = gateway.cpu() - cpu
    asked = max(1, after["generations"] - before["generations"])
    gateway.generations += asked
    return _figures(result, spent, asked, wall, (bench.seconds + bench.warm_up) / bench.seconds, gateway.memory())


def _figures(result: dict[str, Any], spent: float, asked: int, wall: float, whole: float, memory: float) -> Figures:
    """`whole`: all of the load's time as a multiple of the measured part; events are counted only in that."""
    events = result["events"] * whole
    return Figures(
        bad=result["errors"] + result["non2xx"] + result["incomplete"] + result["stream_errors"],
        first_error=result["first_error"],
        requests_per_s=result["rps"],
        events_per_s=result["events"] / result["seconds"],
        cpu_per_request=spent / asked * 1e6,
        cpu_per_event=spent / events * 1e6 if events else None,
        cpu_share=spent / wall,
        memory=memory,
        latency=_quantiles(result, "lat_us"),
        first_event=_quantiles(result, "ttft_us"),
        delay=_quantiles(result, "delay_us"),
    )


def _quantiles(result: dict[str, Any], name: str) -> dict[str, float]:
    found = result.get(name, {})
    return {quantile: found[quantile] for quantile in ("p50", "p90", "p99") if quantile in found}
