"""Locks: every artefact an environment is made of, by name, version and one sha256. No URLs: an index is a detail.

A lock is a pip requirements file, so that `pip install --require-hashes -r LOCK` is all it takes to use one:

    # redoubt lock: serve, cp311, x86_64
    aiosqlite==0.22.1 --hash=sha256:…

Regenerate them all with `python -m offline.lock`, on a machine that reaches a package index.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

LOCKS = Path(__file__).parent / "locks"
ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
ARCHITECTURES = ("x86_64", "aarch64")
GLIBC = ("2_28", "2_17", "2_5")  # Debian 10, RHEL 8 and newer; older tags are compatible
SETS = {"serve": ".", "dev": ".[dev]", "build": "setuptools>=80"}
_LINE = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;]+) --hash=sha256:(?P<sha256>[0-9a-f]{64})$")


class Pin(msgspec.Struct, frozen=True, order=True):
    """One artefact."""

    name: str  # normalised, PEP 503
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


class LockError(Exception):
    """A lock that cannot be read or made; says which line or package."""


def file_of(kind: str, python: str, architecture: str) -> Path:
    """Where a lock lies: `serve-cp311-x86_64.txt`."""
    return LOCKS / f"{kind}-cp{python.replace('.', '')}-{architecture}.txt"


def parse(text: str) -> list[Pin]:
    """Read a lock. Raises LockError at the first line that is not exactly one pin with exactly one sha256."""
    pins: list[Pin] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        found = _LINE.match(line)
        if found is None:
            raise LockError(f"line {number}: expected `name==version --hash=sha256:<64 hex>`, got `{line[:80]}`")
        pins.append(Pin(found["name"], found["version"], found["sha256"]))
    names = [pin.name for pin in pins]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise LockError(f"pinned twice: {', '.join(doubled)}")
    return pins


def render(kind: str, python: str, architecture: str, pins: Sequence[Pin]) -> str:
    """The text of a lock, sorted, so that a diff shows what changed."""
    head = f"# redoubt lock: {kind}, cp{python.replace('.', '')}, {architecture}\n"
    return head + "".join(f"{pin}\n" for pin in sorted(pins))


def pins_of(report: bytes) -> list[Pin]:
    """Pins out of pip's installation report (pypa installation-report, version 1). Raises LockError."""
    pins: list[Pin] = []
    for item in json.loads(report)["install"]:
        name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
        if name == "redoubt-gateway":
            continue
        sha256 = item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
        if not sha256:
            raise LockError(f"the index names no sha256 for `{name}`; nothing was written")
        pins.append(Pin(name, item["metadata"]["version"], sha256))
    return pins


def resolve(requirement: str, python: str, architecture: str) -> list[Pin]:
    """Ask pip which wheels `requirement` comes to on a Linux of that kind. Raises LockError when it finds none.

    Environment markers are judged by the running Python: run under the version locked for where they matter.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"),
            *("--only-binary=:all:", "--implementation=cp", f"--python-version={python}"),
            *(f"--platform=manylinux_{glibc}_{architecture}" for glibc in GLIBC),
            *(f"--platform=manylinux2014_{architecture}", f"--target={folder}", f"--report={report}", requirement),
        ]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 -- our own words
        if ran.returncode:
            raise LockError(
                f"pip found no set of wheels for {requirement} on cp{python} {architecture}: {ran.stderr[-600:]}"
            )
        return pins_of(report.read_bytes())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m offline.lock", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kind", choices=sorted(SETS), action="append", help="only this set; example: --kind serve")
    parser.add_argument("--python", choices=PYTHONS, action="append")
    parser.add_argument("--architecture", choices=ARCHITECTURES, action="append")
    asked = parser.parse_args(arguments)
    for kind in asked.kind or sorted(SETS):
        for python in asked.python or PYTHONS:
            for architecture in asked.architecture or ARCHITECTURES:
                try:
                    pins = resolve(SETS[kind], python, architecture)
                except LockError as error:
                    print(error, file=sys.stderr)  # noqa: T201 -- a command line prints
                    return 1
                path = file_of(kind, python, architecture)
                path.write_text(render(kind, python, architecture, pins))
                print(f"{path.relative_to(ROOT)}: {len(pins)} artefacts")  # noqa: T201 -- a command line prints
    return 0


if __name__ == "__main__":
    sys.exit(main())
