"""The command line: which verb, on which site, one at a time; errors of one line."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from installer import preflight
from installer.disk import remove_tree
from installer.environment import tag_of
from installer.failure import Failed
from installer.held import Busy, held
from installer.installed import read_installed, read_site
from installer.journal import Journal, nowhere
from installer.layout import ROOT_PREFIX, Layout, layout_of
from installer.options import with_answers
from installer.parser import parser
from installer.programs import ReleasePrograms, compile_all, networkless
from installer.progress import Progress
from installer.service import Unmoved, service_of, usual
from installer.transaction import new_operation, recover
from installer.verbs.asking import status, verify_installed
from installer.verbs.install import install
from installer.verbs.overlay import overlay
from installer.verbs.rollback import rollback
from installer.verbs.running import start, stop
from installer.verbs.stories import STORIES
from installer.verbs.uninstall import uninstall
from installer.verbs.upgrade import upgrade
from installer.work import Means, Work
from offline.rules.openssl import OpenSSL
from offline.rules.refusal import Refused
from offline.rules.release import machine

READING = {"status": status, "verify-installed": verify_installed}
STEPLESS = {"overlay": overlay, "start": start, "stop": stop}  # they change something that needs no journal
CHANGING: Mapping[str, Callable[[argparse.Namespace, Work], None]] = {
    "install": install,
    "upgrade": upgrade,
    "rollback": rollback,
    "uninstall": uninstall,
}


def run(words: Sequence[str]) -> int:
    """The exit code."""
    asked = parser().parse_args(words)
    os.umask(0o022)
    try:
        asked = with_answers(asked)
        layout = layout_of(Path(asked.prefix) if asked.prefix else ROOT_PREFIX)
        if asked.verb in READING:
            return READING[asked.verb](asked, layout, means_of(layout))
        if asked.verb == "overlay" and asked.what == "list":
            return overlay(asked, layout, means_of(layout))
        return _change(asked, layout)
    except (Failed, Refused, OSError) as error:
        print(f"redoubt-installer: {error}", file=sys.stderr)
        return 1


def _change(asked: argparse.Namespace, layout: Layout) -> int:
    fresh = not layout.prefix.exists()
    try:
        with held(layout) as lock:
            boundary = _boundary(asked, layout)
            resumed = _recover(layout, boundary, lock, at_start=getattr(asked, "at_start", False))
            if asked.verb == "resume":
                print("brought to its end" if resumed else "nothing was interrupted")
                return 0
            if asked.verb in STEPLESS:
                return STEPLESS[asked.verb](asked, layout, means_of(layout))
            verb = "purge" if getattr(asked, "purge", False) else asked.verb
            moment = datetime.now(UTC).strftime("%Y%m%d%H%M%S%f")
            kind, user = usual(layout)
            means = means_of(layout, kind, getattr(asked, "user", None) or user, lock)
            CHANGING[asked.verb](asked, Work(layout, means, _journal(layout, boundary), new_operation(verb, moment)))
    except Busy:
        if asked.verb == "resume" and asked.at_start:
            return 0  # it is an installer that starts us, and it minds its own steps
        raise
    finally:
        if fresh and not layout.journal.exists():
            for folder in (layout.staging, layout.state):
                remove_tree(folder)
            if layout.prefix.is_dir() and not any(layout.prefix.iterdir()):
                layout.prefix.rmdir()
    return 0


def _journal(layout: Layout, boundary: Callable[[str], None]) -> Journal:
    return Journal(layout.journal, boundary)


def _recover(layout: Layout, boundary: Callable[[str], None], lock: int, *, at_start: bool) -> bool:
    left = Journal(layout.journal).unfinished()
    if left is None:
        return False
    means = means_of(layout, left.facts.get("service", "process"), left.facts.get("user", ""), lock)
    if at_start:
        means = replace(means, service=Unmoved(layout, means.service.kind, means.service.user))
    recover(Work(layout, means, _journal(layout, boundary), left), STORIES[left.verb])
    return True


def means_of(layout: Layout, kind: str = "process", user: str = "", lock: int | None = None) -> Means:
    """What this program touches the world with. What the site was set up with goes before what is asked."""
    if layout.site.exists():
        site = read_site(layout)
        kind, user = site.service, site.user
    alone, python = networkless(), Path(sys.executable).resolve()
    return Means(
        check=OpenSSL(),
        gateway=ReleasePrograms(layout, "" if kind == "systemd" else user, alone, () if lock is None else (lock,)),
        service=service_of(layout, kind, user, python),
        now=lambda: datetime.now(UTC),
        arch=machine(),
        python=python,
        tag=tag_of(),
        compile_all=lambda folder, sources: compile_all(python, folder, sources, alone),
        sync=os.sync,
        progress=Progress(),
        look=preflight.look,
    )


def _boundary(asked: argparse.Namespace, layout: Layout) -> Callable[[str], None]:
    """For tests of power cuts: end at once, at the named boundary. Raises Failed on a site that is no trial."""
    wanted = getattr(asked, "die_at", None)
    if not wanted:
        return nowhere
    site = read_site(layout)
    if not (getattr(asked, "trial", False) or (read_installed(layout).release and site.mode == "trial")):
        raise Failed("`--die-at` is for trials")

    def die(boundary: str) -> None:
        if boundary == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return die
