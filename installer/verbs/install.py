"""`install`: a first release, from a medium to a gateway that serves."""

import argparse
from pathlib import Path

from installer.failure import Failed
from installer.installed import read_installed
from installer.options import accepted
from installer.transaction import begin, run
from installer.verbs.medium import medium_of
from installer.verbs.stories import INSTALL
from installer.verifying import read_reviewer
from installer.work import Work


def install(asked: argparse.Namespace, work: Work) -> None:
    """Raises Refused, Failed or OSError; then nothing is installed."""
    if read_installed(work.layout).release:
        raise Failed(f"there is a release in `{work.layout.prefix}` already; use `upgrade`")
    begin(
        work,
        {
            "medium": str(medium_of(asked.medium)),
            "previous": "",
            "mode": "trial" if asked.trial else "production",
            "service": "process",
            "user": asked.user or "",
            "approval": read_reviewer(Path(asked.require_approval)) if asked.require_approval else "",
            "trust": str(Path(asked.trust).absolute()) if asked.trust else "",
            "fingerprint": asked.fingerprint or "",
            "accepted": accepted(asked),
            **{name: value for name in ("host", "api_port", "admin_port") if (value := getattr(asked, name))},
        },
    )
    run(work, INSTALL)
