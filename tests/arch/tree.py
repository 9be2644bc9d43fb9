"""The tree as the arch tests read it: parsed once, never imported."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("appliance", "providers", "offline", "sbom", "installer")


@cache
def tracked() -> tuple[Path, ...]:
    """Files git knows, and new ones it does not ignore; relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(Path(line) for line in sorted(set(listed.stdout.splitlines())) if (ROOT / line).is_file())


def product() -> list[Path]:
    """Python files of the product: everything but tests."""
    return [path for path in tracked() if path.suffix == ".py" and path.parts[0] in PACKAGES]


def suite() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and path.parts[0] == "tests"]


@cache
def text(path: Path) -> str:
    return (ROOT / path).read_text()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(text(path), str(path))
