"""What somebody has answered for: a finding that does not concern this product, until a date, and why.

`sbom.vex` reads the document; the audit asks through this small door.
"""

from datetime import UTC, date, datetime, time, timedelta
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


class Judgement(Protocol):
    """What `sbom.vex` knows of one entry."""

    @property
    def expires(self) -> date:
        """The last day it holds."""

    @property
    def justification(self) -> str | None:
        """CISA's word, for what is not affected."""

    @property
    def detail(self) -> str: ...

    @property
    def author(self) -> str: ...


class Judgements(Protocol):
    """The document that `sbom.vex` reads."""

    def covering(self, ids: frozenset[str], package: str, version: str) -> Judgement | None:
        """The entry that excuses a finding known under these ids."""


class FromDocument:
    """The VEX document that travels with a release."""

    def __init__(self, document: Judgements) -> None:
        self._document = document

    def cover(self, advisory: str, package: str, version: str) -> Cover | None:
        found = self._document.covering(frozenset({advisory}), package, version)
        if found is None:
            return None
        why = f"{found.justification}: {found.detail}" if found.justification else found.detail
        # it holds to the end of its last day
        until = datetime.combine(found.expires + timedelta(days=1), time(), UTC)
        return Cover(until=until, justification=why, author=found.author)
