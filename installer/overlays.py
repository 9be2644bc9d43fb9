"""What a site adds to a release: signed by its own keys, in PREFIX/overlays, listed as operator-supplied."""

from collections.abc import Iterator
from dataclasses import dataclass

from installer.layout import Layout
from offline.rules.openssl import Check


@dataclass(frozen=True)
class Overlay:
    """A folder of the channel `overlay`, signed by the site."""

    name: str
    version: str
    seq: int
    files: int

    def told(self) -> dict[str, object]:
        return {"name": self.name, "version": self.version, "seq": self.seq, "files": self.files}


def listed(layout: Layout) -> Iterator[Overlay]:
    """By name."""
    _ = layout
    yield from ()


def findings(layout: Layout, check: Check) -> list[str]:
    """One line for each overlay that is not what was signed."""
    _ = layout, check
    return []
