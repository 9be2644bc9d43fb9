"""`rollback`: to a release that is kept here and is still what was installed."""

import argparse
import json

from installer.failure import Failed
from installer.installed import read_installed, read_site
from installer.layout import Release
from installer.transaction import begin, run
from installer.verbs.stories import ROLLBACK
from installer.work import Work


def rollback(asked: argparse.Namespace, work: Work) -> None:
    """Raises Failed or OSError; then what served before serves."""
    installed, site = read_installed(work.layout), read_site(work.layout)
    target = asked.to or installed.previous
    if not target:
        raise Failed("there is no release to go back to; the last two that were installed are kept")
    if target == installed.release:
        raise Failed(f"`{target}` is what serves")
    release = work.layout.release(target)
    if not release.folder.is_dir():
        kept = ", ".join(one.id for one in work.layout.kept() if one.id != installed.release) or "none"
        raise Failed(f"`{target}` is not kept here; kept: {kept}")
    if asked.restore_backup and not installed.backup:
        raise Failed("there is no backup from before the last upgrade")
    told = receipt_of(release)
    facts = {name: told[name] for name in ("version", "seq", "created", "sums_sha256", "signed_by", "trust_number")}
    begin(
        work,
        {
            **facts,
            "release": target,
            "previous": installed.release,
            "mode": site.mode,
            "user": site.user,
            "service": site.service,
            "restore": installed.backup if asked.restore_backup else "",
        },
    )
    run(work, ROLLBACK)


def receipt_of(release: Release) -> dict[str, object]:
    """Raises Failed when it is damaged."""
    try:
        told: dict[str, object] = json.loads(release.receipt.read_bytes())
    except (OSError, ValueError) as error:
        raise Failed(f"`{release.receipt}` cannot be read: {error}") from error
    return told
