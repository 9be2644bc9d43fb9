"""Which service a site has: a unit of systemd, a process of ours, or, while systemd starts us, neither."""

import contextlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from installer import accounts
from installer.disk import write_whole
from installer.failure import Failed
from installer.layout import ROOT_PREFIX, Layout
from installer.process import ProcessService
from installer.programs import run
from installer.settings import LONGEST_DRAIN, drain_of
from installer.systemd import DROP_IN, UNIT, Service, UnitError, check, drop_in, unit
from installer.work import Ran
from installer.work import Service as AnyService

UNITS = Path("/etc/systemd/system")
RUNS_SYSTEMD = Path("/run/systemd/system")
USER = "redoubt"
MASTER_KEY = "master.key"
ACTING = LONGEST_DRAIN + 300.0  # seconds; a stop drains, and systemd minds its own time

Systemctl = Callable[..., Ran]


def usual(layout: Layout) -> tuple[str, str]:
    """(kind, user) of a new site: a service of the machine for root in the usual place, else a process of ours."""
    if os.geteuid() == 0 and layout.prefix == ROOT_PREFIX:
        return ("systemd" if RUNS_SYSTEMD.is_dir() else "process"), USER
    return "process", ""


def service_of(layout: Layout, kind: str, user: str, python: Path) -> AnyService:
    return SystemdService(layout, user, python) if kind == "systemd" else ProcessService(layout, user)


class SystemdService:
    """`work.Service` through systemctl. The unit is rendered anew at every start, from the release that starts."""

    kind = "systemd"

    def __init__(
        self, layout: Layout, user: str, python: Path, units: Path = UNITS, systemctl: Systemctl | None = None
    ) -> None:
        self.user = user
        self._layout = layout
        self._python = python
        self._units = units
        self._changes = units / f"{UNIT}.d"
        self._run = systemctl or (lambda *words: run(["systemctl", *words], within=ACTING))

    def prepare(self) -> None:
        """The user. Raises Failed."""
        accounts.make(self.user, self._layout.data)

    def running(self) -> bool:
        return self._run("is-active", "--quiet", UNIT).code == 0

    def start(self) -> None:
        """Raises Failed when systemd refuses the unit, or its programs."""
        accounts.give(self._layout.data, self.user)
        self._install()
        self._demand("daemon-reload")
        self._demand("enable", UNIT)
        self._demand("start", UNIT)

    def stop(self) -> None:
        if (self._units / UNIT).exists():
            self._demand("stop", UNIT)

    def remove(self) -> None:
        """Drop-ins are the site's own and stay, but for the installer's, when no network was written into it."""
        if not (self._units / UNIT).exists():
            return
        self._run("disable", UNIT)
        (self._units / UNIT).unlink()
        networks = self._units / DROP_IN
        if networks.exists() and networks.read_text(encoding="utf-8") == drop_in(()):
            networks.unlink()
        with contextlib.suppress(OSError):  # it is not there, or holds what the site wrote
            self._changes.rmdir()
        self._demand("daemon-reload")

    def forget(self) -> None:
        if self._changes.is_dir():
            shutil.rmtree(self._changes)
            self._demand("daemon-reload")

    def last_words(self) -> str:
        return f"look at `journalctl -u {UNIT}`"

    def _install(self) -> None:
        template = (self._layout.current / "bundle" / "units" / UNIT).read_text(encoding="utf-8")
        layout, settings = self._layout, self._layout.settings.read_text(encoding="utf-8")
        told = Service(
            python=str(self._python),
            prefix=str(layout.prefix),
            configuration=str(layout.settings),
            data=str(layout.data),
            master_key=str(layout.config / MASTER_KEY),
            user=self.user,
            ports=_ports(settings),
            drain_s=drain_of(settings),
        )
        networks = self._units / DROP_IN
        try:
            text = unit(template, told)
            own = networks.read_text(encoding="utf-8") if networks.exists() else drop_in(told.networks)
            check(text, own)
        except UnitError as error:
            raise Failed(f"the unit of this release cannot be used: {error}") from error
        write_whole(self._units / UNIT, text.encode())
        if not networks.exists():
            write_whole(networks, own.encode())

    def _demand(self, *words: str) -> None:
        ran = self._run(*words)
        if ran.code:
            said = f"`systemctl {' '.join(words)}` failed: {ran.last_words}"
            raise Failed(f"{said}; look at `journalctl -u {UNIT}`")


class Unmoved:
    """While systemd starts us: what it starts next is not ours to start or stop."""

    def __init__(self, layout: Layout, kind: str, user: str) -> None:
        self.kind = kind
        self.user = user
        self._layout = layout

    def prepare(self) -> None:
        """Nothing."""

    def remove(self) -> None:
        """Nothing."""

    def forget(self) -> None:
        """Nothing."""

    def running(self) -> bool:
        return False

    def start(self) -> None:
        """Rows that root brought back belong to whom the gateway runs as."""
        if self.user and self._layout.data.is_dir():
            accounts.give(self._layout.data, self.user)

    def stop(self) -> None:
        """Nothing."""

    def last_words(self) -> str:
        return f"look at `journalctl -u {UNIT}`"


def _ports(settings: str) -> tuple[int, ...]:
    """The ports of the configuration's `listen:`; the usual ones where it names none."""
    block = re.search(r"^listen:\n((?:[ \t#].*\n|\n)*)", settings, re.MULTILINE)
    found = re.findall(r"\bport: *(\d+)", block[1]) if block else []
    return tuple(int(one) for one in found) or (4000, 4001)
