"""The site's rows: backed up, widened, and brought back only when a release could not use them otherwise."""

import json
import os
import pwd

from installer.disk import remove_tree
from installer.failure import Failed
from installer.layout import Release
from installer.work import Ran, Work

WITHIN = 600.0  # seconds; a large ledger takes its time


class Backup:
    """Store, ledger and configuration, while the old release serves."""

    name = "backup"

    def do(self, work: Work) -> None:
        if work.old is None:
            return
        target = work.layout.backups / work.operation.id
        work.note(backup=str(target))
        folder_for_user(work, work.layout.backups)
        demand(work.means.gateway(work.old, ("backup", "create", str(target)), within=WITHIN), "no backup can be made")

    def undo(self, work: Work) -> None:
        remove_tree(work.layout.backups / work.operation.id)


class Widen:
    """Migrate beside the gateway that serves, where the new release finds that possible."""

    name = "migrate"

    def do(self, work: Work) -> None:
        ran = work.means.gateway(work.new, ("db", "migrate", "--online", "--json"), within=WITHIN)
        work.note(online=ran.code == 0)

    def undo(self, work: Work) -> None:
        """A schema only expands: the old release uses the wider one. What narrows is done by `WidenStopped`."""


class WidenStopped:
    """Migrate while nobody serves, when it could not be done beside; with a backup of the very last rows."""

    name = "migrate-stopped"

    def do(self, work: Work) -> None:
        if work.facts.get("online"):
            return
        if work.old is not None:
            target = work.layout.backups / work.operation.id
            remove_tree(target)
            words = ("backup", "create", str(target))
            demand(work.means.gateway(work.old, words, within=WITHIN), "no backup can be made")
        demand(work.means.gateway(work.new, ("db", "migrate", "--json"), within=WITHIN), "the data cannot be migrated")

    def undo(self, work: Work) -> None:
        """The old release says whether it can use what is there now; when not, the backup comes back."""
        if work.old is not None and not work.facts.get("online") and fate(work, work.old) == "restore":
            words = ("backup", "restore", str(work.facts["backup"]), "--yes")
            demand(work.means.gateway(work.old, words, within=WITHIN), "the backup cannot be restored")


class Restore:
    """For a rollback that asked for it: the backup from before the upgrade. Newer rows are moved aside, and kept."""

    name = "restore"

    def do(self, work: Work) -> None:
        if not work.facts.get("restore"):
            return
        target = str(work.layout.backups / work.operation.id)
        work.note(backup=target)
        folder_for_user(work, work.layout.backups)
        if work.old is not None:
            saving = ("backup", "create", target)
            demand(work.means.gateway(work.old, saving, within=WITHIN), "no backup can be made")
        work.note(restoring=True)
        words = ("backup", "restore", str(work.facts["restore"]), "--yes")
        demand(work.means.gateway(work.new, words, within=WITHIN), "the backup cannot be restored")

    def undo(self, work: Work) -> None:
        if work.facts.get("restoring") and work.old is not None:
            words = ("backup", "restore", str(work.facts["backup"]), "--yes")
            demand(work.means.gateway(work.old, words, within=WITHIN), "the newer rows cannot be brought back")


def fate(work: Work, release: Release) -> str:
    """What that release would have to do with the data: `none`, `migrate` or `restore`. Raises Failed."""
    ran = work.means.gateway(release, ("db", "status", "--data", str(work.layout.data), "--json"))
    try:
        return str(json.loads(ran.out)["action"])
    except (ValueError, KeyError, TypeError):
        raise Failed(f"release `{release.id}` cannot say whether it can use the data: {ran.last_words}") from None


def demand(ran: Ran, what: str) -> None:
    """Raises Failed unless the program succeeded."""
    if ran.code:
        raise Failed(f"{what}: {ran.last_words}")


def folder_for_user(work: Work, folder: "os.PathLike[str]") -> None:
    """A private folder that the site's user may write into."""
    made = work.layout.prefix / folder
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    user = work.facts.get("user", "")
    if user and os.geteuid() == 0 and work.facts.get("service") != "systemd":
        who = pwd.getpwnam(user)
        os.chown(made, who.pw_uid, who.pw_gid)
