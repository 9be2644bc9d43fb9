"""The release before an update of packages: this tree, with some packages at the version before theirs."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from offline.cache import WheelCache
from offline.fetch import target
from offline.rules.tree import digest
from offline.rules.wheel import read_name
from tests.e2e.bundle.made import ARCH, committed
from tests.system.releases import Release, later_release, this_release

SIX = ("litestar", "uvicorn", "httpx", "cryptography", "structlog", "click")  # the one native is the largest wheel


def before(folder: Path, wheels: Path, pythons: Sequence[str], names: Iterable[str] = SIX) -> Release:
    """A tree in the new folder, whose locks pin the last release of each package before the one that is pinned here.

    Asks a package index; what it gives lies in the cache of wheels afterwards.
    """
    made = later_release(folder, this_release().version, step={})
    cache = WheelCache(wheels)
    for python in pythons:
        tag = f"cp{python.replace('.', '')}-{ARCH}"
        locks = [made.tree / f"offline/locks/{kind}-{tag}.txt" for kind in ("serve", "tools")]
        for name in names:
            found = re.search(rf"(?m)^{name}==(\S+) ", locks[0].read_text())
            assert found, f"{locks[0].name} does not pin {name}"
            wheel = cache.put(_fetched(f"{name}<{found[1]}", python))
            line = f"{name}=={read_name(wheel.name).version} --hash=sha256:{digest(wheel)}"
            for lock in locks:
                lock.write_text(re.sub(rf"(?m)^{name}==.*$", line, lock.read_text()))
    return committed(made)


def _fetched(wanted: str, python: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="redoubt-older-"))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, *target(python, ARCH), "--dest", str(folder), wanted], check=True)
    [wheel] = folder.glob("*.whl")
    return wheel
