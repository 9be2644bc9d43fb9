"""What every step is handed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from installer.journal import Journal, Operation
from installer.layout import Layout, Release
from installer.progress import Progress
from offline.rules.openssl import Check


class Ran(NamedTuple):
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def last_words(self) -> str:
        said = (self.err.strip() or self.out.strip()).splitlines()
        return said[-1][:300] if said else f"it ended with {self.code} and said nothing"


class Gateway(Protocol):
    """The programs of a release."""

    def __call__(self, release: Release, words: Sequence[str], *, kind: str = "serve", within: float = 60) -> Ran:
        """Run `redoubt WORDS` of that release with the site's configuration, and without a network where allowed."""


class Service(Protocol):
    """What keeps the gateway running."""

    @property
    def kind(self) -> str:
        """`process` or `systemd`."""

    @property
    def user(self) -> str:
        """Whom the gateway runs as; empty: whoever installs."""

    def prepare(self) -> None:
        """What starting needs: a unit, an enabled unit. Again and again is fine. Raises Failed."""

    def running(self) -> bool: ...

    def start(self) -> None:
        """Start what `current` points to; already running is fine. Raises Failed."""

    def stop(self) -> None:
        """Stopped when this returns; already stopped is fine. Raises Failed."""

    def remove(self) -> None:
        """Take back what `prepare` and `start` did; what the site changed of it stays."""

    def forget(self) -> None:
        """After `remove`: what the site changed of it, too. Nothing to forget is fine."""

    def last_words(self) -> str:
        """What the gateway said last, or where that can be read."""


@dataclass(frozen=True)
class Means:
    """What the world is touched with; tests hand over their own."""

    check: Check
    gateway: Gateway
    service: Service
    now: Callable[[], datetime]
    arch: str
    python: Path  # what environments are made with
    tag: str  # of that Python: `cp311`
    compile_all: Callable[[Path, Sequence[str]], None]  # write byte code of sources below a site-packages
    sync: Callable[[], None]  # everything written is on disk when this returns
    progress: Progress
    look: Callable[[Layout, Path, dict[str, Any]], list[Any]]  # preflight.look


@dataclass
class Work:
    """One operation on one site."""

    layout: Layout
    means: Means
    journal: Journal
    operation: Operation

    @property
    def facts(self) -> Mapping[str, Any]:
        return self.operation.facts

    def note(self, **facts: object) -> None:
        """On disk before this returns: what an undo after a power cut needs to know."""
        self.journal.append(self.operation.id, "fact", facts=facts)
        self.operation.facts.update(facts)

    @property
    def folder(self) -> Path:
        """Of this operation alone, removed at its end."""
        return self.layout.staging / self.operation.id

    @property
    def staged(self) -> Release:
        """The new release before it has its place."""
        return Release(self.folder / "release")

    @property
    def new(self) -> Release:
        return self.layout.release(self.facts["release"])

    @property
    def old(self) -> Release | None:
        """The one that served when this began."""
        return self.layout.release(self.facts["previous"]) if self.facts.get("previous") else None


class Step(Protocol):
    """One thing that is done, and taken back. Both may be called again after they were interrupted anywhere."""

    name: str

    def do(self, work: Work) -> None:
        """Raises Failed, Refused or OSError; then everything is taken back."""

    def undo(self, work: Work) -> None:
        """From the facts and the disk alone: nothing of memory is left. What `do` did not do is no error."""
