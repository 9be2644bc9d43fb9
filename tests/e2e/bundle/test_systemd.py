"""A site install by root under a real systemd: unit, user, upgrade, kill, rollback, removal; what fakes cannot show.

One machine is booted, and the tests follow its life: the last one takes the site away.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bundle.booted import MODEL, PYTHON, Machine, booted
from tests.e2e.bundle.conftest import FIRST, LATER, UPDATE
from tests.e2e.bundle.made import Made, Maker, committed
from tests.e2e.bundle.placed import good
from tests.e2e.site import eventually
from tests.system.needs import missing
from tests.system.releases import later_release, this_release

pytestmark = [pytest.mark.index, pytest.mark.long, pytest.mark.timeout(1800)]

MOST_EXPOSED = 1.2
HELD = "/run/held"  # as long as it is there, the unit does not start
HOLDING = f"[Service]\nExecStartPre=+/bin/sh -c 'while [ -e {HELD} ]; do sleep 0.1; done'\n"
DROP_INS = "root/etc/systemd/system/redoubt.service.d"


class Life:
    """The machine, and what was on it before the site."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.before = machine.files()


@pytest.fixture(scope="module")
def first(maker: Maker) -> Made:
    """For the machine's Python, whatever runs these tests."""
    return maker.release(this_release(), FIRST, (PYTHON,))


@pytest.fixture(scope="module")
def update(maker: Maker, tmp_path_factory: pytest.TempPathFactory) -> Made:
    later = committed(later_release(tmp_path_factory.mktemp("later") / "tree", LATER))
    return maker.release(later, UPDATE, (PYTHON,))


@pytest.fixture(scope="module")
def life(first: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with booted(tmp_path_factory.mktemp("machine")) as machine:
        found = Life(machine)
        good(machine.install(first))
        machine.serve_a_model()
        machine.serves(MODEL)
        yield found


def totals(machine: Machine, requests: int) -> dict[str, object]:
    eventually(lambda: machine.total()["requests"] == requests)
    return dict(machine.total())


def test_the_unit_runs_as_its_own_user_within_its_exposure_and_answers(life: Life) -> None:
    machine = life.machine

    shown = good(machine.run("systemctl", "show", "redoubt", "-p", "MainPID,User,UnitFileState", "--value")).stdout
    pid = next(word for word in shown.split() if word.isdigit())
    judged = good(machine.run("systemd-analyze", "security", "redoubt", "--no-pager")).stdout

    assert machine.active()
    assert "enabled" in shown
    assert good(machine.run("stat", "-c", "%U", f"/proc/{pid}")).stdout == "redoubt\n"
    assert float(re.findall(r"Overall exposure level for \S+: (\d+\.\d+)", judged)[0]) <= MOST_EXPOSED
    assert machine.status()["mode"] == "production"
    assert machine.answers(2) == 2
    totals(machine, 2)


def test_packets_to_a_network_that_is_not_allowed_are_dropped(life: Life) -> None:
    """The gateway sends one at its start, and says when it went out."""
    said = life.machine.said("redoubt")

    if "no BPF for cgroups" in said:
        missing("this kernel gives systemd no BPF for cgroups: IPAddressDeny cannot be seen at work here")
    assert "serving: api" in said


def test_a_restart_checks_every_file_and_serves_again(life: Life) -> None:
    good(life.machine.run("systemctl", "restart", "redoubt"))

    assert "as installed" in life.machine.said("redoubt")
    assert life.machine.answers(1) == 1
    totals(life.machine, 3)


def test_a_reload_is_heard_by_the_running_process(life: Life) -> None:
    shown = ("systemctl", "show", "redoubt", "-p", "MainPID", "--value")
    before = good(life.machine.run(*shown)).stdout

    good(life.machine.run("systemctl", "reload", "redoubt"))

    assert "Reloaded redoubt.service" in life.machine.said("redoubt")
    assert good(life.machine.run(*shown)).stdout == before
    assert life.machine.answers(1) == 1
    totals(life.machine, 4)


def test_a_changed_file_keeps_the_unit_down(life: Life) -> None:
    machine = life.machine
    [file] = (machine.folder / "root/opt/redoubt/releases").glob("*/serve/lib/*/site-packages/litestar/app.py")
    content = file.read_bytes()
    file.write_bytes(content + b"\n")

    refused = machine.run("systemctl", "restart", "redoubt")
    file.write_bytes(content)

    assert refused.returncode != 0
    assert "changed: serve/lib" in machine.said("redoubt")
    machine.run("systemctl", "reset-failed", "redoubt")
    good(machine.run("systemctl", "start", "redoubt"))
    assert machine.answers(1) == 1
    totals(machine, 5)


def test_an_upgrade_killed_while_systemd_starts_the_new_release_is_taken_back_at_the_next_start(
    life: Life, update: Made
) -> None:
    machine, old = life.machine, life.machine.status()["release"]
    spent = machine.total()
    drop_in = machine.folder / DROP_INS / "50-held.conf"
    drop_in.write_text(HOLDING)
    good(machine.run("touch", HELD))
    words = [*machine._network, str(machine.prefix / "bin/redoubt-installer"), *map(str, machine.upgrade_words(update))]

    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/") as upgrading:
        journal = machine.folder / "root/opt/redoubt/state/journal.jsonl"
        eventually(lambda: '"do"' in (last := journal.read_text().splitlines()[-1]) and '"start"' in last, seconds=300)
        eventually(lambda: "activating" in machine.run("systemctl", "is-active", "redoubt").stdout)
        [inside] = Path(f"/proc/{upgrading.pid}/task/{upgrading.pid}/children").read_text().split()
        os.kill(int(inside), signal.SIGKILL)
    drop_in.unlink()
    good(machine.run("rm", HELD))
    good(machine.run("systemctl", "daemon-reload"))
    machine.run("systemctl", "restart", "redoubt")
    eventually(machine.active, seconds=600)  # a slow machine may need more than one start for it: each goes on

    now = machine.status()
    assert (now["release"], now["current"], now["interrupted"], now["running"]) == (old, old, None, True)
    assert machine.total() == spent
    assert machine.answers(1) == 1
    totals(machine, 6)


def test_an_upgrade_and_the_way_back_keep_every_total(life: Life, update: Made) -> None:
    machine, old = life.machine, life.machine.status()["release"]

    good(machine.installer(*machine.upgrade_words(update)))

    assert (machine.status()["version"], machine.active()) == (LATER, True)
    assert machine.answers(2) == 2
    spent = totals(machine, 8)
    good(machine.installer("rollback"))
    assert (machine.status()["release"], machine.active()) == (old, True)
    assert machine.total() == spent
    assert machine.answers(1) == 1
    good(machine.installer("verify-installed"))
    totals(machine, 9)


def test_a_site_without_programs_keeps_its_data_for_the_next_install(life: Life, update: Made) -> None:
    machine = life.machine

    good(machine.installer("uninstall", "--keep-data", "--yes"))

    assert machine.run("systemctl", "cat", "redoubt").returncode != 0
    good(machine.install(update))
    assert machine.answers(1) == 1  # the key of before, the model of before
    totals(machine, 10)


def test_a_purge_leaves_no_file_and_no_user(life: Life) -> None:
    machine = life.machine

    good(machine.installer("uninstall", "--purge", "--yes"))

    assert machine.files() ^ life.before == set()
    assert machine.run("id", "redoubt").returncode != 0
    assert machine.run("systemctl", "cat", "redoubt").returncode != 0
