"""What finding personal data costs, beside stock Presidio with the same model in the same process.

    python -m tests.bench.privacy [--model FOLDER] [--rounds 15] [--novel 20000]

FOLDER is an unpacked NER model, loaded twice: by us for us, and as spaCy does for stock Presidio, with the same pipes.
Without one a blank English pipeline stands in on both sides, and that is told. Figures are CPU time of the process that
works, medians of interleaved rounds: on a shared machine the clock says little.
"""

import argparse
import asyncio
import contextlib
import hashlib
import os
import resource
import signal
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine

from appliance.domain.errors import RedactionUnavailable
from appliance.domain.privacy import Analysis, Entity
from appliance.domain.privacy_entities import ENTITIES
from appliance.redaction.pool import PooledAnalyser, PoolSettings, environment
from appliance.redaction.recognisers.ours import ours
from appliance.redaction.worker.engine import Engine
from appliance.redaction.worker.model import MANIFEST, Model, load, unwanted
from tests.bench.machine import machine
from tests.bench.privacy_texts import HURTING, KB, TEXTS, novel
from tests.fakes.privacy_worker import command

EVERYTHING = tuple(
    sorted({*ENTITIES, "UUID"} | {"MEDICAL_LICENSE", "US_BANK_NUMBER", "US_DRIVER_LICENSE", "US_PASSPORT"})
)
"""All that stock Presidio looks for in English by default, and what it does not know."""
ALL = Analysis(entities=tuple(Entity(name) for name in EVERYTHING))
PATTERNS = msgspec.structs.replace(ALL, model=False)
Say = Callable[[str], None]


class Stock(SpacyNlpEngine):  # type: ignore[misc]  # untyped here
    """Presidio's own engine, handed a pipeline instead of a name to download."""

    def __init__(self, nlp: Any) -> None:
        super().__init__()
        self.nlp = {"en": nlp}

    def load(self) -> None:
        """It is."""


def cpu(work: Callable[[], object], times: int) -> float:
    """Milliseconds of CPU for one call."""
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times * 1e3


def engine_table(model: Model | None, nlp: Any, rounds: int, say: Say) -> None:
    """`nlp`: the same model, as stock Presidio has it."""
    mine = Engine([model] if model else [], ours)
    plans = {"ours": mine.plan(ALL), "ours, patterns only": mine.plan(PATTERNS)}
    stock = AnalyzerEngine(nlp_engine=Stock(nlp), supported_languages=["en"])
    bare = AnalyzerEngine(nlp_engine=Stock(spacy.blank("en")), supported_languages=["en"])

    def find(name: str, text: str) -> None:
        with mine.zone():
            mine.find(plans[name], text)

    say("\n| text | stock | stock, no model | ours | ours, no model | ours / stock | no model: ours / stock |")
    say("|---|---|---|---|---|---|---|")
    for title, text in TEXTS.items():
        kinds: dict[str, Callable[[], object]] = {
            "stock": partial(stock.analyze, text, "en"),
            "stock, patterns only": partial(bare.analyze, text, "en"),
            **{name: partial(find, name, text) for name in plans},
        }
        took: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(rounds):
            for name, work in kinds.items():
                took[name].append(cpu(work, 3))
        size = len(text) / KB
        ms = {name: statistics.median(one) / size for name, one in took.items()}
        row = [f"{one:.2f}" for one in ms.values()]
        cold = ms["ours"] / ms["stock"]
        patterns = ms["ours, patterns only"] / ms["stock, patterns only"]
        say(f"| {title} | {row[0]} | {row[1]} | {row[2]} | {row[3]} | {cold:.2f} x | {patterns:.2f} x |")
    say("\n(ms of CPU per KB; bars: model <= 1.0 x, patterns <= 0.35 x)")
    say("\n| 64 KB of | ms/KB, model | ms/KB, patterns |")
    say("|---|---|---|")
    for title, text in HURTING.items():
        row = [f"{cpu(partial(find, name, text), 1) / (len(text) / KB):.2f}" for name in plans]
        say(f"| {title} | {row[0]} | {row[1]} |")


async def pool_table(line: Sequence[str], count: int, say: Say) -> None:
    settings = PoolSettings(workers=2, wait_s=60, deadline_s=20, cache_entries=1000)
    began = time.monotonic()
    async with PooledAnalyser(settings, line, environment()) as analyser:
        await analyser.find(ALL, ["warm"])
        say(f"\nfirst answer after a start: {time.monotonic() - began:.1f} s (clock)")
        (chat, *_) = TEXTS.values()
        await analyser.find(ALL, [chat])
        began = time.process_time()
        for _ in range(1000):
            await analyser.find(ALL, [chat])
        say(f"cached 1 KB: {time.process_time() - began:.3f} ms of CPU (bar: 1 ms)")
        for size in (300, KB):
            added = await turns(analyser, size)
            say(f"ten turns, nine cached, a last one of {size} signs: p50 {added:.1f} ms (clock; bar: 15 ms)")
        await killed(analyser, say)
        await lag(analyser, say)
        await hurt(analyser, say)
        await drift(analyser, count, say)
    for spares in (0, 1):
        await lost(line, spares, say)


async def lost(line: Sequence[str], spares: int, say: Say) -> None:
    """The only worker is killed: how long until the next answer. Bar: 2 s."""
    settings = PoolSettings(workers=1, spares=spares, wait_s=60, deadline_s=20)
    took: list[float] = []
    async with PooledAnalyser(settings, line, environment()) as analyser:
        for number in range(5):
            while not analyser.ready or len(analyser.spares) < spares:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            began = time.monotonic()
            os.kill(analyser.pids[0], signal.SIGKILL)
            while len(took) == number:
                with contextlib.suppress(RedactionUnavailable):
                    await analyser.find(ALL, [f"lost {time.monotonic()} {TEXTS['chat 1 KB']}"])
                    took.append(time.monotonic() - began)
    told = f"p50 {statistics.median(took):.2f} s, worst {max(took):.2f} s"
    say(f"the only worker killed, {spares} kept ready: the next answer after {told} (clock; bar: 2 s)")


async def turns(analyser: PooledAnalyser, size: int) -> float:
    """What the privacy step adds to a chat whose history is known: milliseconds of the clock. Bar: 15."""
    took: list[float] = []
    for round_ in range(30):
        said = [f"{round_} {turn} {TEXTS['chat 1 KB']}"[:size] for turn in range(10)]
        await analyser.find(ALL, said[:9])
        began = time.monotonic()
        await analyser.find(ALL, said)
        took.append((time.monotonic() - began) * 1e3)
    return statistics.median(took)


async def killed(analyser: PooledAnalyser, say: Say) -> None:
    """A worker is killed while both work: how long until an answer, and until both are there again."""

    async def busy(which: int) -> None:
        number = 0
        while True:
            number += 1
            with contextlib.suppress(RedactionUnavailable):
                await analyser.find(ALL, [f"killed {which} {number} {TEXTS['chat 1 KB']}"])

    while len(analyser.pids) < 2:  # noqa: ASYNC110 -- a worker is there when it has loaded
        await asyncio.sleep(0.05)
    working = [asyncio.ensure_future(busy(which)) for which in range(2)]
    await asyncio.sleep(1)
    began, before = time.monotonic(), set(analyser.pids)
    os.kill(analyser.pids[0], signal.SIGKILL)
    while True:
        with contextlib.suppress(RedactionUnavailable):
            await analyser.find(ALL, [f"after {time.monotonic()}"])
            break
    again = time.monotonic() - began
    while len(analyser.pids) < 2 or set(analyser.pids) == before:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    both = time.monotonic() - began
    say(f"a worker killed under load: an answer after {again:.2f} s, both back after {both:.1f} s (clock; bar: 2 s)")
    for one in working:
        one.cancel()
    await asyncio.gather(*working, return_exceptions=True)


async def lag(analyser: PooledAnalyser, say: Say) -> None:
    """How late a timer of the gateway's loop rings while both workers work, and while none does."""

    async def late(seconds: float) -> list[float]:
        lags: list[float] = []
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (now := loop.time()) < until:
            await asyncio.sleep(0.002)
            lags.append((loop.time() - now - 0.002) * 1e3)
        return sorted(lags)

    async def busy(which: int) -> None:
        number = 0
        while True:
            number += 1
            await analyser.find(ALL, [f"{which} {number} " + TEXTS["mixed 10 KB"]])

    idle = await late(5)
    working = [asyncio.ensure_future(busy(which)) for which in range(2)]
    loaded = await late(10)
    for one in working:
        one.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    told = [f"p50 {one[len(one) // 2]:.1f}, p99 {one[int(len(one) * 0.99)]:.1f} ms" for one in (idle, loaded)]
    say(f"loop lag: {told[0]} idle; {told[1]} while two workers work (bar: p99 10 ms)")


async def hurt(analyser: PooledAnalyser, say: Say) -> None:
    ended: list[str] = []
    for title, text in HURTING.items():
        began = time.monotonic()
        try:
            await analyser.find(ALL, [text])
        except RedactionUnavailable:
            ended.append(f"{title}: 503 after {time.monotonic() - began:.1f} s")
        else:
            ended.append(f"{title} {time.monotonic() - began:.1f} s")
    say(f"64 KB texts through the pool (clock): {'; '.join(ended)}")


async def drift(analyser: PooledAnalyser, count: int, say: Say) -> None:
    """Memory of the pool after a tenth of the novel texts and after all of them."""

    def resident() -> float:
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in analyser.pids]
        return sum(pages) * resource.getpagesize() / 2**20

    async def some(first: int, last: int) -> None:
        for number in range(first, last, 2):
            await asyncio.gather(*(analyser.find(ALL, [novel(one)]) for one in (number, number + 1)))

    await some(0, count // 10)
    before, workers = resident(), analyser.pids
    await some(count // 10, count)
    after = resident()
    replaced = "" if workers == analyser.pids else " (workers were replaced in between)"
    say(f"{count} requests of novel words: {before:.0f} -> {after:.0f} MB over the pool{replaced} (bar: +50 MB)")


def named(folder: Path) -> tuple[Path, str]:
    return folder, hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--novel", type=int, default=20_000)
    told = parser.parse_args()
    missing = [name for name, value in environment().items() if os.environ.get(name) != value]
    if missing:  # libraries read it when they are imported: start again with what a worker has
        again = [sys.executable, "-m", "tests.bench.privacy", *_again(told)]
        os.execve(sys.executable, again, {**os.environ, **environment()})
    model = load(*named(told.model)) if told.model else None
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}; model: {model.name if model else 'none, a blank pipeline'}")
    nlp = spacy.load(told.model, exclude=unwanted(told.model)) if told.model else spacy.blank("en")
    engine_table(model, nlp, told.rounds, print)
    arguments = [str(one) for one in named(told.model)] if told.model else []
    asyncio.run(pool_table(command("shipped", *arguments), told.novel, print))


def _again(told: argparse.Namespace) -> list[str]:
    model = ["--model", str(told.model.resolve())] if told.model else []
    return [*model, "--rounds", str(told.rounds), "--novel", str(told.novel)]


if __name__ == "__main__":
    main()
