"""What a model's wheel may hold: data, spaCy's stock `__init__`, and nothing of the machine that trained it."""

import re
from collections.abc import Mapping

from offline.failure import Failure

LARGEST = 15 * 1024 * 1024  # bytes: git keeps every one for ever
PLACES = re.compile(rb"(?:/home/|/root/|/Users/|/tmp/|/work/|[A-Z]:\\{1,2}Users\\{1,2})[\w.-]+")
PICKLE = re.compile(rb"\x80[\x02-\x05]")
STOCK = frozenset({"from", "import", "__version__", "def", "return"})  # how a line of the stock file begins
CODE = (".py", ".pyc", ".so", ".pth", ".pyd", ".dll", ".sh")


def check(members: Mapping[str, bytes]) -> None:
    """Raises Failure for a path of a machine, for code, and for anything pickled."""
    for name, content in members.items():
        if (place := PLACES.search(content)) is not None and not _binary(name):
            raise Failure(f"`{name}` names `{place[0].decode()}`, a place of the machine that trained it")
        if PICKLE.match(content) and content.endswith(b"."):
            raise Failure(f"`{name}` is a pickle: loading it would run code")
        if name.endswith(CODE) and not (name.count("/") == 1 and name.endswith("/__init__.py") and _stock(content)):
            raise Failure(f"`{name}` is code; a model is data")


def _binary(name: str) -> bool:
    """Weights and tables, in which four bytes may spell anything; texts are JSON, Markdown, settings."""
    return name.rsplit("/", 1)[-1] in {"model", "vectors", "key2row"}


def _stock(content: bytes) -> bool:
    """Whether it only names the version and hands loading over to spaCy."""
    lines = [line.split() for line in content.decode("ascii", "replace").splitlines() if line.strip()]
    return len(lines) <= 8 and all(line[0] in STOCK for line in lines)
