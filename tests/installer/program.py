"""The installer as a medium carries it: one file for the host's Python."""

from pathlib import Path

from tests.fakes.bundle import zipped

MAIN = b"import sys\n\nfrom installer.__main__ import main\n\nsys.exit(main())\n"


def zipapp(tree: Path) -> bytes:
    """`installer` and the rules of a source tree."""
    files = [tree / "offline/__init__.py", *(tree / "installer").rglob("*.py"), *(tree / "offline/rules").rglob("*.py")]
    members = {str(file.relative_to(tree)): file.read_bytes() for file in sorted(files)}
    return zipped({**members, "__main__.py": MAIN})
