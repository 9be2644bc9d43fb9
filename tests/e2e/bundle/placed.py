"""A site that was installed from a real bundle, where loopback is the only network there is."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from installer.layout import within as layout_within
from installer.process import ProcessService
from tests.e2e.bundle.made import Made
from tests.e2e.process import ROOT, running
from tests.system.needs import missing, need

OFFLINE = ROOT / "tests/system/offline.sh"
API, ADMIN = 4000, 4001  # free: every site has a network of its own
ASK = "import sys; from tests.e2e.bundle.placed import asked; asked(*sys.argv[1:])"


@contextmanager
def alone() -> Iterator[Sequence[str]]:
    """An empty network; yields what is put before a command to be in it. Skips where the machine allows none."""
    nsenter, sh = need("nsenter", "util-linux"), ["sh", str(OFFLINE), "sh", "-c", "echo here && exec cat"]
    need("unshare", "util-linux")
    holder = subprocess.Popen(sh, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        if holder.stdout.readline() != "here\n":
            missing(f"this machine lets us make no network: {holder.communicate()[1].strip()}")
        user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        yield [nsenter, "-t", str(holder.pid), "-n", *user]
    finally:
        holder.communicate()


def asked(url: str, key: str, model: str, count: str) -> None:
    """Runs inside: ask for that many answers, and print how many there were."""
    body = json.dumps({"model": model, "max_tokens": 4, "messages": [{"role": "user", "content": "hello"}]}).encode()
    head = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    given = 0
    for _ in range(int(count)):
        request = urllib.request.Request(f"{url}/v1/chat/completions", data=body, headers=head)
        with urllib.request.urlopen(request, timeout=60) as answer:
            given += bool(json.loads(answer.read())["choices"][0]["message"]["content"])
    print(given)


class Placed:
    """One prefix, and the network its programs see."""

    def __init__(self, folder: Path, network: Sequence[str]) -> None:
        self.prefix = folder / "site"
        self._aside = folder / "aside"
        self._network = network
        self._key = ""

    def run(self, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
        """Any program, in that network, with nothing of the caller's but what `more` says."""
        self._aside.mkdir(exist_ok=True)
        given = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self._aside), "TMPDIR": str(self._aside)}
        return subprocess.run(
            [*self._network, *map(str, words)],
            env={**given, "REDOUBT_STAGE": str(self._aside), **more},
            cwd=self._aside,
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, made: Made, **more: str) -> subprocess.CompletedProcess[str]:
        paper = ("--fingerprint", made.fingerprint)
        ports = ("--api-port", API, "--admin-port", ADMIN)
        return self.run(
            "sh", made.folder / "install.sh", "--prefix", self.prefix, *paper, "--trial", "--yes", *ports,
            **{"PYTHON": sys.executable, **more},
        )  # fmt: skip

    def installer(self, *words: object) -> subprocess.CompletedProcess[str]:
        """`redoubt-installer`, as the site has it."""
        return self.run(self.prefix / "bin/redoubt-installer", *words)

    def redoubt(self, *words: object) -> subprocess.CompletedProcess[str]:
        """`redoubt`, as the site has it."""
        return self.run(self.prefix / "bin/redoubt", *words)

    def told(self, *words: object) -> Any:
        """A verb's JSON. Fails with what it said."""
        return json.loads(good(self.redoubt(*words, "--json")).stdout)

    def status(self) -> Mapping[str, Any]:
        """What the installer says is there. Its exit code may be 1."""
        found: Mapping[str, Any] = json.loads(self.installer("status", "--json").stdout)
        return found

    def serves(self, url: str) -> None:
        """Make the model `m`, served by `url`, and a key for it."""
        target = ("--provider", "vllm", "--url", url, "--upstream-model", "tiny")
        good(self.redoubt("deployments", "set", "m/a", *target))
        self._key = self.told("keys", "create", "member", "--model", "m")["key"]
        good(self.redoubt("smoke"))  # it has followed the store when this returns

    def answers(self, count: int) -> int:
        """How many of so many requests were answered, each by the server behind."""
        ran = self.run(
            sys.executable, "-c", ASK, f"http://127.0.0.1:{API}", self._key, "m", count, PYTHONPATH=str(ROOT)
        )
        return int(good(ran).stdout)

    def total(self) -> Mapping[str, Any]:
        """Everything that was ever spent."""
        [line] = self.told("spend", "--total")["lines"]
        return dict(line)

    def stop(self) -> None:
        ProcessService(layout_within(self.prefix)).stop()


def good(ran: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert ran.returncode == 0, f"{ran.args}: {ran.returncode}\n{ran.stdout[-1500:]}\n{ran.stderr[-3000:]}"
    return ran


@contextmanager
def server(network: Sequence[str], folder: Path) -> Iterator[str]:
    """An emulated inference server in that network; yields its url."""
    command = [*network, sys.executable, "-m", "providers.simulated", "vllm", "--model", "tiny"]
    with running(command, folder / "server.log") as url:
        yield url


@contextmanager
def placed(folder: Path) -> Iterator[tuple[Placed, str]]:
    """A place for a site, and the url of a server beside it; nothing runs any more afterwards."""
    with alone() as network, server(network, folder) as url:
        site = Placed(folder, network)
        try:
            yield site, url
        finally:
            site.stop()
