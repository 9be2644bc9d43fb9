"""`upgrade`: from the release that serves to the one on a medium, or back to it by itself."""

import argparse
from pathlib import Path

from installer.failure import Failed
from installer.installed import read_installed, read_site
from installer.medium import medium_of
from installer.options import accepted
from installer.transaction import begin, run
from installer.verbs import looking
from installer.verbs.stories import UPGRADE
from installer.verifying import read_reviewer
from installer.work import Work


def upgrade(asked: argparse.Namespace, work: Work) -> None:
    """Raises Refused, Failed or OSError; then the old release serves as before."""
    installed, site = read_installed(work.layout), read_site(work.layout)
    if not installed.release:
        raise Failed(f"there is no release in `{work.layout.prefix}` yet; use `install`")
    medium = medium_of(asked.medium)
    approval = read_reviewer(Path(asked.require_approval)) if asked.require_approval else site.approval
    facts = {
        "medium": str(medium),
        "previous": installed.release,
        "mode": site.mode,
        "user": site.user,
        "service": site.service,
        "approval": approval,
        "downgrade": str(Path(asked.downgrade_token).absolute()) if asked.downgrade_token else "",
        "accepted": accepted(asked),
    }
    looking.host(asked, work, medium, {})
    if asked.dry_run:
        looking.rehearse(work, facts)
        return
    begin(work, facts)
    run(work, UPGRADE)
