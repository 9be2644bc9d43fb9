"""The root file system of the image: Python and the libraries it needs; no shell, no package manager.

mmdebstrap fetches and unpacks Debian packages (apt checks their signatures). What of them goes in is decided here, and
written as one plain tar whose bytes depend on the packages and on this file alone.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from offline.image.debian import ImageError, Package, Unpacked, licences, read_deb, status_file
from offline.image.tar import write_tar

SUITE = "bookworm"
PYTHON = "3.11"  # what the suite has: the image takes `locks/serve-cp311.txt`
# greenlet is C++, and manylinux lets it take libstdc++ from the host.
INCLUDED = (f"python{PYTHON}-minimal", f"libpython{PYTHON}-stdlib", "libstdc++6", "base-files")
PARTS = {  # of these packages nothing else is taken: licence texts the others point to, and what a scanner looks for
    "base-files": ("etc/debian_version", "etc/os-release", "usr/lib/os-release", "usr/share/common-licenses"),
}
# Dependencies that only installing needs, and libraries of standard modules nobody here imports: what is not in the
# image needs no patch.
DROPPED = frozenset((
    "dpkg", "libacl1", "libcom-err2", "libdb5.3", "libgssapi-krb5-2", "libk5crypto3", "libkeyutils1", "libkrb5-3",
    "libkrb5support0", "libmd0", "libncursesw6", "libnsl2", "libpcre2-8-0", "libreadline8", "libselinux1", "libtinfo6",
    "libtirpc-common", "libtirpc3", "libzstd1", "mawk", "media-types", "readline-common", "tar",
))  # fmt: skip
_STDLIB = f"usr/lib/python{PYTHON}"
PRUNED = (  # paths that are left out, with all below them
    *(f"{_STDLIB}/{name}" for name in ("ensurepip", "idlelib", "lib2to3", "pydoc_data", "tkinter", "turtledemo")),
    *(f"usr/share/{name}" for name in ("applications", "binfmts", "bug", "gcc", "gdb", "info", "lintian", "locale")),
    *(f"usr/share/{name}" for name in ("man", "menu", "pixmaps", "polkit-1")),
    *(f"usr/lib/{platform.machine()}-linux-gnu/{name}" for name in ("engines-3", "gconv")),  # iconv's tables: not used
    f"etc/python{PYTHON}", f"{_STDLIB}/sitecustomize.py",  # a distribution's hook that runs at every start
    "etc/ld.so.conf.d", "usr/lib/binfmt.d", "usr/share/doc",  # of the last, the copyright files come back
)  # fmt: skip
# Extension modules whose library was dropped, and those that exist for CPython's own tests.
MODULES = ("_curses", "_dbm", "_test", "_ctypes_test", "_xxtestfuzz", "nis", "readline", "xxlimited")
USER = 65532
FILES = {  # what no package brings: names for the two users, and look-ups from files and DNS
    "etc/passwd": f"root:x:0:0:root:/:/nonexistent\nredoubt:x:{USER}:{USER}:redoubt:/nonexistent:/nonexistent\n",
    "etc/group": f"root:x:0:\nredoubt:x:{USER}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
EMPTY = ("dev", "etc/redoubt", "opt/redoubt", "proc", "run", "sys", "tmp", "var/lib/redoubt", "var/tmp")


class Rootfs(msgspec.Struct, frozen=True, kw_only=True):
    """A root file system and what it is made of."""

    tar: Path
    sha256: str
    packages: tuple[Package, ...]


def key() -> str:
    """Changes when another root file system is asked for: the name of its place in the cache."""
    asked = (SUITE, INCLUDED, PARTS, sorted(DROPPED), PRUNED, MODULES, FILES, EMPTY, platform.machine())
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def cached(cache: Path) -> Rootfs:
    """The one in `cache`, made when it is not there. Raises ImageError.

    The key names what was asked for, not which versions Debian had on that day: delete the folder to take newer ones.
    """
    folder = cache / f"rootfs-{key()}"
    if not (folder / "packages.json").is_file():
        making = Path(tempfile.mkdtemp(prefix="rootfs-", dir=_folder(cache)))
        try:
            make(making)
            shutil.rmtree(folder, ignore_errors=True)
            making.chmod(0o755)
            making.rename(folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return read(folder)


def read(folder: Path) -> Rootfs:
    """`rootfs.tar` and `packages.json` of a folder. Raises ImageError when they do not belong together."""
    tar = folder / "rootfs.tar"
    try:
        told = msgspec.json.decode((folder / "packages.json").read_bytes(), type=dict[str, str | tuple[Package, ...]])
        with tar.open("rb") as source:
            found = hashlib.file_digest(source, "sha256").hexdigest()
    except (OSError, msgspec.MsgspecError) as error:
        raise ImageError(
            f"`{folder}` holds no root file system ({error}); `redoubt bundle image-root` makes one"
        ) from error
    packages = told.get("packages", "")
    if told.get("rootfs_sha256") != found or isinstance(packages, str):
        raise ImageError(f"`{tar}` is not the one its `packages.json` tells of; delete `{folder}` and build it again")
    return Rootfs(tar=tar, sha256=found, packages=packages)


def make(target: Path) -> None:
    """Write `rootfs.tar` and `packages.json` into `target`. Needs mmdebstrap, and the mirror this host's apt uses."""
    with tempfile.TemporaryDirectory(prefix="redoubt-rootfs-") as work:
        everything = Path(work) / "all"
        _fetch(everything)
        debs = [read_deb(file) for file in sorted((everything / "var/cache/apt/archives").glob("*.deb"))]
        kept = [one for one in debs if one.package.name not in DROPPED]
        root = Path(work) / "root"
        _select(everything, root, kept)
        packages = tuple(_licensed(root, one) for one in kept)
        _write_files(root, kept)
        _compile(root)
        tar = target / "rootfs.tar"
        write_tar(root, tar, modes={"tmp": 0o1777, "var/tmp": 0o1777}, owners={"var/lib/redoubt": USER})
    with tar.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    told = {"packages": packages, "rootfs_sha256": digest, "suite": SUITE}
    (target / "packages.json").write_bytes(msgspec.json.format(msgspec.json.encode(told, order="deterministic")))


def _fetch(target: Path) -> None:
    if shutil.which("mmdebstrap") is None:
        raise ImageError("`mmdebstrap` is missing: apt-get install mmdebstrap")
    mode = "root" if os.geteuid() == 0 else "unshare"
    command = ["mmdebstrap", "--quiet", f"--mode={mode}", "--variant=extract", f"--include={','.join(INCLUDED)}"]
    command += ["--skip=cleanup/apt/cache", "--format=tar", SUITE, f"{target}.tar"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- no shell
    if ran.returncode:
        raise ImageError(f"`mmdebstrap` could not fetch the packages of `{SUITE}`: {ran.stderr.strip()[-800:]}")
    target.mkdir(parents=True, exist_ok=True)
    # Out of signed packages, so their links are believed. Not tarfile: before Python 3.11.4 it has no filters.
    command = ["tar", "--extract", "--numeric-owner", "--exclude=./dev/*", f"--file={target}.tar", "-C", str(target)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- no shell
    if ran.returncode:
        raise ImageError(f"`tar` could not unpack the packages of `{SUITE}`: {ran.stderr.strip()[-800:]}")


def _select(everything: Path, root: Path, kept: Sequence[Unpacked]) -> None:
    """Copy what the kept packages brought and nobody pruned. A folder comes with its first file."""
    wanted = {path for one in kept for path in one.paths if _part(one.package.name, path)}
    for path in sorted(wanted):
        source, target = everything / path, root / path
        if _pruned(path, link=source.is_symlink()) or (source.is_dir() and not source.is_symlink()):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


def _part(package: str, path: str) -> bool:
    parts = PARTS.get(package)
    return parts is None or path == f"usr/share/doc/{package}/copyright" or any(_below(path, one) for one in parts)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _pruned(path: str, *, link: bool) -> bool:
    if path.startswith("usr/share/doc/"):  # a folder may be a link to that of the package with the text
        return not link and not path.endswith("/copyright")
    if path.startswith(f"{_STDLIB}/lib-dynload/"):
        return Path(path).name.startswith(MODULES)
    return any(_below(path, one) for one in PRUNED)


def _licensed(root: Path, one: Unpacked) -> Package:
    file = (root / one.package.copyright).resolve()
    if not file.is_relative_to(root.resolve()) or not file.is_file():
        raise ImageError(f"package `{one.package.name}` has no licence text at `/{one.package.copyright}`")
    return msgspec.structs.replace(one.package, licences=licences(file.read_text(encoding="utf-8", errors="replace")))


def _write_files(root: Path, kept: Sequence[Unpacked]) -> None:
    for name, text in {**FILES, "var/lib/dpkg/status": status_file(kept)}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name in EMPTY:
        (root / name).mkdir(parents=True, exist_ok=True)


def _compile(root: Path) -> None:
    """Byte code beside every standard module, never checked against it: all files of an image have one time."""
    enter = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
    command = [*enter, "chroot", str(root), f"/usr/bin/python{PYTHON}", "-S", "-m", "compileall", "-q", "-j1"]
    command += ["--invalidation-mode", "unchecked-hash", f"/{_STDLIB}"]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 -- no shell
    if ran.returncode:
        raise ImageError(f"the root file system's Python does not run: {(ran.stderr or ran.stdout).strip()[-800:]}")


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
