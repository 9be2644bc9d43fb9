"""Making locks: asks pip which wheels an environment comes to, and writes one sha256 for each. See `rules.lock`.

Regenerate them all with `python -m offline.lock`, on a machine that reaches a package index.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from offline.rules.lock import Pin, normalised, write_lock

LOCKS = Path(__file__).parent / "locks"
ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
ARCHITECTURES = ("x86_64", "aarch64")
GLIBC = ("2_28", "2_17", "2_5")  # Debian 10, RHEL 8 and newer; older tags are compatible
SETS = {"serve": ".", "tools": ".[tools]", "dev": ".[tools,dev]", "build": "setuptools>=80"}


class LockError(Exception):
    """A lock that cannot be made; says which package."""


def file_of(kind: str, python: str, architecture: str) -> Path:
    """Where a lock lies: `serve-cp311-x86_64.txt`."""
    return LOCKS / f"{kind}-cp{python.replace('.', '')}-{architecture}.txt"


def pins_of(report: bytes) -> list[Pin]:
    """Pins out of pip's installation report (pypa installation-report, version 1). Raises LockError."""
    pins: list[Pin] = []
    for item in json.loads(report)["install"]:
        name = normalised(item["metadata"]["name"])
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
                path.write_text(write_lock(kind, f"cp{python.replace('.', '')}", architecture, pins))
                print(f"{path.relative_to(ROOT)}: {len(pins)} artefacts")  # noqa: T201 -- a command line prints
    return 0


if __name__ == "__main__":
    sys.exit(main())
