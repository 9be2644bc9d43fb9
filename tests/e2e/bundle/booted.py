"""A Debian machine with a real systemd as its first process, booted by systemd-nspawn, and a site of root on it.

    with booted(tmp_path) as machine:
        good(machine.install(first))
        machine.run("systemctl", "is-active", "redoubt")

It has loopback and nothing else. Its root is made by mmdebstrap once, and lies in the cache.
"""

import hashlib
import inspect
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from installer.layout import ROOT_PREFIX
from tests.e2e import echo
from tests.e2e.bundle import inside
from tests.e2e.bundle.made import Made
from tests.e2e.bundle.placed import API, Placed, asked, good
from tests.e2e.process import ROOT
from tests.e2e.site import eventually
from tests.system.needs import missing, need

SUITE, PYTHON = "bookworm", "3.11"
PACKAGES = ("dbus", "openssl", "python3", "systemd", "systemd-sysv")
UP = ("running", "degraded")
MODEL = "http://127.0.0.1:8000"
ECHO = "http://127.0.0.1:8001"  # says what it was told
REASONS = ("--accept-stale-advisories", "the seed is old", "--accept-unwatched-natives", "the seed knows Python alone")
# What a system writes by itself while it runs.
OWN = ("/proc", "/sys", "/dev", "/run", "/srv", "/tmp", "/var/log/journal", "/var/lib/systemd", "/var/tmp")


class Machine(Placed):
    """The machine, and the site of root on it."""

    def __init__(self, folder: Path, leader: int) -> None:
        super().__init__(folder, ["nsenter", "-t", str(leader), "-a"])
        self.folder = folder
        self.prefix = ROOT_PREFIX

    def run(self, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
        """Any program of the machine, as root."""
        return subprocess.run(
            [*self._network, *map(str, words)],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )

    def carry(self, made: Made) -> Path:
        """The medium's place on the machine."""
        place = Path("/srv") / made.folder.name
        good(
            subprocess.run(
                ["cp", "-R", made.folder, self.folder / "root/srv"], capture_output=True, text=True, check=False
            )
        )
        return place

    def install(self, made: Made, **more: str) -> subprocess.CompletedProcess[str]:
        """As an administrator would: for good, not for a trial."""
        paper = ("--fingerprint", made.fingerprint)
        return self.run("sh", self.carry(made) / "install.sh", *paper, "--yes", *REASONS, **more)

    def upgrade_words(self, made: Made) -> tuple[object, ...]:
        return ("upgrade", self.carry(made), "--yes", *REASONS)

    def serve_a_model(self) -> None:
        """An emulated inference server as another unit."""
        program = (self.prefix / "current/serve/bin/python", "-I", "-B", "-m", "providers.simulated")
        where = ("vllm", "--model", "tiny", "--port", MODEL.rpartition(":")[2])
        good(self.run("systemd-run", "--unit=model", *program, *where))

    def serve_an_echo(self) -> str:
        """A model `echo` behind a server that says what it was told; a key for it."""
        good(self.run("systemd-run", "--unit=echo", "python3", "-I", self._carried(echo), ECHO.rpartition(":")[2]))
        target = ("--provider", "openai_compatible", "--url", ECHO, "--upstream-model", "echo")
        good(self.redoubt("deployments", "set", "echo/a", *target))
        key = self.told("keys", "create", "echoed", "--model", "echo")["key"]
        good(self.redoubt("smoke"))
        return str(key)

    def inside(self, verb: str, *words: object) -> Any:
        """What `tests/e2e/bundle/inside.py` tells."""
        return json.loads(good(self.run("python3", "-I", self._carried(inside), verb, *words)).stdout)

    def processes(self) -> list[dict[str, Any]]:
        """Of the unit, the first one first."""
        found: list[dict[str, Any]] = self.inside("processes", "redoubt.service")
        return sorted(found, key=lambda one: one["pid"] != self.main_pid())

    def main_pid(self) -> int:
        return int(good(self.run("systemctl", "show", "redoubt", "-p", "MainPID", "--value")).stdout)

    def _carried(self, module: ModuleType) -> Path:
        """A program of one file, on the machine."""
        file = Path(inspect.getfile(module))
        shutil.copyfile(file, self.folder / "root/srv" / file.name)
        return Path("/srv") / file.name

    def answers(self, count: int) -> int:
        good(self.redoubt("smoke", "--within", 60))  # a unit of this type is active before it listens
        program = f"import json, urllib.request\n{inspect.getsource(asked)}\nimport sys; asked(*sys.argv[1:])"
        url = f"http://127.0.0.1:{API}"
        return int(good(self.run("python3", "-I", "-c", program, url, self._key, "m", count)).stdout)

    def active(self) -> bool:
        return self.run("systemctl", "is-active", "--quiet", "redoubt").returncode == 0

    def files(self) -> frozenset[str]:
        """Path, kind, mode and owner of everything that a system does not write by itself; users and groups."""
        pruned = [word for one in OWN for word in ("-path", one, "-o")][:-1]
        form = "%p %y %m %u %g\n"
        found = good(self.run("find", "/", "-xdev", "(", *pruned, ")", "-prune", "-o", "-printf", form)).stdout
        users = "".join((self.folder / "root/etc" / name).read_text() for name in ("passwd", "group"))
        return frozenset((*found.splitlines(), *users.splitlines()))

    def said(self, unit: str) -> str:
        return good(self.run("journalctl", "--boot", "--no-pager", "--unit", unit)).stdout


@contextmanager
def booted(folder: Path) -> Iterator[Machine]:
    """Up when this yields, and powered off afterwards. Skips, and says what is missing, where that cannot be."""
    if os.geteuid() != 0:
        missing("booting a systemd needs root")
    nspawn = need("systemd-nspawn", "systemd-container")
    need("nsenter", "util-linux")
    root, console = folder / "root", folder / "console.log"
    root.mkdir()
    unpack = ["tar", "-xf", str(_debian()), "--numeric-owner", "-C", str(root)]
    subprocess.run(unpack, check=True)
    # With BPF and one hierarchy of cgroups IPAddressDeny is in force, as on a host.
    allowed = ("--capability=all", "--system-call-filter=bpf")
    aside = (
        "--register=no",
        "--keep-unit",
        "--private-network",
        "--resolv-conf=off",
        "--timezone=off",
        "--console=pipe",
    )
    with console.open("wb") as log:
        process = subprocess.Popen(
            [nspawn, "--quiet", "--boot", f"--machine=redoubt-{os.getpid()}", f"--directory={root}", *aside, *allowed],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield Machine(folder, _up(process, console))
    finally:
        process.terminate()  # it powers the machine off
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _up(process: subprocess.Popen[bytes], console: Path) -> int:
    """The number of its first process, once that has started everything."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")

    def state() -> str:
        leader = children.read_text().split() if process.poll() is None else []
        if not leader:
            return ""
        asked_ = ["nsenter", "-t", leader[0], "-a", "/usr/bin/systemctl", "is-system-running"]
        return subprocess.run(asked_, capture_output=True, text=True, check=False).stdout.strip()

    try:
        eventually(lambda: process.poll() is not None or state() in UP, seconds=180)
    except AssertionError:
        missing(f"systemd does not come up in systemd-nspawn here: {console.read_text(errors='replace')[-800:]}")
    if process.poll() is not None:
        missing(f"systemd-nspawn boots nothing here: {console.read_text(errors='replace')[-800:]}")
    return int(children.read_text().split()[0])


def _debian() -> Path:
    """The machine's root as a tar, made once for what goes in."""
    mmdebstrap = need("mmdebstrap", "mmdebstrap")
    name = hashlib.sha256(" ".join((SUITE, *PACKAGES)).encode()).hexdigest()[:16]
    tar = ROOT / ".cache" / "booted" / f"debian-{name}.tar"
    if not tar.exists():
        tar.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tar.parent) as scratch:
            made = Path(scratch) / "root.tar"
            words = [mmdebstrap, "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(made)]
            ran = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if ran.returncode:
                missing(f"mmdebstrap makes no Debian root here: {ran.stderr.strip()[-800:]}")
            made.rename(tar)
    return tar
