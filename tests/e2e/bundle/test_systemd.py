"""A site install by root under a real systemd: unit, user, upgrade, kill, rollback, removal; what fakes cannot show.

One machine is booted, and the tests follow its life: the last one takes the site away.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bundle.booted import ECHO, MODEL, PYTHON, Machine, booted
from tests.e2e.bundle.conftest import FIRST, LATER, UPDATE
from tests.e2e.bundle.made import Made, Maker, committed
from tests.e2e.bundle.placed import API, good
from tests.e2e.site import eventually
from tests.system.needs import missing
from tests.system.releases import later_release, this_release

pytestmark = [pytest.mark.index, pytest.mark.long, pytest.mark.timeout(1800)]

MOST_EXPOSED = 1.2
HELD = "/run/held"  # as long as it is there, the unit does not start
HOLDING = f"[Service]\nExecStartPre=+/bin/sh -c 'while [ -e {HELD} ]; do sleep 0.1; done'\n"
CARD = "4111 1111 1111 1111"
POLICY = """
privacy:
  policy: cards
  workers: 1
  policies:
    - {name: cards, based_on: standard, model: false, deadline: 60}
"""
"""A site's own, which needs no language model; a slow machine has time for a worker to load."""
DROP_INS = "root/etc/systemd/system/redoubt.service.d"


class Life:
    """The machine, and what was on it before the site."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.before = machine.files()
        self.asked = 0

    def answers(self, count: int) -> None:
        """The model is asked so often and answers, and the ledger has them beside all that were before."""
        assert self.machine.answers(count) == count
        self.asked += count
        eventually(lambda: self.machine.total()["requests"] == self.asked, seconds=60)


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
    life.answers(2)


def test_packets_to_a_network_that_is_not_allowed_are_dropped(life: Life) -> None:
    """The gateway sends one at its start, and says when it went out."""
    said = life.machine.said("redoubt")

    if "no BPF for cgroups" in said:
        missing("this kernel gives systemd no BPF for cgroups: IPAddressDeny cannot be seen at work here")
    assert "serving: api" in said


def test_a_restart_checks_every_file_and_serves_again(life: Life) -> None:
    good(life.machine.run("systemctl", "restart", "redoubt"))

    assert "as installed" in life.machine.said("redoubt")
    life.answers(1)


def test_a_reload_is_heard_by_the_running_process(life: Life) -> None:
    shown = ("systemctl", "show", "redoubt", "-p", "MainPID", "--value")
    before = good(life.machine.run(*shown)).stdout

    good(life.machine.run("systemctl", "reload", "redoubt"))

    eventually(lambda: "Reloaded redoubt.service" in life.machine.said("redoubt"), seconds=60)
    assert good(life.machine.run(*shown)).stdout == before
    life.answers(1)


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
    life.answers(1)


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
    life.answers(1)


def test_an_upgrade_and_the_way_back_keep_every_total(life: Life, update: Made) -> None:
    machine, old = life.machine, life.machine.status()["release"]

    good(machine.installer(*machine.upgrade_words(update)))

    assert (machine.status()["version"], machine.active()) == (LATER, True)
    life.answers(2)
    spent = machine.total()
    good(machine.installer("rollback"))
    assert (machine.status()["release"], machine.active()) == (old, True)
    assert machine.total() == spent
    life.answers(1)
    good(machine.installer("verify-installed"))


@pytest.fixture(scope="module")
def echoed(life: Life) -> str:
    """A key of a model that says what it was told; from here on the site masks."""
    machine = life.machine
    key = machine.serve_an_echo()
    settings = machine.folder / "root/etc/redoubt/redoubt.yaml"
    settings.write_text(settings.read_text() + POLICY)
    good(machine.run("systemctl", "restart", "redoubt"))
    good(machine.redoubt("smoke", "--within", 120))
    return key


def workers(machine: Machine) -> list[dict[str, Any]]:
    """The one that works and the spare."""
    return [one for one in machine.processes() if "appliance.redaction.worker" in one["words"]]


def says(machine: Machine, key: str, text: str) -> list[Any]:
    """The status and the words of an answer."""
    answer: list[Any] = machine.inside("chat", f"http://127.0.0.1:{API}", key, "echo", text)
    return answer


def until_answered(machine: Machine, key: str, text: str) -> list[list[Any]]:
    """Every answer, the last one good: what comes while no worker is there may be refused."""
    told: list[list[Any]] = []

    def answered() -> bool:
        told.append(says(machine, key, text))
        return bool(told[-1][0] == 200)

    eventually(answered, seconds=120)
    return told


def last_heard(machine: Machine) -> str:
    return str(machine.inside("get", f"{ECHO}/heard")["heard"][-1]["messages"][-1]["content"])


def test_a_card_number_is_masked_by_workers_inside_the_unit(life: Life, echoed: str) -> None:
    machine = life.machine

    answer = says(machine, echoed, f"take it from {CARD}")

    assert answer == [200, f"take it from {CARD}"]
    assert last_heard(machine) == "take it from [CREDIT_CARD_1]"
    eventually(lambda: len(workers(machine)) == 2, seconds=120)
    gateway, *_ = machine.processes()
    for one in workers(machine):
        assert (one["parent"], one["user"]) == (gateway["pid"], gateway["user"])
        assert (one["seccomp"], one["no_new_privileges"], one["capabilities"]) == ("2", "1", 0)
        assert (one["core"], one["written"], one["files"]) == ("0", "0", "64")
        assert int(one["memory"]) == 3 * 2**30
    assert [one["oom"] for one in workers(machine)] == [500, 500]
    assert gateway["oom"] in {-500, 0}  # 0: who boots the machine lacks CAP_SYS_RESOURCE, and systemd goes on without


@pytest.mark.parametrize("count", [1, 2])
def test_killed_workers_cost_the_gateway_nothing_and_no_number_passes(count: int, life: Life, echoed: str) -> None:
    machine, text = life.machine, f"{count} killed, and {CARD}"
    eventually(lambda: len(workers(machine)) == 2, seconds=120)
    gateway, killed = machine.main_pid(), [one["pid"] for one in workers(machine)][:count]

    good(machine.run("sh", "-c", 'kill -9 "$@"', "kill", *killed))
    answers = until_answered(machine, echoed, text)

    assert answers[-1] == [200, text]
    assert {status for status, _ in answers[:-1]} <= {503}
    assert last_heard(machine) == f"{count} killed, and [CREDIT_CARD_1]"
    assert CARD not in str(machine.inside("get", f"{ECHO}/heard"))
    assert machine.main_pid() == gateway
    assert not {one["pid"] for one in workers(machine)} & set(killed)


def test_a_site_without_programs_keeps_its_data_for_the_next_install(life: Life, update: Made) -> None:
    """Its changes to the unit, too."""
    machine = life.machine
    good(machine.run("systemctl", "stop", "redoubt"))  # every row is written
    life.asked = machine.total()["requests"]  # those of the tests before, too
    drop_in = machine.folder / DROP_INS / "50-site.conf"
    drop_in.write_text("[Service]\nCPUWeight=50\n")

    good(machine.installer("uninstall", "--keep-data", "--yes"))

    assert machine.run("systemctl", "cat", "redoubt").returncode != 0
    assert drop_in.exists()
    good(machine.install(update))
    life.answers(1)  # the key of before, the model of before
    assert good(machine.run("systemctl", "show", "redoubt", "-p", "CPUWeight", "--value")).stdout == "50\n"


def test_a_purge_leaves_no_file_and_no_user(life: Life) -> None:
    machine = life.machine

    good(machine.installer("uninstall", "--purge", "--yes"))

    assert machine.files() ^ life.before == set()
    assert machine.run("id", "redoubt").returncode != 0
    assert machine.run("systemctl", "cat", "redoubt").returncode != 0
