"""What was begun, and how far it came: one JSON object a line, on disk before anything is done.

Two rules bring every site back after a power cut:
  before `commit`   everything that began is taken back, last first: the old release is what there is
  after `commit`    what is left is done again until it is done: the new release is what there is
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from installer.disk import PRIVATE, sync_folder
from installer.failure import Failed

Facts = dict[str, Any]  # what later steps and an undo need to know: JSON values


def nowhere(_boundary: str) -> None:
    """Where tests end a process; nobody else does."""


@dataclass
class Operation:
    """One install, upgrade, rollback or removal, as the journal tells it."""

    id: str
    verb: str
    facts: Facts = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)  # steps
    taken_back: list[str] = field(default_factory=list)
    committed: bool = False
    outcome: str = ""  # `done` or `returned`, when it is over


class Journal:
    """Append-only; every line is on disk when `append` returns."""

    def __init__(self, file: Path, boundary: Callable[[str], None] = nowhere) -> None:
        self.file = file
        self._boundary = boundary

    def append(self, operation: str, event: str, **more: object) -> None:
        """Raises OSError. Both sides of each line are boundaries, where a test may end the process."""
        name = f"{event}:{more.get('step', '')}".removesuffix(":")
        self._boundary(f"before {name}")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = not self.file.exists()
        self._drop_torn_line()
        descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, PRIVATE)
        line = json.dumps({"op": operation, "event": event, **more}, sort_keys=True) + "\n"
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            sync_folder(self.file.parent)
        self._boundary(f"after {name}")

    def operations(self) -> list[Operation]:
        """Oldest first. Raises Failed when a whole line cannot be read."""
        found: dict[str, Operation] = {}
        for told in self._lines():
            operation = found.setdefault(told["op"], Operation(told["op"], told.get("verb", "")))
            _apply(operation, told)
        return list(found.values())

    def unfinished(self) -> Operation | None:
        """The one that a kill or a power cut interrupted. There is at most one: the lock sees to that."""
        left = [one for one in self.operations() if not one.outcome]
        return left[-1] if left else None

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            content = self.file.read_bytes()
        except FileNotFoundError:
            return
        whole, _, _ = content.rpartition(b"\n")  # a line without its end never was
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise Failed(f"`{self.file}`, line {number} is damaged; look at it before anything else") from error

    def _drop_torn_line(self) -> None:
        if not self.file.exists():
            return
        content = self.file.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            os.truncate(self.file, whole)


def _apply(operation: Operation, told: dict[str, Any]) -> None:
    match told["event"]:
        case "fact":
            operation.facts.update(told["facts"])
        case "do":
            operation.begun.append(told["step"])
        case "undone":
            operation.taken_back.append(told["step"])
        case "commit":
            operation.committed = True
        case "end":
            operation.outcome = told["outcome"]
