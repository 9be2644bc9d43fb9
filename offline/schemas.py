"""Which database schemas a release needs: read out of its migrations, none of which is run."""

import ast
from pathlib import Path

from offline.failure import Failure
from offline.rules.manifest import Schema

MIGRATIONS = "appliance/store/migrations"


def schemas(tree: Path) -> tuple[Schema, ...]:
    """One for each database, by name. `compatible_from` is the highest any step asks for. Raises Failure."""
    folders = sorted(one for one in (tree / MIGRATIONS).glob("*") if one.is_dir() and list(one.glob("v*.py")))
    if not folders:
        raise Failure(f"the tree holds no migrations below `{MIGRATIONS}`")
    return tuple(_schema(folder) for folder in folders)


def _schema(folder: Path) -> Schema:
    steps = [_names(file) for file in sorted(folder.glob("v*.py"))]
    return Schema(
        database=folder.name,
        needs=max(step["revision"] for step in steps),
        compatible_from=max(step.get("compatible_from", step["revision"]) for step in steps),
    )


def _names(file: Path) -> dict[str, str]:
    """Texts that a migration gives names to. Raises Failure without a `revision`."""
    found: dict[str, str] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        target, value = None, None
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign):
            target, value = node.target, node.value
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
            found[target.id] = value.value
    if "revision" not in found:
        raise Failure(f"the migration `{file.name}` names no revision")
    return found
