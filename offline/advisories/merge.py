"""One record for one fault: what two databases tell under two names is told once."""

import json
from collections.abc import Iterable

from offline.advisories.fault import BadAdvisories
from offline.advisories.gather import Found
from offline.advisories.record import Package, Raw, Record, normalised, read_record

# As pip-audit ranks them: its own database's ids first. Lower is kept.
_RANK = {"PYSEC": 0, "GHSA": 1}


class Merge:
    """Records put together. `add` them all, then read `records`."""

    def __init__(self, ecosystems: frozenset[str]) -> None:
        self._ecosystems = ecosystems
        self._all: dict[str, tuple[Raw, Record]] = {}
        self.withdrawn = 0
        self.elsewhere = 0

    def add(self, found: Iterable[Found]) -> None:
        """Raises BadAdvisories for a record that is malformed, or told twice in two ways."""
        for where, raw in found:
            record = read_record(raw, where)
            if record.withdrawn:
                self.withdrawn += 1
                continue
            if not any(package.ecosystem in self._ecosystems for package in record.packages()):
                self.elsewhere += 1
                continue
            clean = normalised(raw, record)
            seen = self._all.get(record.id)
            if seen is not None and seen[0] != clean:
                raise BadAdvisories(f"`{record.id}` is told twice and differs, the second time in `{where}`")
            self._all[record.id] = (clean, read_record(clean, where))

    def records(self) -> tuple[list[Raw], int]:
        """Those kept, by id, and how many went into another one.

        Two records of one database stay two, even when they share an alias: its authors say they are two faults.
        """
        kept: list[tuple[Raw, Record]] = []
        by_name: dict[str, list[int]] = {}
        merged = 0
        for raw, record in sorted(self._all.values(), key=lambda one: (_rank(one[1].id), one[1].id)):
            at = _same(record, kept, by_name)
            if at is None:
                at = len(kept)
                kept.append((raw, record))
            else:
                merged += 1
                together = _joined(kept[at][0], raw)
                kept[at] = (together, read_record(together, record.id))
            for name in (record.id, *record.aliases):
                by_name.setdefault(name, []).append(at)
        return sorted((raw for raw, _ in kept), key=lambda raw: str(raw["id"])), merged


def _same(record: Record, kept: list[tuple[Raw, Record]], by_name: dict[str, list[int]]) -> int | None:
    """A kept record of another database that tells the same fault of one of the same packages."""
    for name in (record.id, *record.aliases):
        for at in by_name.get(name, ()):
            other = kept[at][1]
            if _family(other.id) != _family(record.id) and _packages(other) & _packages(record):
                return at
    return None


def _joined(raw: Raw, other: Raw) -> Raw:
    """Aliases and affected parts of both: a version that either of them names stays named."""
    aliases = {*raw.get("aliases", ()), *other.get("aliases", ()), str(other["id"])} - {str(raw["id"])}
    parts = {json.dumps(one, sort_keys=True): one for one in (*raw["affected"], *other["affected"])}
    return raw | {
        "aliases": sorted(aliases),
        "affected": list(parts.values()),
        "modified": max(str(raw["modified"]), str(other["modified"])),
    }


def _packages(record: Record) -> set[Package]:
    return record.packages()


def _family(id_: str) -> str:
    return id_.partition("-")[0]


def _rank(id_: str) -> int:
    return _RANK.get(_family(id_), 2)
