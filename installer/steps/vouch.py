"""What a release is held against when it starts, there before its first start: trust, the site's mode, its receipt.

systemd starts a gateway only after `verify-installed` found everything as it was installed, and it asks that of the
very first start too.
"""

import base64
import platform

from installer import receipts, trusting
from installer.disk import write_whole
from installer.installed import Site, write_site
from installer.inventory import read
from installer.work import Work
from offline.rules.moments import write_moment
from offline.rules.trust import read_trust

LATER = ("previous", "downgrade_by", "backup", "audit")  # what only some operations know


class Vouch:
    """Trust, the site's own mode, the receipt of this operation."""

    name = "receipt"

    def do(self, work: Work) -> None:
        layout = work.layout
        contents = [base64.b64decode(one) for one in work.facts.get("new_trust", ())]
        numbers = [read_trust(one).number for one in contents]
        missing = [one for one in numbers if not (layout.trust / f"{one}.trust").exists()]
        work.note(added_trust=missing, added_site=not layout.site.exists())
        trusting.keep(layout.trust, contents)
        if not layout.site.exists():
            site = {name: work.facts[name] for name in ("mode", "service", "user", "approval")}
            write_site(layout, Site(**site, made_user=bool(work.facts.get("made_user"))))
        content, _ = write_receipt(work)
        write_whole(work.new.receipt, content)

    def undo(self, work: Work) -> None:
        facts, layout = work.facts, work.layout
        if "added_trust" not in facts:
            return
        work.new.receipt.unlink(missing_ok=True)
        receipts.take_back(layout, work.operation.id)
        if facts["added_site"]:
            layout.site.unlink(missing_ok=True)
        for number in facts["added_trust"]:
            (layout.trust / f"{number}.trust").unlink(missing_ok=True)
        if layout.trust.is_dir() and not any(layout.trust.iterdir()):
            layout.trust.rmdir()


def write_receipt(work: Work) -> tuple[bytes, str]:
    """The operation's receipt in the site's chain, and its sha256; written once, however often it is asked for."""
    facts = work.facts
    shown = ("release", "version", "seq", "created", "sums_sha256", "signed_by", "trust_number", *LATER)
    _, inventory = read(work.new)
    return receipts.add(
        work.layout,
        work.operation.id,
        {
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
        },
    )
