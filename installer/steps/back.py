"""What a rollback asks before anything stops."""

from installer.failure import Failed
from installer.standing import findings
from installer.steps.data import fate
from installer.work import Work


class Reverify:
    """The release to go back to is still what was installed, and can use the data; else say what it takes."""

    name = "verify"

    def do(self, work: Work) -> None:
        release = work.new
        if wrong := findings(work.layout, release, work.means.check):
            raise Failed(f"`{release.id}` is not what was installed: {wrong[0]} ({len(wrong)} in all)")
        if fate(work, release) == "restore" and not work.facts.get("restore"):
            raise Failed(
                f"`{release.id}` cannot use the data as it is now; with `--restore-backup` the backup from before the "
                "upgrade is brought back and the newer rows are moved aside"
            )

    def undo(self, work: Work) -> None:
        """It changed nothing."""
