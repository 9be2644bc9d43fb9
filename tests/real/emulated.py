"""The emulators, started as a set-up says and probed like real servers.

`python -m tests.real.emulated` prints how each differs from the committed recording.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping
from typing import Any

from providers import simulated
from tests.real import compare, probe, record
from tests.real.allowed import ALLOWED
from tests.real.cases import MODEL
from tests.real.compare import Difference
from tests.real.setups import SERVERS, Server, Setup
from tests.real.shape import Shape
from tests.real.tiny_model import WINDOW

# What routing and the doctor read.
NEEDED_METRICS = frozenset(
    {
        *("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:num_requests_waiting_by_reason"),
        *("vllm:kv_cache_usage_perc", "vllm:cache_config_info", "vllm:engine_sleep_state"),
        *("vllm:time_to_first_token_seconds", "vllm:inter_token_latency_seconds", "vllm:e2e_request_latency_seconds"),
        *("vllm:request_time_per_output_token_seconds", "vllm:request_queue_time_seconds"),
        *("vllm:request_prefill_time_seconds", "vllm:request_decode_time_seconds", "vllm:prompt_tokens_total"),
        *("vllm:generation_tokens_total", "vllm:prompt_tokens_cached_total", "vllm:prefix_cache_queries_total"),
        *("vllm:prefix_cache_hits_total", "vllm:num_preemptions_total", "vllm:request_success_total"),
        "vllm:admission_rejections_total",
    }
)
CONFIGURATION = ("vllm:cache_config_info",)

FACTORIES: Mapping[str, Callable[[dict[str, Any]], simulated.Simulated]] = {
    # The recorded model's first token is whole: no chunk without text comes before it.
    "vllm": lambda settings: simulated.vllm(simulated.VllmSettings(empty_chunks=0, **settings)),
    "llama_cpp": lambda settings: simulated.llama_cpp(simulated.LlamaCppSettings(**settings)),
    "transformers": lambda settings: simulated.transformers(simulated.Settings(**settings)),
}


def _emulator(server: Server, setup: Setup, **more: object) -> simulated.Simulated:
    settings = {"models": (MODEL,), "context_length": WINDOW, **setup.settings, **more}
    return FACTORIES[server.emulator](settings)


async def shapes(server: Server, setup: Setup) -> dict[str, Shape]:
    """What the emulator answers to all that the set-up asks."""
    async with _emulator(server, setup) as emulator:
        answers = await probe.answers(emulator.url, setup)
    if not setup.measures:
        return answers
    async with _emulator(server, setup, **setup.pace) as emulator:
        return {**answers, **await probe.measured(emulator.url, server, setup)}


async def differences(server: Server) -> list[Difference]:
    """Every difference between the committed recording and the emulator, allowed or not."""
    emulated = {setup.name: await shapes(server, setup) for setup in server.setups}
    recorded = record.committed(server)["shapes"]
    assert isinstance(recorded, dict)
    for setup in server.setups:
        if "metrics" in setup.measures:
            recorded[setup.name]["metrics"] = _as_far_as_needed(recorded[setup.name]["metrics"], emulated[setup.name])
    return list(compare.differences(recorded, emulated))


def _as_far_as_needed(metrics: dict[str, Shape], emulated: dict[str, Shape]) -> dict[str, Shape]:
    """The recorded metrics an emulator must have, and those it has: a name it makes up is found, one it lacks is not.

    Of the configuration, told as labels, only those are kept that it tells too.
    """
    known = emulated["metrics"]
    assert isinstance(known, dict)
    kept = {name: metric for name, metric in metrics.items() if name in known or name in NEEDED_METRICS}
    told = {label for name in CONFIGURATION for label in known[name]["labels"]}
    return {
        name: {**metric, "labels": sorted(told & {*metric["labels"]})}
        if name in CONFIGURATION and isinstance(metric, dict)
        else metric
        for name, metric in kept.items()
    }


def main() -> int:
    failed = False
    for server in SERVERS:
        found = asyncio.run(differences(server))
        left, stale = compare.unexplained(server.name, found, ALLOWED)
        for difference in compare.grouped(left):
            print(f"{server.name}: {difference}")
        for allowance in stale:
            print(f"{server.name}: nothing needs the allowance `{allowance.path}` any more")
        print(f"  emulated {server.name}: {len(found)} differences, {len(left)} of them not allowed")
        failed |= bool(left or stale)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
