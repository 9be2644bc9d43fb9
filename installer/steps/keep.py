"""After the commit: what the site knows from now on. Each of these may be done again."""

import os
from dataclasses import replace

from installer.disk import remove_tree
from installer.installed import read_installed, write_installed
from installer.inventory import read
from installer.layout import BUNDLE
from installer.steps.vouch import write_receipt
from installer.work import Work

KEPT_BACKUPS = 3


class Record:
    """What is installed; its receipt, where no step before wrote one."""

    name = "record"

    def do(self, work: Work) -> None:
        facts, layout = work.facts, work.layout
        _, sha256 = write_receipt(work)
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
