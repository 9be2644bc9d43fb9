"""pip-audit as a library, over a snapshot. The only importer of its modules, which are private and may change.

The lock pins pip-audit exactly; tests/offline/audit/test_contract.py holds what is used here against that version.
"""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pip_audit._audit import Auditor  # type: ignore[import-untyped]  # pip-audit carries no types
from pip_audit._dependency_source import (  # type: ignore[import-untyped]  # the same
    DependencySource,
    DependencySourceError,
    RequirementSource,
)
from pip_audit._service import (  # type: ignore[import-untyped]  # the same
    Dependency,
    ResolvedDependency,
    ServiceError,
    VulnerabilityResult,
    VulnerabilityService,
)

from offline.advisories.record import PYPI, Record
from offline.advisories.snapshot import Snapshot
from offline.advisories.versions import affects, fixes
from offline.audit.pins import Demand, Pin, Skip

PIP_AUDIT = "2.10.1"  # what this file was written against


class Hit(msgspec.Struct, frozen=True, order=True):
    """A known vulnerability of a package."""

    pin: Pin
    id: str
    aliases: tuple[str, ...]
    fixed_in: tuple[str, ...]
    summary: str


class Answer(msgspec.Struct, frozen=True):
    """What pip-audit made of one demand."""

    audited: frozenset[Pin]
    skipped: tuple[Skip, ...]
    hits: tuple[Hit, ...]


class ServiceFailed(Exception):
    """The vulnerability service itself failed; nothing was found out."""


class SnapshotService(VulnerabilityService):  # type: ignore[misc]  # its base has no types
    """A vulnerability service that reads the snapshot at hand, and no network."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def query(self, spec: Dependency) -> tuple[Dependency, list[VulnerabilityResult]]:
        """As OSV's service answers: one result for each record that holds this version."""
        if spec.is_skipped():
            return spec, []
        name, version = str(spec.canonical_name), str(spec.version)
        records = [record for _, record in self._snapshot.of(PYPI, name)]
        return spec, [_result(one, name, version) for one in records if affects(one, PYPI, name, version)]


class Installed(DependencySource):  # type: ignore[misc]  # its base has no types
    """Packages that were read from an environment, without running its Python or its pip."""

    def __init__(self, demand: Demand) -> None:
        self._demand = demand

    def collect(self) -> Iterator[Dependency]:
        for one in sorted(self._demand.pins):
            yield ResolvedDependency(name=one.name, version=Version(one.version))

    def fix(self, fix_version: object) -> None:
        """Never: an audit changes nothing. Raises DependencySourceError."""
        raise DependencySourceError(f"an audit changes nothing, so {fix_version} was not applied")


def ask(service: VulnerabilityService, demand: Demand) -> Answer:
    """Let pip-audit audit one demand. Raises ServiceFailed; what it cannot read becomes a Skip."""
    # It warns of everything it leaves out; we count instead, and fail.
    logging.getLogger("pip_audit").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="redoubt-audit-") as folder:
        source = Installed(demand)
        if demand.kind == "lock":
            lock = Path(folder) / "lock.txt"
            lock.write_bytes(demand.text)
            source = RequirementSource([lock], require_hashes=True, no_deps=True, disable_pip=True)
        return _collected(Auditor(service), source, demand)


def _collected(auditor: Auditor, source: DependencySource, demand: Demand) -> Answer:
    audited: set[Pin] = set()
    skipped: list[Skip] = []
    hits: list[Hit] = []
    try:
        for dependency, results in auditor.audit(source):
            if dependency.is_skipped():
                skipped.append(Skip(str(dependency.name)[:80], str(dependency.skip_reason)))
                continue
            found = Pin(canonicalize_name(dependency.name), str(dependency.version))
            audited.add(found)
            hits += [_hit(found, one) for one in results]
    except (DependencySourceError, InvalidVersion) as error:
        skipped.append(Skip(Path(demand.where).name, f"pip-audit cannot read it: {error}"))
    except ServiceError as error:
        raise ServiceFailed(f"the vulnerability service failed at `{demand.where}`: {error}") from error
    return Answer(frozenset(audited), tuple(skipped), tuple(sorted(hits)))


def _result(record: Record, name: str, version: str) -> VulnerabilityResult:
    return VulnerabilityResult.create(
        ids=[record.id, *record.aliases],
        description=record.said(),
        fix_versions=fixes(record, PYPI, name, version),
        published=VulnerabilityService._parse_rfc3339(record.published),  # noqa: SLF001 -- as its own services do
    )


def _hit(pin: Pin, result: VulnerabilityResult) -> Hit:
    fixed = tuple(str(one) for one in result.fix_versions)
    return Hit(pin, str(result.id), tuple(sorted(map(str, result.aliases))), fixed, str(result.description))
