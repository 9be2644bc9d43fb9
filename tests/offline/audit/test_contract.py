"""pip-audit's modules are private and may change: what is used of them is held here, against the pinned version."""

import inspect
import re
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version
from pip_audit import _audit, _dependency_source, _service  # type: ignore[import-untyped]  # pip-audit carries no types

from offline.audit.library import PIP_AUDIT
from offline.audit.pins import of_lock

LOCKS = sorted((Path(__file__).parents[3] / "offline" / "locks").glob("tools-*.txt"))


def test_the_version_here_is_the_one_this_was_written_against() -> None:
    assert version("pip-audit") == PIP_AUDIT


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.name)
def test_every_tools_lock_pins_that_version(file: Path) -> None:
    pins = {one.name: one.version for one in of_lock(file).pins}

    assert pins["pip-audit"] == PIP_AUDIT


def test_there_are_tools_locks() -> None:
    assert LOCKS


def test_an_auditor_takes_a_service_and_audits_a_source() -> None:
    assert next(iter(inspect.signature(_audit.Auditor).parameters)) == "service"
    assert list(inspect.signature(_audit.Auditor.audit).parameters) == ["self", "source"]


def test_a_service_answers_for_one_dependency_and_by_default_for_all() -> None:
    assert list(inspect.signature(_service.VulnerabilityService.query).parameters) == ["self", "spec"]
    assert list(inspect.signature(_service.VulnerabilityService.query_all).parameters) == ["self", "specs"]
    assert _service.VulnerabilityService.__abstractmethods__ == {"query"}


def test_a_source_collects_and_fixes() -> None:
    assert _dependency_source.DependencySource.__abstractmethods__ == {"collect", "fix"}


def test_a_requirement_source_can_be_told_to_run_no_pip() -> None:
    taken = inspect.signature(_dependency_source.RequirementSource).parameters

    assert {"filenames", "require_hashes", "no_deps", "disable_pip"} <= taken.keys()


def test_a_result_is_named_by_its_pysec_id_first() -> None:
    made = _service.VulnerabilityResult.create(
        ids=["GHSA-1-2-3", "CVE-2026-1", "PYSEC-2026-1"], description="", fix_versions=[], published=None
    )

    assert (made.id, made.aliases) == ("PYSEC-2026-1", {"GHSA-1-2-3", "CVE-2026-1"})


def test_dependencies_know_their_name_and_version_and_whether_they_were_skipped() -> None:
    there = _service.ResolvedDependency(name="A_b", version=Version("1.0"))
    skipped = _service.SkippedDependency(name="c", skip_reason="why")

    assert (there.canonical_name, str(there.version), there.is_skipped()) == ("a-b", "1.0", False)
    assert (skipped.skip_reason, skipped.is_skipped()) == ("why", True)


def test_its_errors_are_the_ones_that_are_caught() -> None:
    assert issubclass(_service.ConnectionError, _service.ServiceError)
    assert issubclass(_dependency_source.InvalidRequirementSpecifier, _dependency_source.DependencySourceError)


def test_only_one_file_imports_it() -> None:
    root = Path(__file__).parents[3]
    importing = [
        str(file.relative_to(root))
        for room in ("appliance", "offline", "sbom", "providers")
        for file in sorted((root / room).rglob("*.py"))
        if re.search(r"^\s*(from|import) pip_audit", file.read_text(), re.MULTILINE)
    ]

    assert importing == ["offline/audit/library.py"]
