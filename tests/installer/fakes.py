"""The installer's means without processes: the stand-in gateway is called, and the service is a file."""

import argparse
import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from installer.disk import write_whole
from installer.environment import tag_of
from installer.failure import Failed
from installer.journal import Journal, Operation, nowhere
from installer.layout import Layout, Release, within
from installer.parser import parser
from installer.progress import Progress
from installer.standing import findings
from installer.transaction import new_operation, recover
from installer.verbs.install import install
from installer.verbs.rollback import rollback
from installer.verbs.stories import STORIES
from installer.verbs.uninstall import uninstall
from installer.verbs.upgrade import upgrade
from installer.work import Means, Ran, Work
from tests.fakes.bundle import ARCH, NOW, check
from tests.installer import stand_in

VERBS = {"install": install, "upgrade": upgrade, "rollback": rollback, "uninstall": uninstall}


@dataclass(frozen=True)
class FakeService:
    """Runs when `run/serving` is there; it holds the release that was started."""

    layout: Layout

    @property
    def _file(self) -> Path:
        return self.layout.run / "serving"

    @property
    def kind(self) -> str:
        return "process"

    @property
    def user(self) -> str:
        return ""

    def prepare(self) -> None:
        self.layout.run.mkdir(exist_ok=True)

    @property
    def changes(self) -> Path:
        """What the site changed of its service, outside the prefix."""
        return self.layout.prefix.with_suffix(".changes")

    def remove(self) -> None:
        pass

    def forget(self) -> None:
        self.changes.unlink(missing_ok=True)

    def running(self) -> bool:
        return self._file.exists()

    def serves(self) -> str:
        return self._file.read_text() if self._file.exists() else ""

    def start(self) -> None:
        if not self.running():
            release = self.layout.serving()
            if release is None:
                raise Failed("there is nothing to start")
            if wrong := findings(self.layout, release, check):  # as the unit does, before every start
                raise Failed(f"it is not as it was installed: {wrong[0]}")
            self.prepare()
            write_whole(self._file, release.id.encode())
            version = release.id.split("-")[0]
            (self.layout.data / "gateway.json").write_text(version)

    def stop(self) -> None:
        self._file.unlink(missing_ok=True)

    def last_words(self) -> str:
        return "nothing was said"


@dataclass(frozen=True)
class FakeGateway:
    """Calls the stand-in with the version and the failures of the release."""

    layout: Layout

    def __call__(self, release: Release, words: Sequence[str], *, kind: str = "serve", within: float = 60) -> Ran:
        program = next((release.folder / kind / "lib").glob("*/site-packages/appliance/cli"))
        out, err = io.StringIO(), io.StringIO()
        told = ["--config", str(self.layout.settings), *words]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = stand_in.main(told, (program / "version.txt").read_text(), (program / "fails.txt").read_text())
        return Ran(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class House:
    """A site in one folder, worked on inside this process."""

    layout: Layout

    @classmethod
    def at(cls, prefix: Path) -> "House":
        return cls(within(prefix))

    @property
    def service(self) -> FakeService:
        return FakeService(self.layout)

    def means(self) -> Means:
        return Means(
            check=check,
            gateway=FakeGateway(self.layout),
            service=self.service,
            now=lambda: NOW,
            arch=ARCH,
            python=Path(sys.executable).resolve(),
            tag=tag_of(),
            compile_all=lambda *_: None,
            sync=lambda: None,
            progress=Progress(quiet=True),
            look=lambda *_: [],
        )

    def asked(self, *words: str) -> argparse.Namespace:
        return parser().parse_args([*words, "--prefix", str(self.layout.prefix)])

    def run(self, *words: str, boundary: Callable[[str], None] = nowhere) -> None:
        """One verb, as the program does it."""
        asked = self.asked(*words)
        verb = "purge" if getattr(asked, "purge", False) else asked.verb
        VERBS[asked.verb](asked, self.work(new_operation(verb, self._next()), boundary))

    def work(self, operation: Operation, boundary: Callable[[str], None] = nowhere) -> Work:
        return Work(self.layout, self.means(), Journal(self.layout.journal, boundary), operation)

    def resume(self, boundary: Callable[[str], None] = nowhere) -> bool:
        left = Journal(self.layout.journal).unfinished()
        if left is not None:
            recover(self.work(left, boundary), STORIES[left.verb])
        return left is not None

    def spent(self) -> int:
        """The spend total of the rows on disk."""
        with stand_in.rows(self.layout.data, "ledger") as database:
            return int(database.execute("select coalesce(sum(micros), 0) from rows").fetchone()[0])

    def spend(self, micros: int) -> None:
        with stand_in.rows(self.layout.data, "ledger") as database:
            database.execute("insert into rows (micros) values (?)", (micros,))

    def _next(self) -> str:
        return f"{len(Journal(self.layout.journal).operations()):014}"


def killed(work: Callable[[], object]) -> bool:
    """Run in a process of its own; True when it was ended by kill -9, as a power cut would."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def dying_at(wanted: str) -> Callable[[str], None]:
    """End this process at the named boundary."""

    def boundary(name: str) -> None:
        if name == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return boundary
