"""Our own wheel, the same to the byte wherever and whenever it is built.

setuptools does the work, out of the wheel that the `build` lock names and with nothing else to import; then the zip
is written anew: sorted names, one date, one mode, nothing compressed (so that no version of zlib matters).
"""

import base64
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path

from offline.failure import Failure
from offline.rules.wheel import read_wheel

DATE = (1980, 1, 1, 0, 0, 0)  # the first a zip can hold
UNIX, MODE = 3, 0o100644
HOOK = """\
import sys
sys.path.insert(0, sys.argv[1])
import setuptools.build_meta as backend
print(backend.build_wheel(sys.argv[2]))
"""


def build_wheel(tree: Path, setuptools: Path, into: Path, created: datetime) -> Path:
    """Build `tree` with the given wheel of setuptools; the wheel, below `into`. Raises Failure."""
    with tempfile.TemporaryDirectory(prefix="redoubt-own-") as scratch:
        backend, raw = Path(scratch) / "setuptools", Path(scratch) / "raw"
        with zipfile.ZipFile(setuptools) as archive:
            archive.extractall(backend)
        raw.mkdir()
        environment = {
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "HOME": scratch,
            "SOURCE_DATE_EPOCH": str(int(created.timestamp())),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        # -S: no site-packages, so that nothing but this setuptools can take part
        command = [sys.executable, "-S", "-P", "-c", HOOK, str(backend), str(raw)]
        ran = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 -- our own words
        made = sorted(raw.glob("*.whl"))
        if ran.returncode or len(made) != 1:
            raise Failure(f"our own wheel could not be built: {ran.stderr.strip()[-600:]}")
        return repack(made[0], into)


def repack(wheel: Path, into: Path) -> Path:
    """The same wheel in its one form. Raises Refused when it is none."""
    with zipfile.ZipFile(wheel) as archive:
        members = {one.filename: archive.read(one) for one in archive.infolist() if not one.is_dir()}
    record = next(name for name in members if name.endswith(".dist-info/RECORD"))
    lines = [f"{name},sha256={_b64(members[name])},{len(members[name])}" for name in sorted(members) if name != record]
    members[record] = "".join(f"{line}\n" for line in (*lines, f"{record},,")).encode()
    into.mkdir(parents=True, exist_ok=True)
    written = into / wheel.name
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            archive.writestr(plain(name), members[name])
    read_wheel(written)
    return written


def plain(name: str) -> zipfile.ZipInfo:
    """A member that says nothing of where and when it was written."""
    info = zipfile.ZipInfo(name, DATE)
    info.create_system, info.external_attr, info.compress_type = UNIX, MODE << 16, zipfile.ZIP_STORED
    return info


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
