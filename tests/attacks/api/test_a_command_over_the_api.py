"""CVE-2026-42271, CVE-2026-30623: a posted `command` was run. No request can start a process."""

import ast
import json
from pathlib import Path

import pytest

from tests.attacks.api.wire import send
from tests.e2e.planted import Planted

ROOT = Path(__file__).parents[3]
SERVES = (
    "app",
    "http",
    "pipeline",
    "identity",
    "policy",
    "routing",
    "ledger",
    "config",
    "observe",
    "store",
    "counters",
)


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "touch TRACE"},
        {"options": {"command": "touch TRACE"}},
        {"credential": "exec:touch TRACE"},
        {"credential": "env:$(touch TRACE)"},
        {"credential": "file:|touch TRACE"},
        {"url": "http://127.0.0.1:9/`touch TRACE`"},
        {"provider": "os:system"},
        {"provider": "../../evil"},
    ],
)
def test_no_entry_of_a_deployment_is_run(attacked: Planted, tmp_path: Path, entry: dict[str, object]) -> None:
    trace = tmp_path / "trace"
    whole = {"label": "z", "provider": "vllm", "url": "http://127.0.0.1:9", "model": "m", **entry}
    body = json.dumps(whole).replace("TRACE", str(trace)).encode()

    send(attacked.site.admin_url, "PUT", "/admin/deployments/command/z", attacked.headers("admin"), body)
    send(attacked.site.admin_url, "GET", "/admin/cards?deployment=command/z", attacked.headers("admin"))
    send(attacked.site.admin_url, "DELETE", "/admin/models/command", attacked.headers("admin"))

    assert not trace.exists()


def test_no_part_that_serves_can_start_a_process() -> None:
    starting = {"subprocess", "pty", "multiprocessing", "pickle", "marshal", "shelve", "ctypes", "code"}
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for part in (*(ROOT / "appliance" / name for name in SERVES), ROOT / "providers")
        for path in (part.rglob("*.py") if part.is_dir() else [part.with_suffix(".py")])
        if "simulated" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
        if name.partition(".")[0] in starting
    ]
    assert found == []


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
