"""Rules 2 and 3 of the house: nothing at module level changes, nothing hides an exception."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.arch.tree import parsed, product, text

MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_CALLS = {"list", "dict", "set", "defaultdict", "deque", "Counter", "OrderedDict", "bytearray"}
READS_ENVIRONMENT = {Path("appliance/config/secrets.py")}
SUPERVISORS = {  # rule 3: the only places that may catch any exception; at most three
    Path("appliance/http/v1/route.py"): 1,
    Path(
        "appliance/redaction/worker/serve.py"
    ): 1,  # a recogniser's failure is an answer: nothing crosses a memory zone
    Path("appliance/cli/audit.py"): 1,  # whatever fails, its exit code says so
}


def module_level(path: Path) -> Iterator[tuple[str, ast.expr | None]]:
    for node in parsed(path).body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.value


def frozen_table(name: str, value: ast.expr | None) -> bool:
    """A constant in capitals that nobody writes to: `test_no_table_is_ever_written_to` holds the second half."""
    return name.isupper() and value is not None


def test_no_module_level_value_can_change() -> None:
    found = [
        f"{path}: {name}"
        for path in product()
        for name, value in module_level(path)
        if name != "__all__" and _mutable(value) and not frozen_table(name, value)
    ]
    assert found == []


def _mutable(value: ast.expr | None) -> bool:
    if isinstance(value, MUTABLE):
        return True
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in MUTABLE_CALLS


def test_no_table_is_ever_written_to() -> None:
    written: list[str] = []
    for path in product():
        tables = {name for name, value in module_level(path) if _mutable(value)}
        for node in ast.walk(parsed(path)):
            written += [f"{path}:{node.lineno} {name}" for name in _written(node) if name in tables]  # type: ignore[attr-defined]  # only nodes with a line are yielded
    assert written == []


def _written(node: ast.AST) -> Iterator[str]:
    """Names of module-level tables that this node changes in place."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        targets = list(node.targets)
    elif isinstance(node, ast.AugAssign):
        targets = [node.target]
    for target in targets:
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            yield target.value.id
    changing = {
        "append",
        "add",
        "update",
        "pop",
        "clear",
        "extend",
        "remove",
        "setdefault",
        "insert",
        "popitem",
        "discard",
    }
    called = node.func if isinstance(node, ast.Call) else None
    if isinstance(called, ast.Attribute) and called.attr in changing and isinstance(called.value, ast.Name):
        yield called.value.id


def test_no_function_says_global() -> None:
    found = [
        f"{path}:{node.lineno}" for path in product() for node in ast.walk(parsed(path)) if isinstance(node, ast.Global)
    ]
    assert found == []


def test_only_config_secrets_reads_the_environment() -> None:
    reading = {
        path
        for path in product()
        if path.parts[0] == "appliance"
        and re.search(r"\bos\.environ\b|\bgetenv\b|from os import .*environ", text(path))
    }
    assert reading <= READS_ENVIRONMENT


def test_imports_stand_at_the_top_except_in_the_command_line() -> None:
    inside = [
        f"{path}:{node.lineno}"
        for path in product()
        if path.parts[:2] != ("appliance", "cli")
        for function in ast.walk(parsed(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inside == []


def test_no_import_is_tried() -> None:
    tried = [
        f"{path}:{node.lineno}"
        for path in product()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Try) and any(isinstance(child, ast.Import | ast.ImportFrom) for child in node.body)
    ]
    assert tried == []


def test_only_the_named_supervisors_catch_any_exception() -> None:
    broad: dict[Path, int] = {}
    for path in product():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ExceptHandler) and _catches_all(node):
                broad[path] = broad.get(path, 0) + 1
    assert broad.items() <= SUPERVISORS.items()


def _catches_all(node: ast.ExceptHandler) -> bool:
    """`except:`, `except Exception`, or BaseException that is not raised again."""
    names = {one.id for one in ast.walk(node.type) if isinstance(one, ast.Name)} if node.type else {"BaseException"}
    if "Exception" in names:
        return True
    return "BaseException" in names and not any(
        isinstance(one, ast.Raise) and one.exc is None for one in ast.walk(node)
    )


def test_every_ignored_type_error_has_a_code_and_a_reason() -> None:
    bare = [
        f"{path}:{number}"
        for path in product()
        for number, line in enumerate(text(path).splitlines(), 1)
        if "# type: ignore" in line and not re.search(r"# type: ignore\[[\w, -]+\]\s+#\s*\S+", line)
    ]
    assert bare == []
