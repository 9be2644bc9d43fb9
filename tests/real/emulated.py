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

# Caught in the act: a stream of 400 tokens then takes at least 0.8 s.
SLOW = {"interval_s": 0.002}

FACTORIES: Mapping[str, Callable[[dict[str, Any]], simulated.Simulated]] = {
    "vllm": lambda settings: simulated.vllm(simulated.VllmSettings(**settings)),
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
    async with _emulator(server, setup, **SLOW) as emulator:
        return {**answers, **await probe.measured(emulator.url, server, setup)}


async def differences(server: Server) -> list[Difference]:
    """Every difference between the committed recording and the emulator, allowed or not."""
    emulated: dict[str, Shape] = {setup.name: await shapes(server, setup) for setup in server.setups}
    return list(compare.differences(record.committed(server)["shapes"], emulated))


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
