"""The life of a site, timed: verified, installed, upgraded, rolled back, checked, audited, removed."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tests.bench.bars import Measured
from tests.bench.bundle_time import Timed, timed
from tests.bench.rounds import say
from tests.e2e.bundle.made import Made
from tests.e2e.bundle.placed import Placed, good, placed
from tests.e2e.site import eventually
from tests.fakes.bare_root import BareRoot

STEP = re.compile(r"(?m)^\[ *\d+/\d+\] (\S+) .*?([\d.]+) s$")
ASKED = 5
AUDITED = (0, 11, 20)  # clean, answered for, or stale, which the shipped seed is


class Lived(msgspec.Struct, frozen=True):
    """By name of the deed: how long it took in each round; the steps of installs likewise, in seconds."""

    times: Mapping[str, list[Timed]]
    steps: Mapping[str, list[float]]
    totals: Measured  # 1: equal before and after, in every round


def live(folder: Path, first: Made, update: Made, rounds: int) -> Lived:
    times: dict[str, list[Timed]] = defaultdict(list)
    steps: dict[str, list[float]] = defaultdict(list)
    equal = 0
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}: install, upgrade, rollback, removal")
        place = folder / str(number)
        place.mkdir()
        with placed(place) as (site, url):
            equal += _round(site, url, (first, update), (times, steps))
    return Lived(times, steps, Measured(value=equal / rounds))


def _round(
    site: Placed,
    url: str,
    bundles: tuple[Made, Made],
    into: tuple[dict[str, list[Timed]], dict[str, list[float]]],
) -> bool:
    """Whether the totals stayed equal."""
    (first, update), (times, steps) = bundles, into

    def deed(name: str, ran: subprocess.CompletedProcess[str], spent: Timed, codes: tuple[int, ...] = (0,)) -> None:
        assert ran.returncode in codes, f"{name}: {ran.stdout[-900:]}{ran.stderr[-900:]}"
        times[name].append(spent)

    bare = BareRoot.make(site.prefix.parent / "bare")
    deed("verify.sh", *timed(lambda: bare.verify(first.folder, first.fingerprint)))
    installed, spent = timed(lambda: site.install(first))
    deed("install", installed, spent)
    for name, seconds in STEP.findall(installed.stderr):
        steps[name].append(float(seconds))
    site.serves(url)
    site.answers(ASKED)
    eventually(lambda: bool(site.total()["requests"] == ASKED))
    totals = [site.total()]
    deed("verify-installed", *timed(lambda: site.installer("verify-installed")))
    deed("sbom deployed", *timed(lambda: site.redoubt("sbom", "deployed")))
    audit = ("audit", "run", "--without-natives", "the seed is about Python alone")
    deed("audit run", *timed(lambda: site.redoubt(*audit)), AUDITED)
    deed("upgrade", *timed(lambda: site.installer("upgrade", update.folder, "--yes")))
    totals.append(site.total())
    deed("rollback", *timed(lambda: site.installer("rollback")))
    totals.append(site.total())
    good(site.redoubt("smoke"))
    deed("uninstall --purge", *timed(lambda: site.installer("uninstall", "--purge", "--yes")))
    return all(one == totals[0] for one in totals)
