"""A site that is installed, upgraded and asked in milliseconds, and releases for it."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from offline.rules.manifest import WheelEntry
from tests.fakes.bundle import Release, entry, header, trust, wheel
from tests.installer.program import zipapp

ROOT = Path(__file__).parents[2]
TAG = f"cp{sys.version_info[0]}{sys.version_info[1]}"
FINGERPRINT = hashlib.sha256(str(trust()).encode()).hexdigest()


@dataclass(frozen=True)
class Small(Release):
    """A release whose gateway is the stand-in."""

    fails: str = ""

    def _wheels(self, folder: Path) -> tuple[list[WheelEntry], list[WheelEntry]]:
        program = (ROOT / "tests/installer/stand_in.py").read_bytes()
        own = {
            "appliance/__init__.py": b"",
            "appliance/cli/__init__.py": b"",
            "appliance/cli/__main__.py": program,
            "appliance/cli/version.txt": self.head.version.encode(),
            "appliance/cli/fails.txt": self.fails.encode(),
        }
        serve = [
            wheel(folder, "redoubt_gateway", self.head.version, own),
            wheel(folder, "alpha", "1.0", {"alpha/__init__.py": b"VALUE = 1\n", "alpha/data.txt": b"a" * 5000}),
        ]
        tools = [wheel(folder, "gamma", "3.1", {"gamma.py": b"TOOL = True\n"})]
        return [entry(one) for one in serve], [entry(one) for one in tools]


def small(version: str = "0.1.0", seq: int = 7, fails: str = "", min_from: int = 0) -> Small:
    head = replace(header(version=version, seq=seq), min_from=min_from)
    return Small(head=head, pythons=(TAG,), fails=fails, extra={"installer.pyz": zipapp(ROOT)})


def installer(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The installer of a bundle, as `install.sh` calls it."""
    command = [sys.executable, "-I", "-S", "-B", str(folder / "installer.pyz"), *words]
    return subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
