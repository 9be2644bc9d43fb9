"""Rule 1 of the house: files, functions and signatures stay small enough to be read at once."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.arch.tree import parsed, product, suite, text

MOST_LINES = 400
MOST_FUNCTION_LINES = 60
MOST_PARAMETERS = 7


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([one for one in given if one.arg not in {"self", "cls"}])


def test_no_product_file_is_longer_than_400_lines() -> None:
    assert {
        str(path): n
        for path in product()
        if (n := text(path).count("\n")) > MOST_LINES and "migrations" not in path.parts
    } == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long = {
        f"{path}:{node.lineno} {node.name}": lines(node)
        for path in [*product(), *suite()]
        if "migrations" not in path.parts
        for node in functions(path)
        if lines(node) > MOST_FUNCTION_LINES
    }
    assert long == {}


def test_no_function_takes_more_than_seven_parameters() -> None:
    wide = {
        f"{path}:{node.lineno} {node.name}": parameters(node)
        for path in product()
        for node in functions(path)
        if parameters(node) > MOST_PARAMETERS
    }
    assert wide == {}
