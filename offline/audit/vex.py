"""What somebody has answered for: a finding that does not concern this product, until a date, and why.

`sbom.vex` reads the document; the audit asks through this small door.
"""

from datetime import datetime
from typing import Protocol

import msgspec


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """One VEX entry, as far as an audit needs it."""

    until: datetime  # aware; afterwards it covers nothing
    justification: str
    author: str


class Vex(Protocol):
    """Entries that say `not_affected`, or `affected` and accepted for a time."""

    def cover(self, advisory: str, package: str, version: str) -> Cover | None:
        """The entry about this advisory, for this package at this version; None when there is none."""


class NoVex:
    """Nothing is answered for."""

    def cover(self, advisory: str, package: str, version: str) -> Cover | None:
        del advisory, package, version
        return None
