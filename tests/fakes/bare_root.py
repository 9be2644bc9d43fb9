"""A Debian root that has dash, coreutils and openssl and nothing else, made of the files of the host.

    root = BareRoot.make(tmp_path / "root")
    root.run(bundle, "sh", "/media/verify.sh", "--fingerprint", paper, "/media")

No network, no download: what the host's packages own, and the libraries that their programs load.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.system.needs import missing, need

PACKAGES = ("coreutils", "openssl")
SHELL = Path("/bin/dash")
ASIDE = ("/usr/share/", "/usr/lib/ssl/misc/")  # manuals and translations; openssl's own scripts, which want perl
CEILING_S = 300  # nothing is judged by it: a program that hangs ends
MEDIUM = "/media"
_LIBRARY = re.compile(r"(?m)(?:=> |^\t)(/\S+) \(0x")
# Mounts of its own: they are gone with the program, whatever becomes of it.
INSIDE = """
set -e
mount --bind /dev/null "$1/dev/null"
mount --bind "$2" "$1/media"
[ "$3" = 0 ] || mount -t tmpfs -o size="$3" tmp "$1/tmp"
root=$1
shift 3
exec chroot "$root" "$@"
"""


@dataclass(frozen=True)
class BareRoot:
    """The folder."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "BareRoot":
        """Skips, and names the package, where the host lacks one."""
        need("dpkg", "dpkg: only Debian tells which file is whose")
        need("unshare", "util-linux")
        need(str(SHELL), "dash")
        root = cls(folder)
        for place in ("dev", "media", "tmp", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"):
            (folder / place).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (folder / name).symlink_to(f"usr/{name}")
        (folder / "dev/null").touch()
        files = [SHELL, *(one for package in PACKAGES for one in _owned(package))]
        for one in files:
            root._take(one)
        for library in {library for one in files for library in _libraries(one)}:
            root._take(library)
        (folder / "usr/bin/sh").symlink_to("dash")
        root._prove()
        return root

    @property
    def programs(self) -> set[str]:
        return {one.name for place in ("bin", "sbin") for one in (self.folder / "usr" / place).iterdir()}

    def run(self, medium: Path, *words: str, room: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the words with the folder `medium` mounted at MEDIUM, and nothing of the caller's environment.

        `room`: so many bytes are all there is below /tmp; 0: as much as the disk has.
        """
        user = [] if os.geteuid() == 0 else ["--map-root-user"]
        return subprocess.run(
            ["unshare", *user, "--mount", "sh", "-c", INSIDE, "sh", str(self.folder), str(medium), str(room), *words],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=CEILING_S,
        )

    def verify(self, medium: Path, paper: str, *words: str, room: int = 0) -> subprocess.CompletedProcess[str]:
        """The medium's own verify.sh, as START-HERE has it typed."""
        return self.run(medium, "/bin/sh", f"{MEDIUM}/verify.sh", "--fingerprint", paper, *words, MEDIUM, room=room)

    def _take(self, file: Path) -> None:
        """To where it lies on the host; links of a merged /usr lead there."""
        place = self.folder / str(file.parent).lstrip("/")
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, place / file.name)

    def _prove(self) -> None:
        """That programs can be started in it: what no machine of this kind lets us do is no fault of verify.sh."""
        ran = self.run(self.folder / "tmp", "/bin/sh", "-c", "/usr/bin/openssl version && : >/dev/null")
        if ran.returncode:
            missing(f"no program starts in a root of its own here: {ran.stderr.strip()}")


def _owned(package: str) -> Iterator[Path]:
    """Its programs, libraries and settings."""
    listed = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=False)
    if listed.returncode:
        missing(f"the package `{package}` is missing: apt-get install {package}")
    for line in listed.stdout.splitlines():
        path = Path(line)
        if path.is_file() and not line.startswith(ASIDE):
            yield path


def _libraries(program: Path) -> Iterator[Path]:
    """What the dynamic linker loads for it, and the linker itself."""
    with program.open("rb") as opened:
        if opened.read(4) != b"\x7fELF":
            return
    ran = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
    yield from (Path(one) for one in _LIBRARY.findall(ran.stdout))
