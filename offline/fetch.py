"""Wheels of a lock, from a package index into the cache: each is asked for by its hash, and no other is taken."""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from offline.cache import WheelCache
from offline.failure import Failure
from offline.rules.lock import Pin
from offline.steps import Step, silent

GLIBC = ("2_28", "2_17", "2_5")  # Debian 10, RHEL 8 and newer; older tags are compatible


def target(python: str, architecture: str) -> list[str]:
    """What pip is told to get wheels that run on a Linux of that kind. `python`: `3.11`."""
    return [
        *("--only-binary=:all:", "--implementation=cp", f"--python-version={python}"),
        *(f"--platform=manylinux_{glibc}_{architecture}" for glibc in GLIBC),
        f"--platform=manylinux2014_{architecture}",
    ]


def fetch(pins: Iterable[Pin], python: str, architecture: str, cache: WheelCache, step: Step = silent) -> list[Path]:
    """Where the wheels lie, in the order of the pins. No network is used for what the cache has. Raises Failure."""
    wanted = list(pins)
    missing = [pin for pin in wanted if cache.find(pin.sha256) is None]
    if missing:
        with tempfile.TemporaryDirectory(prefix="redoubt-fetch-") as scratch:
            _download(missing, target(python, architecture), Path(scratch), step)
            for wheel in sorted(Path(scratch).glob("*.whl")):
                cache.put(wheel)
    return [cache.take(pin.sha256, f"{pin.name}=={pin.version}") for pin in wanted]


def _download(pins: Sequence[Pin], kind: Sequence[str], into: Path, step: Step) -> None:
    lock = into / "lock.txt"
    lock.write_text("".join(f"{pin}\n" for pin in pins), encoding="ascii")
    command = [
        *(sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-deps"),
        *("--require-hashes", *kind, f"--dest={into}", f"--requirement={lock}"),
    ]
    done, said = 0, ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:  # noqa: S603 -- our own words
        for line in pip.stdout or ():
            said = f"{said}{line}"[-2000:]
            if line.startswith("Collecting "):
                done += 1
                step(f"fetching {line.split()[1]}", done, len(pins))
    if pip.returncode:
        raise Failure(f"pip could not fetch {len(pins)} wheels by their hashes: {said.strip()[-600:]}")
