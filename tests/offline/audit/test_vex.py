"""The VEX document of a release, through the audit's small door."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from offline.audit.vex import FromDocument


@dataclass(frozen=True)
class Entry:
    expires: date = date(2026, 11, 23)
    justification: str | None = "vulnerable_code_not_in_execute_path"
    detail: str = "the parser is never called"
    author: str = "ann"


class Document:
    """One entry about one advisory of one package."""

    def covering(self, ids: frozenset[str], package: str, version: str) -> Entry | None:
        return Entry() if ids == {"CVE-2026-1"} and package == "leaky" and version == "1.0" else None


def test_an_entry_covers_to_the_end_of_its_last_day_and_says_why() -> None:
    found = FromDocument(Document()).cover("CVE-2026-1", "leaky", "1.0")

    assert found is not None
    assert found.until == datetime(2026, 11, 24, tzinfo=UTC)
    assert found.justification == "vulnerable_code_not_in_execute_path: the parser is never called"
    assert found.author == "ann"


def test_what_the_document_does_not_name_is_not_covered() -> None:
    assert FromDocument(Document()).cover("CVE-2026-2", "leaky", "1.0") is None
