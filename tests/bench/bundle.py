"""What the way across the gap costs: `sh tests/bench/run.sh bundle`, or `python -m tests.bench bundle --help`.

Real bundles of this checkout are built, verified, installed where loopback is the only network, upgraded, rolled back,
checked, audited and removed. Prints each bar of the issue as met or not met, and writes Markdown for the docs.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.bench.bars import Bar, Measured
from tests.bench.bundle_site import Lived, live
from tests.bench.bundle_table import Run, text
from tests.bench.bundle_time import Timed, timed
from tests.bench.machine import machine
from tests.bench.rounds import say
from tests.e2e.bundle.made import PYTHON, Made, Maker, bundle, committed
from tests.e2e.bundle.older import SIX, before
from tests.system.releases import ROOT, Release, later_release, this_release

ALL = ("3.11", "3.12", "3.13")
FIRST, UPDATE = 7, 8
LATER = "9.1.0"


class Builds(msgspec.Struct, frozen=True):
    """Two builds of one commit, in two folders; and one whose wheels had to be fetched first."""

    warm: list[Timed]
    cold: Timed | None
    same: bool


class Share(msgspec.Struct, frozen=True):
    """An update of six packages against the full bundle."""

    update: int
    whole: int
    parts: dict[str, int]  # path in the bundle -> bytes; the greatest first

    @property
    def percent(self) -> float:
        return 100 * self.update / self.whole


def main() -> None:
    told = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a killed run stops its gateway
    before_, folder = os.getloadavg()[0], Path(tempfile.mkdtemp(prefix="redoubt-bench-", dir=told.work))
    maker = Maker(ROOT / ".cache" / "bundle")
    try:
        say("a bundle for one Python, one for three, and a later one")
        one, three = maker.release(this_release(), FIRST), maker.release(this_release(), FIRST, ALL)
        later = committed(later_release(folder / "later", LATER))
        update = maker.release(later, UPDATE, ALL)
        lived = live(folder, three, update, told.rounds)
        shares = {} if told.no_six else _shares(maker, folder, {1: (one, (PYTHON,)), 3: (three, ALL)})
        builds = _builds(maker, folder, cold=told.cold) if told.builds else None
    finally:
        shutil.rmtree(folder)
    run = Run(
        when=time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        machine=machine(),
        load_average=[before_, os.getloadavg()[0]],
        commit=_commit(),
        rounds=told.rounds,
        sizes={"one Python": (one.files, one.bytes), "three Pythons": (three.files, three.bytes)},
        figures=_figures(lived, builds),
        steps=lived.steps,
        parts={f"{count} Python{'s' * (count > 1)}": share.parts for count, share in shares.items()},
        bars=_bars(lived, shares, builds),
    )
    out = Path(told.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "bundle.md").write_text(text(run))
    (out / "bundle.json").write_bytes(msgspec.json.format(msgspec.json.encode(run)))
    print(text(run))
    say(f"written to {out}")


def _builds(maker: Maker, folder: Path, *, cold: bool) -> Builds:
    """Of what is committed: clones in two folders."""
    say("two builds of one commit in two folders")
    made, times = [], []
    for name in ("here", "some/where/else"):
        tree = folder / "clones" / name
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(tree)], check=True)
        out = folder / "built" / name
        built, spent = timed(lambda tree=tree, out=out: maker.build(tree, out, FIRST, ALL))  # type: ignore[misc]  # bound
        made.append((built / "SHA256SUMS").read_bytes())
        times.append(spent)
    fetched = None
    if cold:
        say("a build for one Python with an empty cache of wheels")
        _, fetched = timed(lambda: maker.build(ROOT, folder / "cold", FIRST, wheels=folder / "empty"))
    return Builds(times, fetched, made[0] == made[1])


def _shares(maker: Maker, folder: Path, full: dict[int, tuple[Made, Sequence[str]]]) -> dict[int, Share]:
    say(f"the release before an update of {', '.join(SIX)}")
    old = before(folder / "six", maker.wheels, ALL)
    return {count: _share(maker, folder, old, made, (FIRST - 1, pythons)) for count, (made, pythons) in full.items()}


def _share(maker: Maker, folder: Path, old: Release, made: Made, of: tuple[int, Sequence[str]]) -> Share:
    known = maker.release(old, *of)
    packed = msgspec.json.decode(
        bundle("pack", made.folder, "--against", known.folder, "--out", folder / "packed", "--json")
    )
    listed = {path: (made.folder / path).stat().st_size for path in _lacking(made.folder, known.folder)}
    return Share(packed["bytes"], made.bytes, dict(sorted(listed.items(), key=lambda one: -one[1])))


def _lacking(new: Path, old: Path) -> list[str]:
    """Files whose content the older has nowhere."""
    there = {line.split()[0] for line in (old / "SHA256SUMS").read_text().splitlines()[1:]}
    lines = [line.split() for line in (new / "SHA256SUMS").read_text().splitlines()[1:]]
    return [path for sha256, path in lines if sha256 not in there]


def _figures(lived: Lived, builds: Builds | None) -> dict[str, list[Timed]]:
    found = dict(lived.times)
    if builds is not None:
        found["build, three Pythons, wheels at hand"] = builds.warm
        if builds.cold is not None:
            found["build, one Python, wheels fetched"] = [builds.cold]
    return found


def _bars(lived: Lived, shares: dict[int, Share], builds: Builds | None) -> list[tuple[Bar, Measured]]:
    none = Measured(value=None, why="it was left out")
    same = none if builds is None else Measured(value=float(builds.same))
    return [
        (Bar(told="offline install, full bundle, no network", must=60, unit=" s"), _of(lived.times["install"])),
        (Bar(told="rollback", must=15, unit=" s"), _of(lived.times["rollback"])),
        (Bar(told="`verify.sh`, full bundle", must=10, unit=" s"), _of(lived.times["verify.sh"])),
        *(
            (
                Bar(told=f"update of six packages, bundle for {count} Python{'s' * (count > 1)}", must=15, unit=" %"),
                Measured(value=share.percent, least=share.percent, most=share.percent),
            )
            for count, share in sorted(shares.items(), reverse=True)
        ),
        (Bar(told="two builds of one commit: same SHA256SUMS", must=1, exact=True), same),
        (Bar(told="spend totals before / after upgrade and rollback", must=1, exact=True), lived.totals),
    ]


def _of(times: Sequence[Timed]) -> Measured:
    seconds = sorted(one.seconds for one in times)
    return Measured(value=seconds[len(seconds) // 2], least=seconds[0], most=seconds[-1])


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _arguments() -> argparse.Namespace:
    home = os.environ.get("BENCH_HOME") or str(Path.home() / ".cache" / "redoubt-bench")
    parser = argparse.ArgumentParser(prog="python -m tests.bench bundle", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="install, upgrade, rollback, removal so many times")
    parser.add_argument("--no-six", action="store_true", help="leave the update of six packages out (asks an index)")
    parser.add_argument("--no-builds", dest="builds", action="store_false", help="leave the two timed builds out")
    parser.add_argument("--cold", action="store_true", help="time a build whose wheels have to be fetched, too")
    parser.add_argument("--work", default=None, help="where the sites lie; usual: a temporary folder")
    parser.add_argument("--out", default=f"{home}/results", help="where bundle.md and bundle.json go")
    return parser.parse_args()
