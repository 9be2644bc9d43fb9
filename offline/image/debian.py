"""What a Debian package file says of itself: name, version, hash, licences, files."""

import hashlib
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from offline.failure import Failure

# https and http both stand in packages of Debian 12; compared by what follows.
_DEP5 = re.compile(
    r"^Format:\s*https?://www\.debian\.org/doc/packaging-manuals/copyright-format/1\.0/?\s*$", re.MULTILINE
)
_LICENCE = re.compile(r"^License:[ \t]*(\S[^\n]*)$", re.MULTILINE)
_STATUS = "Status: install ok installed"


class ImageError(Failure):
    """An image or its root file system that cannot be made; says which part, and what to do."""


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """One Debian package of the root file system, as its .deb tells."""

    name: str
    version: str
    architecture: str
    source: str  # `openssl` or `openssl 3.0.1`: what the distribution's advisories are about
    maintainer: str
    file: str
    sha256: str  # of the .deb
    licences: tuple[str, ...]  # Debian's short names, out of a machine-readable copyright file; empty: it is not one
    copyright: str  # where the text lies in the image

    @property
    def purl(self) -> str:
        version = self.version.replace(":", "%3A").replace("+", "%2B")
        return f"pkg:deb/debian/{self.name.replace('+', '%2B')}@{version}?arch={self.architecture}"


class Unpacked(msgspec.Struct, frozen=True, kw_only=True):
    """A package and what it puts where."""

    package: Package
    control: str  # its stanza, for the status file that scanners read
    paths: frozenset[str]  # relative, no `./`, no trailing slash


def read_deb(file: Path) -> Unpacked:
    """Raises ImageError for what is no package."""
    control = _told("dpkg-deb", "--field", str(file)).decode()
    fields: dict[str, str] = dict(re.findall(r"^([A-Za-z-]+):[ \t]*([^\n]*)$", control, re.MULTILINE))
    listed = _told("dpkg-deb", "--fsys-tarfile", str(file), then=("tar", "--list", "--quoting-style=literal"))
    paths = frozenset(line.removeprefix("./").rstrip("/") for line in listed.decode().splitlines()) - {"", "."}
    name = fields["Package"]
    package = Package(
        name=name,
        version=fields["Version"],
        architecture=fields["Architecture"],
        source=fields.get("Source", name),
        maintainer=fields.get("Maintainer", ""),
        file=file.name.replace("%3a", ":"),
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        licences=(),
        copyright=f"usr/share/doc/{name}/copyright",
    )
    return Unpacked(package=package, control=control.strip(), paths=paths)


def licences(text: str) -> tuple[str, ...]:
    """The names a machine-readable copyright file (DEP-5) gives; none when it is written for people only."""
    return tuple(sorted(set(_LICENCE.findall(text)))) if _DEP5.search(text) else ()


def status_file(packages: Sequence[Unpacked]) -> str:
    """`/var/lib/dpkg/status` for these packages, so that a scanner knows what there is though dpkg is not."""
    stanzas = []
    for one in sorted(packages, key=lambda one: one.package.name):
        head, _, rest = one.control.partition("\n")
        stanzas.append(f"{head}\n{_STATUS}\n{rest}\n")
    return "\n".join(stanzas)


def _told(*command: str, then: Sequence[str] = ()) -> bytes:
    first = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 -- fixed programs, no shell
    last = first if not then else subprocess.run(then, input=first.stdout, capture_output=True, check=False)  # noqa: S603
    if first.returncode or last.returncode:
        said = (first.stderr or last.stderr).decode(errors="replace").strip()
        raise ImageError(f"`{command[-1]}` cannot be read as a Debian package: {said}")
    return last.stdout
