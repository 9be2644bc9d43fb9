"""installer.pyz: the isolated side's program, one file for the host's Python, the same to the byte at every build."""

import zipfile
from pathlib import Path

from offline.failure import Failure
from offline.own import plain

MAIN = """\
import sys

from installer.__main__ import main

sys.exit(main())
"""
# what of `installer/` is carried at the bundle's root instead, as it is
BESIDE = ("units/", "verify.sh", "install.sh", "quickstart.sh", "START-HERE.txt")


def write_program(tree: Path, file: Path) -> None:
    """`installer` and the rules, stored, sorted. Raises Failure when the tree has no installer."""
    if not (tree / "installer/__main__.py").is_file():
        raise Failure("the tree has no `installer/__main__.py`: there is nothing that could install this release")
    inside = [one for one in (tree / "installer").rglob("*") if one.is_file() and not _beside(tree, one)]
    rules = [tree / "offline/__init__.py", *(tree / "offline/rules").rglob("*.py")]
    members = {str(one.relative_to(tree)): one.read_bytes() for one in (*inside, *rules)}
    members.setdefault("installer/__init__.py", b"")
    members["__main__.py"] = MAIN.encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            archive.writestr(plain(name), members[name])


def _beside(tree: Path, file: Path) -> bool:
    return str(file.relative_to(tree / "installer")).startswith(BESIDE) or "__pycache__" in file.parts
