"""kill -9 of a real upgrade, with the real gateway: the old release or the new one serves, and no total differs."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from installer.verbs.stories import UPGRADE
from tests.e2e.bundle.made import Made
from tests.e2e.bundle.placed import Placed, good, placed
from tests.e2e.site import eventually

pytestmark = [pytest.mark.index, pytest.mark.timeout(7200)]

# While the old one is down and the new one not yet up; with --long every boundary of every step.
SHORT = ("before commit",)
KILLED = -9


@pytest.fixture
def site(first: Made, tmp_path: Path) -> Iterator[Placed]:
    with placed(tmp_path) as (one, url):
        good(one.install(first))
        one.serves(url)
        yield one


def boundaries() -> list[str]:
    """In the order in which an upgrade passes them; those behind the commit last."""
    events = [f"{event}:{step.name}" for step in UPGRADE.before for event in ("do", "done")]
    events += ["commit", *(f"done:{step.name}" for step in UPGRADE.after), "end"]
    return ["before begin", "after begin", *(f"{side} {event}" for event in events for side in ("before", "after"))]


def brought_back(site: Placed, update: Made, boundary: str, spent: Mapping[str, Any]) -> list[str]:
    """Upgrade, die there, resume; what is wrong then."""
    ran = site.installer("upgrade", update.folder, "--yes", "--die-at", boundary)
    if ran.returncode != KILLED:
        return [f"it was not killed there: {ran.returncode} {ran.stderr[-300:]}"]
    good(site.installer("resume"))
    told, wrong = site.status(), []
    if not told["running"] or told["interrupted"] or told["current"] != told["release"]:
        wrong.append(json.dumps(told))
    if site.total() != spent:
        wrong.append(f"spent {site.total()}, not {spent}")
    if site.installer("verify-installed").returncode:
        wrong.append("the installed files differ")
    return wrong


def test_a_kill_in_an_upgrade_leaves_the_old_release_or_the_new_and_every_total(
    site: Placed, update: Made, tmp_path: Path, *, long_run: bool
) -> None:
    old, wrong = site.status()["release"], {}
    assert site.answers(3) == 3
    eventually(lambda: site.total()["requests"] == 3)
    spent, order = site.total(), boundaries()
    good(site.run("cp", "-a", site.prefix, tmp_path / "template"))
    for boundary in order if long_run else SHORT:
        wrong[boundary] = brought_back(site, update, boundary, spent)
        committed = order.index(boundary) >= order.index("after commit")
        if (site.status()["release"] == old) is committed:
            wrong[boundary].append("the wrong release serves")
        if committed:
            site.stop()
            shutil.rmtree(site.prefix)
            good(site.run("cp", "-a", tmp_path / "template", site.prefix))

    assert {boundary: found for boundary, found in wrong.items() if found} == {}
    assert long_run or site.answers(1) == 1
