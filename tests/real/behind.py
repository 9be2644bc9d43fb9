"""A real server behind a real gateway, as the suites of the SDKs find it."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tests.e2e.site import Site
from tests.real import servers
from tests.real.setups import SERVERS, Server, Setup

CROWD = 4  # requests that fill vLLM's queue, and as many as a suite has under way at once
SETUPS: Mapping[str, Setup] = MappingProxyType(
    {
        "vllm": Setup(
            "sdk",
            (),
            (
                *("--max-num-seqs", str(CROWD), "--max-num-queued-reqs", str(CROWD)),
                *("--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
            ),
        ),
        # Left alone, it breaks off a stream when another request comes; see the measure `interruption`.
        "llama-cpp-python": Setup("sdk", (), ("--interrupt_requests", "false")),
        "transformers-serve": Setup("sdk", ()),
    }
)
EMBEDDERS: Mapping[str, Setup] = MappingProxyType(
    {
        "vllm": Setup("sdk embedder", (), ("--runner", "pooling", "--convert", "embed")),
        "llama-cpp-python": Setup("sdk embedder", (), ("--embedding", "true")),
    }
)
PROVIDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "vllm": ("vllm",),
        "llama-cpp-python": ("openai_compatible",),
        "transformers-serve": ("openai_compatible", "--option", "strict_fields=true"),
    }
)


class Real(NamedTuple):
    """A real server behind a gateway, as the model `real`."""

    name: str
    url: str  # of the server itself
    site: Site
    key: str

    def can(self, *names: str) -> bool:
        return self.name in names

    def deploy(self, model: str, url: str) -> None:
        """Register a server of this kind as a model."""
        provider, *options = PROVIDERS[self.name]
        self.site.deploy(f"{model}/a", provider, url, "tiny", *options)


@contextmanager
def started(name: str, setup: Setup, cache: Path) -> Iterator[str]:
    """The server's URL; one event loop from start to stop, for it owns the process."""
    server: Server = next(each for each in SERVERS if each.name == name)
    with asyncio.Runner() as runner:
        running = servers.running(server, setup, cache)
        url = runner.run(anext(running.gen))
        try:
            yield url
        finally:
            runner.run(running.gen.aclose())
