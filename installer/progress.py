"""What is happening, on standard error: a line per step with counts, and a bar where somebody watches."""

import sys
import time
from typing import TextIO

WIDTH = 24
REDRAW = 0.1  # seconds


class Progress:
    """Tells of steps in order. `total` is how many there will be."""

    def __init__(self, out: TextIO = sys.stderr, *, quiet: bool = False) -> None:
        self._out = out
        self._quiet = quiet
        self._watched = out.isatty() and not quiet
        self._step, self._total, self._text = 0, 0, ""
        self._begun = self._drawn = 0.0
        self._count, self._bytes, self._of = 0, 0, 0

    def expect(self, total: int) -> None:
        self._step, self._total = 0, total

    def begin(self, text: str, of: int = 0) -> None:
        """`of`: how many things the step has, where that is known."""
        self._step += 1
        self._text, self._of = text, of
        self._begun = time.monotonic()
        self._drawn = self._begun
        self._count = self._bytes = 0

    def expect_things(self, of: int) -> None:
        self._of, self._count, self._bytes = of, 0, 0

    def thing(self, _name: str, size: int = 0) -> None:
        """One more file, wheel or the like is done."""
        self._count += 1
        self._bytes += size
        if self._watched and time.monotonic() - self._drawn > REDRAW:
            self._drawn = time.monotonic()
            self._out.write(f"\r{self._head()} {self._bar()}")
            self._out.flush()

    def end(self, note: str = "") -> None:
        counted = f"{self._count} files, {self._bytes / 1e6:.1f} MB" if self._count else ""
        said = ", ".join(one for one in (note, counted) if one)
        spent = f"{time.monotonic() - self._begun:.1f} s"
        self.say(f"{self._head()} {said}{'  ' if said else ''}{spent}")

    def say(self, text: str) -> None:
        if not self._quiet:
            self._out.write(f"\r\033[K{text}\n" if self._watched else f"{text}\n")
            self._out.flush()

    def _head(self) -> str:
        width = len(str(self._total))
        return f"[{self._step:{width}}/{self._total}] {self._text:14}"

    def _bar(self) -> str:
        if not self._of:
            return f"{self._count} files"
        done = min(self._count * WIDTH // self._of, WIDTH)
        return f"[{'=' * done}{' ' * (WIDTH - done)}] {self._count}/{self._of}"
