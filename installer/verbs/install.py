"""`install`: a first release, from a medium to a gateway that serves."""

import argparse
from pathlib import Path

from installer.failure import Failed
from installer.installed import read_installed
from installer.medium import medium_of
from installer.options import accepted
from installer.transaction import begin, run
from installer.verbs import looking
from installer.verbs.stories import INSTALL
from installer.verifying import read_reviewer
from installer.work import Work


def install(asked: argparse.Namespace, work: Work) -> None:
    """Raises Refused, Failed or OSError; then nothing is installed."""
    if read_installed(work.layout).release:
        raise Failed(f"there is a release in `{work.layout.prefix}` already; use `upgrade`")
    medium = medium_of(asked.medium)
    ports = {name: value for name in ("host", "api_port", "admin_port") if (value := getattr(asked, name))}
    facts = {
        "medium": str(medium),
        "previous": "",
        "mode": "trial" if asked.trial else "production",
        "service": work.means.service.kind,
        "user": work.means.service.user,
        "approval": read_reviewer(Path(asked.require_approval)) if asked.require_approval else "",
        "trust": str(Path(asked.trust).absolute()) if asked.trust else "",
        "fingerprint": asked.fingerprint or "",
        "accepted": accepted(asked),
        **ports,
    }
    looking.host(asked, work, medium, {"host": "", **ports})
    if asked.dry_run:
        looking.rehearse(work, facts)
        return
    begin(work, facts)
    run(work, INSTALL)
