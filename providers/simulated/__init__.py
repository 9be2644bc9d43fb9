"""Emulated inference servers: vLLM, Ollama, TGI and two further OpenAI dialects, with every fault they can have.

For demos without a GPU, for tests and for load. Deterministic: one prompt, one answer. Nothing is ever dialled.

    async with vllm(VllmSettings(models=("tiny",))) as server:
        server.faults.set(Fault.OVERLOAD_IN_STREAM, times=1)
        ... server.url ... server.stats.aborted ... server.seen[-1].json()
"""

import time
from collections.abc import Callable

from providers.simulated.faults import Fault, FaultSwitch, Unsupported
from providers.simulated.generic.emulator import GenericEmulator
from providers.simulated.generic.llama_cpp import LlamaCpp
from providers.simulated.generic.transformers import Transformers
from providers.simulated.ollama.emulator import OllamaEmulator
from providers.simulated.service import Simulated
from providers.simulated.settings import (
    LlamaCppSettings,
    OllamaModel,
    OllamaSettings,
    Settings,
    TgiSettings,
    VllmSettings,
)
from providers.simulated.stats import SeenRequest, Stats
from providers.simulated.tgi.emulator import TgiEmulator
from providers.simulated.vllm.emulator import VllmEmulator

__all__ = [
    "Fault",
    "FaultSwitch",
    "LlamaCppSettings",
    "OllamaModel",
    "OllamaSettings",
    "SeenRequest",
    "Settings",
    "Simulated",
    "Stats",
    "TgiSettings",
    "Unsupported",
    "VllmSettings",
    "llama_cpp",
    "ollama",
    "tgi",
    "transformers",
    "vllm",
]


def vllm(settings: VllmSettings | None = None, *, now: Callable[[], float] = time.time) -> Simulated:
    """An emulated vLLM; `now` gives Unix seconds."""
    return Simulated(VllmEmulator(settings or VllmSettings(), now), now)


def ollama(settings: OllamaSettings | None = None, *, now: Callable[[], float] = time.time) -> Simulated:
    """An emulated Ollama; `now` gives Unix seconds, by which loaded models expire."""
    return Simulated(OllamaEmulator(settings or OllamaSettings(), now), now)


def tgi(settings: TgiSettings | None = None, *, now: Callable[[], float] = time.time) -> Simulated:
    """An emulated TGI; `now` gives Unix seconds."""
    return Simulated(TgiEmulator(settings or TgiSettings(), now), now)


def llama_cpp(settings: Settings | None = None, *, now: Callable[[], float] = time.time) -> Simulated:
    """An emulated llama-cpp-python server; `now` gives Unix seconds. With plain `Settings` nothing is interrupted."""
    return Simulated(GenericEmulator(settings or LlamaCppSettings(), LlamaCpp(), now), now)


def transformers(settings: Settings | None = None, *, now: Callable[[], float] = time.time) -> Simulated:
    """An emulated `transformers serve`; `now` gives Unix seconds."""
    return Simulated(GenericEmulator(settings or Settings(), Transformers(), now), now)
