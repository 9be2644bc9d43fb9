"""From one release to another: stop, switch, start, look."""

from installer.disk import point, sync_folder
from installer.failure import Failed
from installer.work import Work

SMOKE_WITHIN = 30


class Halt:
    """Stop what serves now; taken back, it serves again."""

    name = "halt"

    def do(self, work: Work) -> None:
        work.note(was_running=work.means.service.running())
        work.means.service.stop()

    def undo(self, work: Work) -> None:
        if work.facts.get("was_running") and work.layout.serving() is not None:
            work.means.service.start()


class Switch:
    """`current` names the new release, at once."""

    name = "switch"

    def do(self, work: Work) -> None:
        point(work.layout.current, f"releases/{work.new.id}")

    def undo(self, work: Work) -> None:
        if work.old is not None:
            point(work.layout.current, f"releases/{work.old.id}")
        elif work.layout.current.is_symlink():
            work.layout.current.unlink()
            sync_folder(work.layout.prefix)


class Start:
    """Start the release that `current` names."""

    name = "start"

    def do(self, work: Work) -> None:
        work.means.service.start()

    def undo(self, work: Work) -> None:
        work.means.service.stop()


class Smoke:
    """The new release serves: both listeners, the expected version, one request from door to door."""

    name = "smoke"

    def do(self, work: Work) -> None:
        words = ("smoke", "--expect", str(work.facts["version"]), "--within", str(SMOKE_WITHIN))
        ran = work.means.gateway(work.new, words, within=SMOKE_WITHIN * 2)
        if ran.code:
            raise Failed(f"release {work.facts['version']} does not serve as it should: {ran.last_words}")

    def undo(self, work: Work) -> None:
        """It changed nothing."""
