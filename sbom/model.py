"""What an inventory is made of: frozen values, read from bytes, before any format."""

from pathlib import Path
from urllib.parse import quote

import msgspec


class Refused(Exception):
    """A document that must not be written, or one that cannot be read. Says which thing, and what to do."""


class Party(msgspec.Struct, frozen=True, order=True):
    """Who made something. One of `email` and `url` is set wherever the bytes name one (BSI TR-03183-2, 5.2.2)."""

    name: str
    email: str = ""
    url: str = ""


class Target(msgspec.Struct, frozen=True, order=True):
    """One environment that wheels are installed into."""

    environment: str  # `serve`, `tools`
    python: str  # `3.11`
    machine: str  # `x86_64`

    def __str__(self) -> str:
        return f"{self.environment}-cp{self.python.replace('.', '')}-{self.machine}"


class Entry(msgspec.Struct, frozen=True, order=True):
    """One file of a wheel, hashed from its bytes."""

    path: str
    sha256: str  # urlsafe base64 without padding, as RECORD writes it
    size: int


class NativeFile(msgspec.Struct, frozen=True, order=True):
    """A file that begins with the four bytes of ELF, whatever it is called."""

    path: str
    sha256: str  # hex
    sha512: str  # hex
    needed: tuple[str, ...]  # shared libraries it asks the loader for


class Wheel(msgspec.Struct, frozen=True, kw_only=True):
    """One wheel file, as its bytes are."""

    path: Path
    file: str
    name: str  # normalised, PEP 503
    version: str
    size: int
    sha256: str
    sha512: str
    metadata: dict[str, list[str]]  # header -> values, in the order of the file
    entries: tuple[Entry, ...]
    record_sha256: str  # of the canonical lines, see wheel.canonical
    natives: tuple[NativeFile, ...]
    foreign: tuple[str, ...]  # programs for other systems: PE, Mach-O
    strings: frozenset[str]  # those of the proofs asked for that stand in its native files
    licence_files: tuple[tuple[str, bytes], ...]
    sboms: tuple[tuple[str, bytes], ...]  # PEP 770
    vendor_list: tuple[tuple[str, str], ...]  # name, version, from a `_vendor/vendor.txt`
    pth: tuple[str, ...]
    entry_points: tuple[str, ...]
    leading_text: dict[str, str]  # source files a licence text is taken from, by path

    @property
    def ref(self) -> str:
        """The purl of this very file, and its reference in every document."""
        return f"pkg:pypi/{self.name}@{quote(self.version, safe='')}?file_name={quote(self.file, safe='')}"


class Licence(msgspec.Struct, frozen=True):
    """What the component may be distributed under, and where that was read."""

    expression: str  # valid SPDX
    declared: str  # what its author wrote, as an expression; the same where it was one already
    source: str  # `License-Expression`, `License`, `classifiers`, `curated: …`


class Native(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A library inside a wheel that is not the wheel's own work."""

    name: str
    version: str
    purl: str
    licence: str  # SPDX
    party: Party
    how: str  # how it is known to be there
    within: tuple[str, ...]  # `<wheel file>!<path>`
    vcs: str = ""
    file: str = ""  # its file's name, when it lies there as a file of its own
    sha256: str = ""
    sha512: str = ""
    copyright: str = ""
    needs: tuple[str, ...] = ()  # refs
    archive: bool = False  # the file is one of many
    text: str = ""  # the licence file of the wheel that holds its text; else the standard text is shipped

    @property
    def ref(self) -> str:
        return self.purl


class Outside(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """The first level outside the delivery: identified, not delivered (BSI TR-03183-2, 3.2.4)."""

    name: str
    version: str
    purl: str
    licence: str
    party: Party
    why: str

    @property
    def ref(self) -> str:
        return self.purl


class Absent(msgspec.Struct, frozen=True, order=True):
    """A need that is left unmet on purpose."""

    name: str
    targets: tuple[Target, ...]
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(map(str, self.targets))}): {self.reason}"


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One wheel file of the bundle, with what was decided about it."""

    wheel: Wheel
    licence: Licence
    party: Party
    vcs: str
    homepage: str
    targets: tuple[Target, ...]
    needs: tuple[str, ...]  # refs of wheels, natives and outside components
    without: tuple[Absent, ...]  # what it asks for and does not get, told with a reason

    @property
    def ref(self) -> str:
        return self.wheel.ref


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """What is delivered, as its maker calls it."""

    name: str
    version: str
    machine: str
    licence: str
    party: Party
    tool_version: str
    authors: tuple[Party, ...] = ()
    distribution: str = "redoubt-gateway"  # the wheel that is the product's own work


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a document says, sorted."""

    product: Product
    components: tuple[Component, ...]
    natives: tuple[Native, ...]
    outside: tuple[Outside, ...]

    def licence_of(self) -> dict[str, str]:
        """Reference -> SPDX expression."""
        found = {one.ref: one.licence.expression for one in self.components}
        found |= {one.ref: one.licence for one in self.natives}
        return found | {one.ref: one.licence for one in self.outside}
