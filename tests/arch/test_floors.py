"""The floors, as import-linter contracts: they hold, and a planted violation of each one is seen."""

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.arch.tree import parsed, product

ROOT = Path(__file__).parents[2]
PLANTED = {  # contract id -> (module to write into, the import that breaks it)
    "floors": ("appliance/domain/planted.py", "import appliance.pipeline.settlement"),
    "features-know-no-adapters": ("appliance/identity/planted.py", "import appliance.store"),
    "providers-know-ports": ("providers/planted.py", "import appliance.policy.grant"),
    "only-the-root-knows-providers": ("appliance/pipeline/planted.py", "import providers"),
    "sbom-knows-nothing-of-ours": ("sbom/planted.py", "import appliance.domain.ids"),
    "httpx-in-egress": ("appliance/config/planted.py", "import httpx"),
    "sql-in-the-store": ("appliance/http/planted.py", "import sqlalchemy"),
    "litestar-on-top": ("appliance/store/planted.py", "import litestar"),
    "presidio-in-redaction": ("appliance/pipeline/planted.py", "import spacy"),
    "plain-floor": ("appliance/domain/planted.py", "import click"),
}


def contracts() -> dict[str, str]:
    """id -> name, as the project file says."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {one["id"]: one["name"] for one in told}


def lint(folder: Path, *only: str) -> subprocess.CompletedProcess[str]:
    asked = [word for one in only for word in ("--contract", one)]
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
        "--no-cache",
        *asked,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_every_contract_has_a_planted_violation() -> None:
    assert set(PLANTED) == set(contracts())


def test_every_contract_is_kept() -> None:
    ran = lint(ROOT)

    assert ran.returncode == 0, ran.stdout[-3000:]


@pytest.mark.parametrize("contract", sorted(PLANTED))
def test_a_planted_violation_is_seen(contract: str, tmp_path: Path) -> None:
    for package in ("appliance", "providers", "offline", "sbom"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    where, line = PLANTED[contract]
    (tmp_path / where).write_text(f"{line}\n")

    ran = lint(tmp_path, contract)

    assert ran.returncode == 1, ran.stdout[-3000:] + ran.stderr[-1000:]
    assert f"{contracts()[contract]} BROKEN" in ran.stdout


def foreign(path: Path) -> list[str]:
    """Imports of a file that a bare Python would not find on the isolated side."""
    names: list[str] = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names += [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    own = ("offline.rules", "installer")
    return [name for name in names if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith(own)]


def test_what_travels_in_the_installer_needs_the_standard_library_alone() -> None:
    travelling = [path for path in product() if path.parts[0] == "installer" or path.parts[:2] == ("offline", "rules")]

    assert len(travelling) > 10
    assert {str(path): names for path in travelling if (names := foreign(path))} == {}
