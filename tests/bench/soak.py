"""Many streams, half of them dropped by their client midway: is every drop passed on, does anything grow?"""

import time

import msgspec

from tests.bench.gateway import Gateway, load_argv
from tests.bench.measure import Bench
from tests.bench.rounds import say
from tests.bench.scenario import request
from tests.bench.upstream import load, result_of

BLOCKS = 4
CONNECTIONS = 200
TOKENS = 40
DROPPED_AFTER = TOKENS // 4  # tokens
INTERVAL_US = 50_000
REST = 6.0  # seconds after a block: idle upstream connections have expired by then


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One quarter of the soak."""

    whole: int
    dropped: int  # by the client
    aborted: int  # seen by the upstream
    bad: int
    still_live: int  # upstream, after the rest
    memory: float  # resident megabytes, after the rest
    descriptors: int
    seconds: float


class Soaked(msgspec.Struct, frozen=True, kw_only=True):
    """All blocks."""

    blocks: list[Block]

    @property
    def dropped(self) -> int:
        return sum(block.dropped for block in self.blocks)

    @property
    def seen(self) -> float:
        """Upstream aborts to client drops."""
        return sum(block.aborted for block in self.blocks) / max(1, self.dropped)

    @property
    def memory_growth(self) -> float:
        """Megabytes since the end of the first block."""
        return self.blocks[-1].memory - self.blocks[0].memory

    @property
    def descriptor_growth(self) -> int:
        return self.blocks[-1].descriptors - self.blocks[0].descriptors


def soak(gateway: Gateway, bench: Bench, streams: int) -> Soaked:
    """Raises RuntimeError when the load generator fails."""
    bench.upstream.set(f"latency_us=0&interval_us={INTERVAL_US}")
    argv = load_argv(gateway, request(stream=True, tokens=TOKENS))
    argv += ["--stream", "--conns", str(CONNECTIONS), "--requests", str(streams // BLOCKS)]
    argv += ["--abort-after", str(DROPPED_AFTER), "--abort-pct", "50"]
    blocks = []
    for number in range(BLOCKS):
        blocks.append(_block(gateway, bench, argv))
        say(f"soak, block {number + 1} of {BLOCKS}: {blocks[-1]}")
    return Soaked(blocks=blocks)


def _block(gateway: Gateway, bench: Bench, argv: list[str]) -> Block:
    before, began = bench.upstream.settled(), time.monotonic()
    result = result_of(load(bench.loadgen, bench.load_core, argv))
    took = time.monotonic() - began
    time.sleep(REST)
    after = bench.upstream.settled()
    gateway.generations += after["generations"] - before["generations"]
    return Block(
        whole=result["ok"],
        dropped=result["aborted"],
        aborted=after["aborted"] - before["aborted"],
        bad=result["errors"] + result["non2xx"] + result["incomplete"] + result["stream_errors"],
        still_live=after["live_streams"],
        memory=gateway.memory(),
        descriptors=gateway.family.descriptors() if gateway.family else 0,
        seconds=took,
    )
