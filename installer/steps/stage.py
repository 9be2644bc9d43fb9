"""The medium into a folder of ours, and the decision whether it may be installed."""

import base64
from pathlib import Path

from installer.disk import PRIVATE_FOLDER, remove_tree
from installer.failure import Failed
from installer.medium import take
from installer.verifying import accept
from installer.work import Work
from offline.rules.moments import write_moment


class Copy:
    """Copy the medium; from here on nobody looks at it again."""

    name = "copy"

    def do(self, work: Work) -> None:
        work.folder.mkdir(mode=PRIVATE_FOLDER, parents=True)
        work.staged.folder.mkdir(mode=PRIVATE_FOLDER)
        take(Path(work.facts["medium"]), work.staged.bundle, work.layout.store, work.means.progress.thing)

    def undo(self, work: Work) -> None:
        remove_tree(work.folder)
        if work.layout.staging.is_dir() and not any(work.layout.staging.iterdir()):
            work.layout.staging.rmdir()


class Verify:
    """Signatures, header, every file, every wheel; in staging only."""

    name = "verify"

    def do(self, work: Work) -> None:
        accepted = accept(work, work.staged.bundle)
        header = accepted.verified.sums.header
        work.note(
            release=accepted.release,
            version=header.version,
            seq=header.seq,
            created=write_moment(header.created),
            sums_sha256=accepted.verified.sha256,
            signed_by=sorted(accepted.verified.by),
            trust_number=accepted.verified.trust.number,
            new_trust=[base64.b64encode(one).decode() for one in accepted.trust],
        )
        if work.new.folder.exists():
            if work.layout.current.resolve() == work.new.folder:
                raise Failed(f"`{accepted.release}` is installed already; there is nothing to do")
            raise Failed(f"`{accepted.release}` is kept here; go to it with `rollback --to {accepted.release}`")

    def undo(self, work: Work) -> None:
        """It changed nothing."""
