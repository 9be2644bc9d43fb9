"""The command line: verbs, their help, and errors of one line."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from installer.failure import Failed
from installer.held import held
from installer.installed import read_site
from installer.journal import Journal
from installer.layout import ROOT_PREFIX, Layout, layout_of
from installer.options import with_answers
from installer.process import ProcessService
from installer.programs import ReleasePrograms, networkless
from installer.progress import Progress
from installer.transaction import new_operation, recover
from installer.verbs.install import install
from installer.verbs.stories import STORIES
from installer.work import Means, Work
from offline.rules.openssl import OpenSSL
from offline.rules.refusal import Refused
from offline.rules.release import machine


def run(words: Sequence[str]) -> int:
    """The exit code."""
    asked = parser().parse_args(words)
    os.umask(0o022)
    try:
        asked = with_answers(asked)
        layout = layout_of(Path(asked.prefix) if asked.prefix else ROOT_PREFIX)
        with held(layout):
            recover_first(layout)
            install(asked, work_on(layout, "install"))
    except (Failed, Refused) as error:
        print(f"redoubt-installer: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"redoubt-installer: {error}", file=sys.stderr)
        return 1
    return 0


def recover_first(layout: Layout) -> None:
    left = Journal(layout.journal).unfinished()
    if left is not None:
        work = work_on(layout, left.verb)
        work.operation = left
        recover(work, STORIES[left.verb])


def work_on(layout: Layout, verb: str) -> Work:
    now = datetime.now(UTC)
    return Work(layout, means_of(layout), Journal(layout.journal), new_operation(verb, now.strftime("%Y%m%d%H%M%S")))


def means_of(layout: Layout) -> Means:
    site = read_site(layout)
    return Means(
        check=OpenSSL(),
        gateway=ReleasePrograms(layout, site.user, networkless()),
        service=ProcessService(layout, site.user),
        now=lambda: datetime.now(UTC),
        arch=machine(),
        python=Path(sys.executable).resolve(),
        tag=f"cp{sys.version_info[0]}{sys.version_info[1]}",
        progress=Progress(),
    )


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="redoubt-installer")
    verbs = top.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("install")
    one.add_argument("medium")
    one.add_argument("--prefix")
    one.add_argument("--answers")
    for name in ("trust", "fingerprint", "require-approval", "accept-expired", "accept-clock", "host", "user"):
        one.add_argument(f"--{name}")
    one.add_argument("--api-port", type=int)
    one.add_argument("--admin-port", type=int)
    one.add_argument("--trial", action="store_true")
    one.add_argument("--yes", action="store_true")
    return top
