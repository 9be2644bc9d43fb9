"""After the commit: what the site knows from now on. Each of these may be done again."""

import base64
import os
import platform
from dataclasses import replace

from installer import receipts, trusting
from installer.disk import remove_tree, write_whole
from installer.installed import Site, read_installed, write_installed, write_site
from installer.inventory import read
from installer.layout import BUNDLE
from installer.work import Work
from offline.rules.moments import write_moment

KEPT_BACKUPS = 3
LATER = ("previous", "downgrade_by", "backup", "audit")  # what only some operations know


class Record:
    """Trust, receipt, what is installed."""

    name = "record"

    def do(self, work: Work) -> None:
        facts, layout = work.facts, work.layout
        trusting.keep(layout.trust, [base64.b64decode(one) for one in facts.get("new_trust", ())])
        if not layout.site.exists():
            site = {name: facts[name] for name in ("mode", "service", "user", "approval")}
            write_site(layout, Site(**site, made_user=bool(facts.get("made_user"))))
        content, sha256 = receipts.add(layout, work.operation.id, self._told(work))
        if work.operation.verb != "rollback":  # the release keeps the receipt of its own installation
            write_whole(work.new.receipt, content)
        before = read_installed(layout)
        write_installed(
            layout,
            replace(
                before,
                release=facts["release"],
                version=facts["version"],
                seq=facts["seq"],
                highest=max(before.highest, facts["seq"]),
                known=max(before.known, facts["created"]),
                previous=facts.get("previous", ""),
                receipt=sha256,
                backup=facts.get("backup", ""),
            ),
        )

    def undo(self, work: Work) -> None:
        """After the commit there is no way back."""

    def _told(self, work: Work) -> dict[str, object]:
        facts = work.facts
        shown = ("release", "version", "seq", "created", "sums_sha256", "signed_by", "trust_number", *LATER)
        _, inventory = read(work.new)
        return {
            **{name: facts[name] for name in shown if name in facts},
            "verb": work.operation.verb,
            "at": write_moment(work.means.now()),
            "accepted": facts.get("accepted", {}),
            "approval": facts.get("approval", ""),
            "mode": facts.get("mode", ""),
            "files_sha256": inventory,
            "python": str(work.means.python),
            "tag": work.means.tag,
            "python_version": platform.python_version(),
        }


class Blobs:
    """Hard links by content, from which a later update is put together."""

    name = "store"

    def do(self, work: Work) -> None:
        files, _ = read(work.new)
        for path, sha256 in files.items():
            if path.startswith(f"{BUNDLE}/"):
                blob = work.layout.store / sha256[:2] / sha256
                if not blob.exists():
                    blob.parent.mkdir(parents=True, exist_ok=True)
                    os.link(work.new.folder / path, blob)

    def undo(self, work: Work) -> None:
        """After the commit there is no way back."""


class Clean:
    """Staging, releases nobody goes back to, blobs nobody names."""

    name = "clean"

    def do(self, work: Work) -> None:
        layout = work.layout
        installed = read_installed(layout)
        keep = {installed.release, installed.previous}
        for release in list(layout.kept()):
            if release.id not in keep:
                remove_tree(release.folder)
        for blob in layout.store.glob("*/*"):
            if blob.stat().st_nlink == 1:
                blob.unlink()
        for backup in sorted(layout.backups.glob("*"))[:-KEPT_BACKUPS]:
            remove_tree(backup)
        remove_tree(layout.staging)

    def undo(self, work: Work) -> None:
        """After the commit there is no way back."""
